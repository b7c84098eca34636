//! A certificate's serial number: an integer of any length, and of either sign in certificates that break RFC 5280.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Numbers from here on overflow a 32-bit float: halfway between its greatest value and 2^128.
const FLOAT_OVERFLOW: u128 = u128::MAX - (1 << 103) + 1;

/// Digits of the base in which decimals are worked out.
const CHUNK_DIGITS: usize = 18;
const CHUNK: u64 = 10_u64.pow(CHUNK_DIGITS as u32);

/// A serial number, kept in decimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SerialNumber(String);

impl SerialNumber {
    /// Reads the content of a DER INTEGER: two's complement, the highest byte first.
    pub(super) fn from_twos_complement(bytes: &[u8]) -> Self {
        let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        let mut magnitude = bytes.to_vec();
        if negative {
            negate(&mut magnitude);
        }
        let sign = if negative { "-" } else { "" };
        Self(format!("{sign}{}", decimal(&magnitude)))
    }

    /// In decimal.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a number, where a client that reads it into a 32-bit float can: Huawei Cloud's Go SDK does, and fails the
    /// whole response on an overflow. `None` as well below -2^127, which no certificate has been seen to hold.
    ///
    /// Serialise it straight to text: `serde_json::Value` holds no integers of more than 64 bits.
    pub fn as_number(&self) -> Option<Number> {
        if let Ok(number) = self.0.parse::<i128>() {
            return Some(Number(Integer::Signed(number)));
        }
        let number = self.0.parse::<u128>().ok().filter(|number| *number < FLOAT_OVERFLOW)?;
        Some(Number(Integer::Unsigned(number)))
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A serial number that serialises as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(Integer);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Integer {
    Signed(i128),
    Unsigned(u128),
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            // In 64 bits where it fits, which every serialiser takes.
            Integer::Signed(number) => match i64::try_from(number) {
                Ok(small) => serializer.serialize_i64(small),
                Err(_) => serializer.serialize_i128(number),
            },
            Integer::Unsigned(number) => serializer.serialize_u128(number),
        }
    }
}

/// The two's complement of `bytes`, in place.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        let (negated, overflow) = (!*byte).overflowing_add(u8::from(carry));
        *byte = negated;
        carry = overflow;
    }
}

/// The decimal digits of a magnitude, the highest byte first.
fn decimal(magnitude: &[u8]) -> String {
    let mut chunks: Vec<u64> = vec![0];
    for byte in magnitude {
        let mut carry = u64::from(*byte);
        for chunk in &mut chunks {
            // Below 10^18 * 256 + 256, which overflows 64 bits: hence 128.
            let value = u128::from(*chunk) * 256 + u128::from(carry);
            *chunk = u64::try_from(value % u128::from(CHUNK)).unwrap_or_default();
            carry = u64::try_from(value / u128::from(CHUNK)).unwrap_or_default();
        }
        if carry > 0 {
            chunks.push(carry);
        }
    }
    let mut highest_first = chunks.iter().rev();
    let mut text = highest_first.next().map(u64::to_string).unwrap_or_default();
    for chunk in highest_first {
        text.push_str(&format!("{chunk:0CHUNK_DIGITS$}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> String {
        serde_json::to_string(&SerialNumber(text.to_owned()).as_number()).unwrap()
    }

    #[test]
    fn serial_numbers_of_either_sign_and_any_length_are_decimal() {
        for (bytes, text) in [
            (&[][..], "0"),
            (&[0], "0"),
            (&[0x7f], "127"),
            (&[0, 0x80], "128"),
            (&[0x80], "-128"),
            (&[0xff], "-1"),
            (&[0x80, 0, 0, 0, 0, 0, 0, 0, 0], "-2361183241434822606848"),
            (&[0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64, 0x00, 0x00], "1000000000000000000"),
        ] {
            assert_eq!(SerialNumber::from_twos_complement(bytes).as_str(), text);
        }
        // 2^160 and 2^2000, by Python.
        let mut bytes = vec![1];
        bytes.extend([0; 20]);
        assert_eq!(
            SerialNumber::from_twos_complement(&bytes).as_str(),
            "1461501637330902918203684832716283019655932542976"
        );
        bytes.resize(251, 0);
        let text = SerialNumber::from_twos_complement(&bytes);
        assert_eq!(text.as_str().len(), 603);
        assert!(text.as_str().starts_with("11481306952742545242328332011776"));
        assert!(text.as_str().ends_with("9029376"));
    }

    #[test]
    fn a_number_is_given_only_where_a_32_bit_float_holds_it() {
        assert_eq!(number("0"), "0");
        assert_eq!(number("-5"), "-5");
        assert_eq!(number("18446744073709551616"), "18446744073709551616");
        // 2^128 - 2^103 - 1, the greatest integer that a 32-bit float rounds down.
        let greatest = FLOAT_OVERFLOW - 1;
        assert!((greatest as f32).is_finite());
        assert_eq!(greatest.to_string().parse::<f32>().unwrap(), f32::MAX);
        assert_eq!(number(&greatest.to_string()), greatest.to_string());
        assert_eq!(FLOAT_OVERFLOW.to_string().parse::<f32>().unwrap(), f32::INFINITY);
        assert_eq!(number(&FLOAT_OVERFLOW.to_string()), "null");
        assert_eq!(number("340282366920938463463374607431768211456"), "null");
        assert_eq!(number("-340282366920938463463374607431768211456"), "null");
    }

    proptest! {
        #[test]
        fn agrees_with_128_bit_integers(value: i128) {
            let serial = SerialNumber::from_twos_complement(&value.to_be_bytes());
            prop_assert_eq!(serial.as_str(), value.to_string());
        }
    }
}
