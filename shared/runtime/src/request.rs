//! A request as handlers see it.

use std::collections::{BTreeSet, HashMap};

use trustplane_domain::nearest::unknown;
use trustplane_domain::{Failure, Faults, Fields};

use crate::HttpEvent;

/// The longest body that a function takes, but for those that say otherwise.
const BODY_LIMIT: usize = 64 * 1024;

/// Characters of an unknown name that a message repeats.
const MAX_SHOWN: usize = 64;

/// A request: method, path, headers, body.
#[derive(Debug)]
pub struct Request {
    /// `PUT`.
    pub method: String,
    /// Decoded.
    pub path: String,
    /// As it was sent.
    pub raw_query: String,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// The host name that API Gateway was reached by.
    pub domain_name: String,
    headers: HashMap<String, String>,
    parameters: HashMap<String, String>,
    /// True if an unknown field of the body is a fault.
    is_strict: bool,
    /// True if `Idempotency-Key` means nothing. The header stays: a signature may cover it.
    ignores_retry_key: bool,
}

impl Request {
    /// Takes the request out of API Gateway's event.
    pub fn of(mut event: HttpEvent) -> Self {
        let body = event.body();
        Self {
            method: event.request_context.http.method,
            path: event.raw_path,
            raw_query: event.raw_query_string,
            body,
            domain_name: event.request_context.domain_name,
            headers: event.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            parameters: event.path_parameters,
            is_strict: false,
            ignores_retry_key: false,
        }
    }

    /// The same request, whose `Idempotency-Key` means nothing.
    pub(crate) fn without_retry_key(self) -> Self {
        Self { ignores_retry_key: true, ..self }
    }

    /// Returns true if `Idempotency-Key` means nothing.
    pub(crate) fn ignores_retry_key(&self) -> bool {
        self.ignores_retry_key
    }

    /// Makes an unknown field of the body a fault, if `is_strict`.
    pub(crate) fn with_strictness(self, is_strict: bool) -> Self {
        Self { is_strict, ..self }
    }

    /// Checks that each query parameter is in `known` and is sent once.
    pub(crate) fn check_queries(&self, known: &[&str]) -> Result<(), Failure> {
        let mut faults = Faults::default();
        let mut seen = BTreeSet::new();
        for (name, _) in self.queries() {
            if !known.contains(&name.as_str()) {
                let message = unknown(&name, known.iter().copied());
                faults.add(name.chars().take(MAX_SHOWN).collect::<String>(), message);
            } else if !seen.insert(name.clone()) {
                faults.add(name, "is sent more than once: send it once");
            }
        }
        faults.into_result()
    }

    /// A header by its name in lower case, without surrounding space.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.trim())
    }

    /// A header as it came, surrounding space included.
    pub fn raw_header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// A parameter of the path, decoded; empty if the route has none of this name.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// The first value of a query parameter, decoded as a form is: `+` is a space.
    pub fn query(&self, name: &str) -> Option<String> {
        self.pairs().find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }

    /// All query parameters in the order in which they were sent, decoded as those of a form.
    pub fn queries(&self) -> Vec<(String, String)> {
        self.pairs().into_owned().collect()
    }

    fn pairs(&self) -> form_urlencoded::Parse<'_> {
        form_urlencoded::parse(self.raw_query.as_bytes())
    }

    /// The fields of the body: JSON, an object, at most 64 KiB, declared as JSON or not at all.
    pub fn fields(&self) -> Result<Fields, Failure> {
        self.fields_within(BODY_LIMIT)
    }

    /// As [`Self::fields`], where a body may have `limit` bytes.
    pub fn fields_within(&self, limit: usize) -> Result<Fields, Failure> {
        if self.body.len() > limit {
            return Err(Failure::TooLarge { limit });
        }
        // API Gateway declares a type even where there is no body.
        if !self.is_empty() {
            self.json_or_undeclared()?;
        }
        Fields::parse(&self.body).map(|fields| self.as_strict(fields))
    }

    /// As [`Self::fields`], where a body may be left out: no body is no fields.
    pub fn optional_fields(&self) -> Result<Fields, Failure> {
        if self.is_empty() {
            return Ok(self.as_strict(Fields::of(serde_json::Map::new())));
        }
        self.fields()
    }

    fn is_empty(&self) -> bool {
        self.body.iter().all(u8::is_ascii_whitespace)
    }

    fn as_strict(&self, fields: Fields) -> Fields {
        if self.is_strict { fields.strict() } else { fields }
    }

    fn json_or_undeclared(&self) -> Result<(), Failure> {
        let Some(declared) = self.header("content-type").filter(|value| !value.is_empty()) else { return Ok(()) };
        let mut parts = declared.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
        let charsets = parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| is(name, "charset"));
        let utf_8 = charsets.map(|(_, charset)| charset.trim().trim_matches('"')).all(|charset| is(charset, "utf-8"));
        if json && utf_8 { Ok(()) } else { Err(Failure::UnsupportedMediaType) }
    }
}

/// Compares without case and surrounding space.
fn is(text: &str, name: &str) -> bool {
    text.trim().eq_ignore_ascii_case(name)
}

/// Joins two parsed parts of a request, or the faults of both.
pub fn both<A, B>(one: Result<A, Failure>, other: Result<B, Failure>) -> Result<(A, B), Failure> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(fault), Ok(_)) | (Ok(_), Err(fault)) => Err(fault),
        (Err(one), Err(other)) => Err(one.joined(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> Request {
        Request::of(HttpEvent { raw_query_string: query.to_owned(), ..HttpEvent::default() })
    }

    fn with_body(content_type: &str, body: &str) -> Request {
        let mut request = request("");
        request.headers.insert("content-type".to_owned(), content_type.to_owned());
        request.body = body.as_bytes().to_vec();
        request
    }

    #[test]
    fn json_is_utf_8() {
        for right in [
            "application/json",
            "Application/JSON; Charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/merge-patch+json; x=y",
            "",
        ] {
            assert!(with_body(right, "{}").fields().is_ok(), "{right}");
        }
        for wrong in [
            "application/json; charset=iso-8859-1",
            "application/json; charset=utf-16",
            "application/json; charset=",
            "text/plain",
            "text/json",
        ] {
            assert!(matches!(with_body(wrong, "{}").fields(), Err(Failure::UnsupportedMediaType)), "{wrong}");
        }
    }

    #[test]
    fn the_type_of_no_body_does_not_matter() {
        assert!(with_body("text/plain", " ").optional_fields().is_ok());
        assert!(matches!(with_body("text/plain", "").fields(), Err(Failure::InvalidJson(_))));
    }

    #[test]
    fn unknown_and_repeated_parameters_are_named() {
        let known = ["limit", "action"];
        assert_eq!(request("action=a&limit=").check_queries(&known), Ok(()));
        let Err(Failure::Invalid(faults)) = request("actoin=x&limit=1&limit=1&%61ction=y").check_queries(&known) else {
            panic!()
        };
        let faults: Vec<_> = faults.iter().collect();
        let wanted =
            [("actoin", "is unknown: did you mean `action`?"), ("limit", "is sent more than once: send it once")];
        assert_eq!(faults, wanted);
    }

    #[test]
    fn a_strict_request_names_unknown_fields() {
        let read = |is_strict| {
            let request = with_body("application/json", r#"{"a":1}"#).with_strictness(is_strict);
            request.fields().unwrap().finish(Faults::default())
        };
        assert_eq!((read(false), read(true).is_err()), (Ok(()), true));
    }

    #[test]
    fn queries_however_odd() {
        assert_eq!(request("a=1&a=2").query("a").as_deref(), Some("1"));
        assert_eq!(request("a+b=c%20d%2B").query("a b").as_deref(), Some("c d+"));
        assert_eq!(request("a").query("a").as_deref(), Some(""));
        assert_eq!(request("a=%zz%").query("a").as_deref(), Some("%zz%"));
        assert_eq!(request("a=%ff< >").query("a").as_deref(), Some("\u{fffd}< >"));
        assert_eq!(request("").query("a"), None);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(request("a=%31&&b&a=2").queries(), [pair("a", "1"), pair("b", ""), pair("a", "2")]);
        assert_eq!(request("").queries(), []);
    }
}
