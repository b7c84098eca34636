//! Base 32 (RFC 4648, section 6) in lower case and without padding, which is safe to copy for DNS and for people.

const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Encodes `bytes`. The last digit is padded with zero bits.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut waiting, mut bits) = (0_u32, 0);
    for &byte in bytes {
        waiting = (waiting << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(digit(waiting >> bits));
            waiting &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        text.push(digit(waiting << (5 - bits)));
    }
    text
}

fn digit(value: u32) -> char {
    usize::try_from(value & 31).ok().and_then(|at| DIGITS.get(at)).copied().map_or('a', char::from)
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn the_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
        }
    }
}
