//! Writing DER.

/// An element.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let mut element = vec![tag];
    if length < 0x80 {
        element.push(u8::try_from(length).unwrap_or_default());
    } else {
        element.push(0x80 | u8::try_from(bytes.len()).unwrap_or_default());
        element.extend(bytes);
    }
    element.extend(content);
    element
}

/// A SEQUENCE.
pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

/// An INTEGER of this magnitude.
pub(crate) fn integer(magnitude: &[u8]) -> Vec<u8> {
    let sign = magnitude.first().is_none_or(|first| *first >= 0x80);
    element(0x02, &[if sign { &[0][..] } else { &[] }, magnitude].concat())
}

/// An OBJECT IDENTIFIER whose content is given.
pub(crate) fn object(content: &[u8]) -> Vec<u8> {
    element(0x06, content)
}
