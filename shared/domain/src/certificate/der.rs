//! Headers of DER elements, read from a prefix of the DER: for what has to be recognised before it is parsed.

/// Tag of a SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;

/// Content of the element with this `tag` that `der` begins with, and all that follows it.
pub(super) fn enter(tag: u8, der: &[u8]) -> Option<&[u8]> {
    header(tag, der).map(|(_, content)| content)
}

/// Bytes behind the element with this `tag` that `der` begins with.
pub(super) fn skip(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let (length, content) = header(tag, der)?;
    content.get(length..)
}

/// Number of elements that `der` consists of, one behind the other and each with the beginning of a certificate; none
/// where it holds anything else.
pub(super) fn certificates(der: &[u8]) -> Option<usize> {
    let mut rest = der;
    let mut count = 0;
    while !rest.is_empty() {
        // A version or a serial number.
        let first = enter(SEQUENCE, enter(SEQUENCE, rest)?)?;
        if !matches!(first, [0xa0 | 0x02, ..]) {
            return None;
        }
        rest = skip(SEQUENCE, rest)?;
        count += 1;
    }
    Some(count)
}

/// Length of the content, and the content with all that follows.
fn header(tag: u8, der: &[u8]) -> Option<(usize, &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let more = if *first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    if *found != tag || more > 4 {
        return None;
    }
    let (long, content) = rest.split_at_checked(more)?;
    let length = long.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    Some((if more == 0 { usize::from(*first) } else { length }, content))
}
