//! Pages of the integration dialect's lists: `limit` and an opaque `cursor` in, `{data, next_cursor, has_more}` out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use trustplane_domain::{Failure, Faults};
use trustplane_store::{Item, Query, Reads, Stored};

use crate::Request;

const LIMIT: usize = 50;
const MAX: usize = 250;

/// The first byte of a cursor's content: it tells a cursor of another form from ours.
const FORM: u8 = b'1';

/// The page of a listing that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    limit: usize,
    /// The sort key of the last row before the page, without the listing's prefix.
    after: Option<String>,
}

/// The rows of a page.
#[derive(Debug)]
pub struct Rows<T> {
    /// In the order of the listing.
    pub rows: Vec<Stored<T>>,
    next_cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub struct Listed<T> {
    /// Rows of the page.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX)))]
    data: Vec<T>,
    /// Cursor of the next page; null on the last one.
    next_cursor: Option<String>,
    /// True if another page follows.
    has_more: bool,
}

impl Page {
    /// Parses `limit` (1 to 250, by default 50) and `cursor`, the `next_cursor` of a page before.
    ///
    /// # Errors
    /// The faults of both.
    pub fn of(request: &Request) -> Result<Self, Failure> {
        Self::parse(request.query("limit").as_deref(), request.query("cursor").as_deref(), MAX)
    }

    /// Parses `limit` (1 to `most`, by default 50) and `cursor`. An empty cursor is the first page.
    ///
    /// # Errors
    /// The faults of both.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>, most: usize) -> Result<Self, Failure> {
        let mut faults = Faults::default();
        let limit = limit.map_or(Ok(LIMIT), |limit| {
            let digits = limit.bytes().all(|byte| byte.is_ascii_digit()) && !limit.starts_with('0');
            let number = limit.parse().ok().filter(|number| digits && (1..=most).contains(number));
            number.ok_or_else(|| format!("must be a whole number from 1 to {most}"))
        });
        let limit = faults.take("limit", limit);
        let after = cursor.filter(|cursor| !cursor.is_empty()).and_then(|cursor| {
            faults.take("cursor", opened(cursor).ok_or("must be the `next_cursor` of a page before"))
        });
        faults.into_result()?;
        Ok(Self { limit: limit.unwrap_or(LIMIT), after })
    }

    /// Returns the largest number of rows.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the sort key of the last row before the page, without the listing's prefix.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Reads this page of a listing.
    pub fn rows<T: Item>(&self, query: Query<T>) -> impl Reads<Loaded = Rows<T>> + use<T> {
        let prefix = query.prefix().to_owned();
        let after = self.after.as_ref().map(|rest| format!("{prefix}{rest}"));
        query.page(self.limit, after).map(move |listing| {
            let next_cursor = listing.next.as_deref().and_then(|sk| sk.strip_prefix(&prefix)).map(sealed);
            Rows { rows: listing.rows, next_cursor }
        })
    }
}

impl<T> Listed<T> {
    /// These rows, and the sort key of the last one where more follow, without the listing's prefix.
    pub fn new(data: Vec<T>, next: Option<&str>) -> Self {
        let next_cursor = next.map(sealed);
        Self { data, has_more: next_cursor.is_some(), next_cursor }
    }
}

impl<T> Rows<T> {
    /// The page on the wire, with what `data` makes of each row that is shown.
    pub fn listed<'a, U>(&'a self, data: impl FnMut(&'a T) -> Option<U>) -> Listed<U> {
        let data = self.rows.iter().map(|row| &row.value).filter_map(data).collect();
        Listed { data, next_cursor: self.next_cursor.clone(), has_more: self.next_cursor.is_some() }
    }
}

impl<T> Listed<T> {
    /// A page without rows, the last one.
    pub fn none() -> Self {
        Self { data: Vec::new(), next_cursor: None, has_more: false }
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
        Page::of(&Request::of(event))
    }

    #[test]
    fn a_cursor_goes_on_where_its_page_ended() {
        assert_eq!(page("limit=2").unwrap(), Page { limit: 2, after: None });
        let next = page(&format!("cursor={}", sealed("b"))).unwrap();
        assert_eq!(next, Page { limit: LIMIT, after: Some("b".to_owned()) });
    }

    #[test]
    fn there_is_more_where_there_is_a_cursor() {
        for next_cursor in [None, Some(sealed("c"))] {
            let rows: Rows<u8> = Rows { rows: Vec::new(), next_cursor: next_cursor.clone() };
            let place = next_cursor.as_deref().and_then(opened);
            assert_eq!(Listed::<u8>::new(Vec::new(), place.as_deref()).has_more, place.is_some());
            let listed = rows.listed(|_| Some(()));
            assert_eq!((listed.has_more, listed.next_cursor), (next_cursor.is_some(), next_cursor));
        }
    }

    #[test]
    fn faults_of_both_are_reported_together() {
        for query in [
            "limit=0&cursor=!",
            "limit=251&cursor=*",
            "limit=x&cursor=Mg",
            "limit=-1&cursor=MfA",
            "limit=1.5&cursor=MSA",
            "limit=01&cursor=Mjp4",
            "limit=%2B1&cursor=gICA",
            "limit=&cursor=MTp4IQ==",
        ] {
            let Err(Failure::Invalid(faults)) = page(query) else { panic!("{query}") };
            let fields: Vec<&str> = faults.iter().map(|(field, _)| field).collect();
            assert_eq!(fields, ["cursor", "limit"], "{query}");
        }
        assert_eq!(page("limit=250").unwrap().limit, 250);
        assert_eq!(page("cursor=").unwrap(), Page { limit: LIMIT, after: None });
        assert!(Page::parse(Some("101"), None, 100).is_err() && Page::parse(Some("100"), None, 100).is_ok());
    }
}
