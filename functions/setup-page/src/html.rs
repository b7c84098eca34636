//! The document.

use crate::settings::Settings;

const DOCUMENT: &str = include_str!("../page/page.html");

/// Renders the document in a language.
pub(crate) fn document(settings: &Settings, language: &str, style: &str, script: &str) -> String {
    let name = escaped(&settings.name);
    let logo = settings.logo_url.as_deref().map_or_else(String::new, |url| {
        format!("<img class=\"logo\" src=\"{}\" alt=\"\" height=\"32\" referrerpolicy=\"no-referrer\">", escaped(url))
    });
    let values = [
        ("{{language}}", escaped(language)),
        ("{{name}}", name),
        ("{{logo}}", logo),
        ("{{support}}", escaped(settings.support_url.as_deref().unwrap_or_default())),
        ("{{style}}", style.to_owned()),
        ("{{script}}", script.to_owned()),
    ];
    // One pass: a value that looks like a mark is not replaced.
    let mut html = String::new();
    let mut rest = DOCUMENT;
    while let Some(at) = rest.find("{{") {
        let (before, from) = rest.split_at(at);
        html.push_str(before);
        match values.iter().find_map(|(mark, value)| Some((value, from.strip_prefix(mark)?))) {
            Some((value, after)) => {
                html.push_str(value);
                rest = after;
            }
            None => {
                html.push_str("{{");
                rest = from.strip_prefix("{{").unwrap_or_default();
            }
        }
    }
    html + rest
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_and_no_markup() {
        let settings = Settings::read(&|name| {
            (name == "TRUSTPLANE_SETUP_PLATFORM_NAME").then(|| "A \"<script>&{{script}}".to_owned())
        });
        let html = document(&settings.unwrap(), "en", "theme-1.css", "app-1.js");
        assert!(html.contains("A &quot;&lt;script&gt;&amp;{{script}}"), "{html}");
        assert_eq!((html.matches("<script").count(), html.matches("app-1.js").count()), (1, 1), "{html}");
        assert!(!html.contains("style=") && !html.contains("onclick"), "{html}");
    }
}
