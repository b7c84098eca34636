//! Pages of the integration dialect's lists: `limit` and an opaque `cursor` in, `{data, next_cursor, has_more}` out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use trustplane_domain::{Failure, Faults};
use trustplane_store::Query;

use crate::Request;

const LIMIT: usize = 50;
const MOST: usize = 250;

/// The first byte of what a cursor holds: a cursor of another form is told from ours.
const FORM: u8 = b'1';

/// The page that a request asks for, of the rows whose sort key begins with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    prefix: String,
    limit: usize,
    after: Option<String>,
}

/// A page on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub struct Listed<T> {
    #[cfg_attr(feature = "schema", schemars(length(max = MOST)))]
    data: Vec<T>,
    next_cursor: Option<String>,
    has_more: bool,
}

impl Page {
    /// Reads `limit` (1 to 250, by default 50) and `cursor`, as [`Self::listed`] gave it; what is wrong with either is told
    /// at once.
    pub fn of(request: &Request, prefix: &str) -> Result<Self, Failure> {
        let mut faults = Faults::default();
        let limit = match request.query("limit").as_deref().map(str::parse) {
            None => LIMIT,
            Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
            Some(_) => {
                faults.add("limit", format!("must be a whole number from 1 to {MOST}"));
                LIMIT
            }
        };
        let after = request.query("cursor").and_then(|cursor| {
            faults.take("cursor", opened(&cursor).ok_or("must be the `next_cursor` of a page before"))
        });
        let after = after.map(|rest| format!("{prefix}{rest}"));
        faults.into_result()?;
        Ok(Self { prefix: prefix.to_owned(), limit, after })
    }

    /// The same page of `query`, whose prefix is this page's.
    pub fn query(&self, query: Query) -> Query {
        query.page(self.limit, self.after.clone())
    }

    /// The page of these rows; `next` is the sort key of the last one where there are more.
    pub fn listed<T>(&self, data: Vec<T>, next: Option<&str>) -> Listed<T> {
        let next_cursor = next.and_then(|sk| sk.strip_prefix(&self.prefix)).map(sealed);
        Listed { data, has_more: next_cursor.is_some(), next_cursor }
    }
}

fn sealed(rest: &str) -> String {
    let mut bytes = vec![FORM];
    bytes.extend(rest.bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn opened(cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let rest = bytes.strip_prefix(&[FORM])?;
    // Sort keys are printable ASCII, and DynamoDB takes 1,024 bytes of one.
    let fits = rest.len() <= 900 && rest.iter().all(u8::is_ascii_graphic);
    fits.then(|| String::from_utf8_lossy(rest).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpEvent;

    fn page(query: &str) -> Result<Page, Failure> {
        let event = HttpEvent { raw_query_string: query.to_owned(), ..HttpEvent::default() };
        Page::of(&Request::of(event), "ROW#")
    }

    #[test]
    fn a_cursor_goes_on_where_its_page_ended() {
        let first = page("limit=2").unwrap();
        let listed = first.listed(vec![1, 2], Some("ROW#b"));
        assert!(listed.has_more);
        let next = page(&format!("cursor={}", listed.next_cursor.unwrap())).unwrap();
        assert_eq!(next, Page { prefix: "ROW#".to_owned(), limit: LIMIT, after: Some("ROW#b".to_owned()) });
        let last = next.listed(vec![3], None);
        assert_eq!((last.next_cursor, last.has_more), (None, false));
    }

    #[test]
    fn what_is_wrong_is_told_at_once() {
        for query in [
            "limit=0&cursor=!",
            "limit=251&cursor=",
            "limit=x&cursor=Mg",
            "limit=-1&cursor=MfA",
            "limit=1.5&cursor=MSA",
        ] {
            let Err(Failure::Invalid(faults)) = page(query) else { panic!("{query}") };
            let fields: Vec<&str> = faults.iter().map(|(field, _)| field).collect();
            assert_eq!(fields, ["cursor", "limit"], "{query}");
        }
        assert_eq!(page("limit=250").unwrap().limit, 250);
    }
}
