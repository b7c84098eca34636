//! Ids in paths, and numbers in queries.

use trustplane_domain::Failure;
use trustplane_runtime::Request;

/// Bytes of a body of the family at most: metadata of 256 KiB, with escapes that take up to four times as much.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// Characters of an id at most.
const MAX_ID: usize = 128;

/// Parses an id of the path: letters, digits and `-_.~`, which Huawei Cloud's clients do not encode.
pub(crate) fn id(request: &Request, name: &str) -> Result<String, Failure> {
    parse(request.parameter(name)).map_err(|message| Failure::invalid(name, message))
}

fn parse(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.len() > MAX_ID {
        return Err("must be 1 to 128 characters");
    }
    let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("must be of letters, digits and `-_.~`") }
}

/// Parses `limit`: 1 to 100, by default 100.
pub(crate) fn limit(request: &Request) -> Result<usize, Failure> {
    let Some(text) = request.query("limit") else { return Ok(100) };
    let number = text.parse().ok().filter(|number| (1..=100).contains(number));
    number.ok_or_else(|| Failure::invalid("limit", "must be a whole number from 1 to 100"))
}

/// Parses `marker`: the id that the page comes after.
pub(crate) fn marker(request: &Request) -> Result<Option<String>, Failure> {
    let text = request.query("marker").filter(|text| !text.is_empty());
    text.map(|text| parse(&text)).transpose().map_err(|message| Failure::invalid("marker", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain() {
        for good in ["d-1234567890", "ssoins-0123456789abcdef0", "a_b.c~d", &"x".repeat(128)] {
            assert_eq!(parse(good).as_deref(), Ok(good));
        }
        for wrong in ["", " ", "a b", "a/b", "a#b", "\u{e9}", "a%20b", "a\0", &"x".repeat(129)] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
