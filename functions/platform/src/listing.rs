//! Pages of a list: `limit`, and an opaque `cursor` to go on after.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use trustplane_domain::{Failure, Faults};

/// Prefix of a decoded cursor. A new meaning of the rest gets a new number, so that older cursors are refused.
const VERSION: &str = "1:";

/// A page that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Rows at most.
    pub(crate) limit: usize,
    /// Last row of the previous page.
    pub(crate) after: Option<String>,
}

/// A page on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub(crate) struct Rows<T> {
    #[cfg_attr(feature = "schema", schemars(length(max = 250)))]
    data: Vec<T>,
    next_cursor: Option<String>,
    has_more: bool,
}

impl Page {
    /// Reads `limit` (1 to `most`, `usual` where there is none) and `cursor`.
    pub(crate) fn parse(
        limit: Option<&str>,
        cursor: Option<&str>,
        (usual, most): (usize, usize),
    ) -> Result<Self, Failure> {
        let mut faults = Faults::default();
        let limit = limit.filter(|limit| !limit.is_empty()).map_or(Ok(usual), |limit| {
            let number = limit.parse().ok().filter(|number| (1..=most).contains(number));
            number.ok_or_else(|| format!("must be a whole number from 1 to {most}"))
        });
        let limit = faults.take("limit", limit);
        let after = cursor.filter(|cursor| !cursor.is_empty()).and_then(|cursor| {
            faults.take("cursor", opened(cursor).ok_or("must be the `next_cursor` of another page"))
        });
        faults.into_result()?;
        Ok(Self { limit: limit.unwrap_or(usual), after })
    }
}

impl<T> Rows<T> {
    /// These rows, and the place where the next ones begin.
    pub(crate) fn new(data: Vec<T>, next: Option<&str>) -> Self {
        let next_cursor = next.map(|place| URL_SAFE_NO_PAD.encode(format!("{VERSION}{place}")));
        Self { data, has_more: next_cursor.is_some(), next_cursor }
    }
}

fn opened(cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix(VERSION).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_where_the_page_ended() {
        let rows = Rows::new(vec![1], Some("CREDENTIAL#\u{e9}"));
        let cursor = rows.next_cursor.unwrap();
        let page = Page::parse(Some("250"), Some(&cursor), (50, 250)).unwrap();
        assert_eq!(page, Page { limit: 250, after: Some("CREDENTIAL#\u{e9}".to_owned()) });
        assert!(rows.has_more && !Rows::<u8>::new(Vec::new(), None).has_more);
        assert_eq!(Page::parse(None, Some(""), (50, 250)), Ok(Page { limit: 50, after: None }));
    }

    #[test]
    fn what_is_no_limit_or_cursor_is_named() {
        for limit in ["0", "251", "-1", "x", "1.5", "99999999999999999999"] {
            let Err(Failure::Invalid(faults)) = Page::parse(Some(limit), Some("*"), (50, 250)) else {
                panic!("{limit}")
            };
            assert_eq!(faults.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["cursor", "limit"]);
        }
        for cursor in ["x", "Mjp4", "gICA", "MTp4IQ=="] {
            assert!(Page::parse(None, Some(cursor), (50, 250)).is_err(), "{cursor}");
        }
    }
}
