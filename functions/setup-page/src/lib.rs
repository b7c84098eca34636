//! The setup page: the document, its stylesheet and its script.
//!
//! The page is written as files in `page/`. `build.rs` joins the modules into one script per language and compresses it.
//! The document and the stylesheet depend on the settings of the deployment, so a process makes them at its start.
//!
//! | module | content |
//! |---|---|
//! | `settings` | name, logo, colour and support link of the platform, and the origins that may frame the page |
//! | `colour` | shades of the accent colour that can be read on the page's backgrounds |
//! | `html` | the document |
//! | `served` | entity tags, compression and the headers of every response |
//! | `language` | choice of a language by `Accept-Language` |

mod colour;
mod html;
mod language;
mod served;
mod settings;

use std::collections::BTreeMap;
use std::rc::Rc;

use trustplane_domain::Failure;
use trustplane_runtime::{Call, Response};

use crate::served::{File, Headers};
use crate::settings::{Settings, SettingsError};

include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// The stylesheet without the colours of a deployment.
const STYLE: &str = include_str!("../page/style.css");

/// Caching of a file whose name has the hash of its content.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Caching of a file that keeps its name: a cache asks each time, and gets 304 while it is the same.
const REVALIDATED: &str = "no-cache";

/// The document in every language.
#[derive(Debug)]
pub struct Page {
    headers: Headers,
    /// Each language with its document.
    documents: Vec<(&'static str, File)>,
}

/// The files that the document names.
#[derive(Debug)]
pub struct Assets {
    headers: Headers,
    /// By name.
    files: BTreeMap<String, (File, &'static str)>,
}

impl Page {
    /// Makes the documents from the settings of the process.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::new(&Settings::from_env()?).map_err(Into::into)
    }

    fn new(settings: &Settings) -> std::io::Result<Self> {
        let style = style_name(&style(settings));
        let document = |(language, script): &(&'static str, &str)| {
            let html = html::document(settings, language, &style, script);
            Ok((*language, File::new("text/html; charset=utf-8", html.as_bytes())?))
        };
        let documents = NAMES.iter().map(document).collect::<std::io::Result<_>>()?;
        Ok(Self { headers: Headers::of(settings), documents })
    }

    /// The document in the language that suits the client best.
    fn choose(&self, accept_language: Option<&str>) -> Option<(&'static str, &File)> {
        let known: Vec<&str> = self.documents.iter().map(|(language, _)| *language).collect();
        let chosen = language::choose(accept_language.unwrap_or_default(), &known);
        self.documents.iter().find(|(language, _)| Some(*language) == chosen).map(|(language, file)| (*language, file))
    }
}

impl Assets {
    /// Makes the files from the settings of the process.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::new(&Settings::from_env()?).map_err(Into::into)
    }

    fn new(settings: &Settings) -> std::io::Result<Self> {
        let style = style(settings);
        let file = File::new("text/css; charset=utf-8", style.as_bytes())?;
        let mut files = BTreeMap::from([
            (style_name(&style), (file.clone(), FOREVER)),
            ("theme.css".to_owned(), (file, REVALIDATED)),
        ]);
        for (name, gzip) in SCRIPTS {
            let file = File::compressed("text/javascript; charset=utf-8", gzip);
            files.insert((*name).to_owned(), (file, FOREVER));
        }
        Ok(Self { headers: Headers::of(settings), files })
    }
}

/// GET `/setup`: the document.
pub async fn document(call: Call, page: Rc<Page>) -> Result<Response, Failure> {
    let (language, file) =
        page.choose(call.request.header("accept-language")).ok_or_else(|| Failure::internal("no language"))?;
    let response = file.response(&call.request, REVALIDATED)?.header("content-language", language);
    Ok(page.headers.add(response).header("vary", "accept-encoding, accept-language"))
}

/// GET `/setup/{asset}`: a file that the document names.
pub async fn asset(call: Call, assets: Rc<Assets>) -> Result<Response, Failure> {
    let name = call.request.path.rsplit('/').next().unwrap_or_default();
    let response = match assets.files.get(name) {
        Some((file, caching)) => file.response(&call.request, caching)?.header("vary", "accept-encoding"),
        None => served::absent(),
    };
    Ok(assets.headers.add(response))
}

/// The stylesheet: the colours of the deployment, then the rules.
fn style(settings: &Settings) -> String {
    format!("{}{STYLE}", colour::rules(settings.accent))
}

fn style_name(style: &str) -> String {
    format!("theme-{}.css", served::hash(style.as_bytes()))
}

#[cfg(test)]
mod tests;
