//! Ids in paths, and numbers in queries.

use trustplane_domain::Faults;
use trustplane_runtime::Call;

/// The longest id that is looked at.
const MAX_ID: usize = 128;

/// An id of the path, or its fault under its name. Letters, digits and `-_.~`: what Huawei Cloud's clients do not encode.
pub(crate) fn id(call: &Call, name: &str, faults: &mut Faults) -> Option<String> {
    let text = call.request.parameter(name);
    faults.take(name, parse(text))
}

fn parse(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.len() > MAX_ID {
        return Err("must be 1 to 128 characters");
    }
    let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("must be of letters, digits and `-_.~`") }
}

/// `limit`: 1 to 100, 100 if it is left out.
pub(crate) fn limit(call: &Call, faults: &mut Faults) -> Option<usize> {
    let Some(text) = call.request.query("limit") else { return Some(100) };
    let number = text.parse().ok().filter(|number| (1..=100).contains(number));
    faults.take("limit", number.ok_or("must be a whole number from 1 to 100"))
}

/// `marker`: the id to go on after.
pub(crate) fn marker(call: &Call, faults: &mut Faults) -> Option<String> {
    let text = call.request.query("marker").filter(|text| !text.is_empty())?;
    faults.take("marker", parse(&text))
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
