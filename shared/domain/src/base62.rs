//! Base 62 with fixed width, for tokens and public ids: a double click selects the whole text.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Encodes `bytes`, as one big-endian number, in exactly `width` digits. Higher digits that do not fit are lost, so
/// every caller passes a `width` of at least `8 * bytes.len() / log2(62)`, rounded up.
pub(crate) fn encode(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits: Vec<char> = Vec::with_capacity(width);
    for _ in 0..width {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let value = remainder << 8 | u32::from(*byte);
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        digits.push(char::from(ALPHABET.get(remainder as usize).copied().unwrap_or(b'0')));
    }
    digits.iter().rev().collect()
}

/// Decodes the output of [`encode`]. Returns `None` if a character is not a digit or the number does not fit `N` bytes.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut number = [0_u8; N];
    for character in text.bytes() {
        let digit = match character {
            b'0'..=b'9' => character - b'0',
            b'A'..=b'Z' => character - b'A' + 10,
            b'a'..=b'z' => character - b'a' + 36,
            _ => return None,
        };
        let mut carry = u32::from(digit);
        for byte in number.iter_mut().rev() {
            let value = u32::from(*byte) * 62 + carry;
            *byte = (value & 0xff) as u8;
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: [u8; 28]) {
            let text = encode(&bytes, 38);
            prop_assert_eq!(text.len(), 38);
            prop_assert_eq!(decode::<28>(&text), Some(bytes));
        }

        #[test]
        fn anything_else_is_refused_or_is_a_number(text: String) {
            if let Some(bytes) = decode::<8>(&text) {
                prop_assert!(encode(&bytes, 11).ends_with(text.trim_start_matches('0')));
            }
        }
    }

    #[test]
    fn a_number_too_large_is_refused() {
        assert_eq!(decode::<4>("zzzzzz"), None);
        assert_eq!(decode::<4>("4gfFC3"), Some([0xff; 4]));
        assert_eq!(decode::<4>("4gfFC4"), None);
    }
}
