//! Pages of a list, and the opaque tokens between them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use ring::digest::{SHA256, digest};

use crate::sigv4::hex;

/// Returns a page of `items`, and the token of the next one. `query` identifies the list. Returns `None` for a token
/// that was not issued for this list.
pub(crate) fn page<T: Clone>(
    items: &[T],
    size: usize,
    token: Option<&str>,
    query: &str,
) -> Option<(Vec<T>, Option<String>)> {
    let mark = hex(digest(&SHA256, query.as_bytes()).as_ref().get(..8)?);
    let start = match token {
        None => 0,
        Some(token) => {
            let text = String::from_utf8(URL_SAFE.decode(token).ok()?).ok()?;
            let (of, start) = text.split_once(':')?;
            (of == mark).then(|| start.parse().ok())??
        }
    };
    let rest = items.get(start..)?;
    let items = rest.get(..size.min(rest.len()))?.to_vec();
    let next = (rest.len() > size).then(|| URL_SAFE.encode(format!("{mark}:{}", start + size)));
    Some((items, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_everything_once() {
        let items: Vec<_> = (0..12).collect();
        for size in 1..14 {
            let (mut seen, mut token) = (Vec::new(), None);
            loop {
                let (some, next) = page(&items, size, token.as_deref(), "list").unwrap();
                assert!(!some.is_empty());
                seen.extend(some);
                match next {
                    Some(next) => token = Some(next),
                    None => break,
                }
            }
            assert_eq!(seen, items);
        }
    }

    #[test]
    fn foreign_tokens_are_refused() {
        let (_, token) = page(&[1, 2, 3], 2, None, "list").unwrap();
        assert!(page(&[1, 2, 3], 2, token.as_deref(), "other list").is_none());
        assert!(page(&[1, 2, 3], 2, Some("nonsense"), "list").is_none());
        assert!(page(&[1], 2, token.as_deref(), "list").is_none());
        assert_eq!(page::<u8>(&[], 2, None, "list"), Some((vec![], None)));
    }
}
