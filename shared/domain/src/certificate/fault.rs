//! Faults of a text that should hold a certificate.

use std::fmt;

use super::{MAX_BYTES, MAX_CHARACTERS};
use crate::pasted::Pasted;

/// A reason for which a text is not taken for a certificate. `Display` says it of the field that held the text: `holds a
/// private key`.
/// Nothing of the text is in it but a label or a name of an algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A private key is in the text, in whatever form.
    PrivateKey,
    /// More than [`MAX_CHARACTERS`] or [`MAX_BYTES`].
    TooLong,
    /// Nothing.
    Empty,
    /// Something else than a certificate, recognised.
    Pasted(Pasted),
    /// No line that begins a certificate, and no base64 of one.
    NoArmour,
    /// A line that begins a block and none that ends it.
    Unterminated,
    /// This many certificates.
    Several(usize),
    /// Another thing than a certificate, under this label.
    OtherBlock(String),
    /// This many certificates one behind the other, with nothing in between.
    Glued(usize),
    /// The certificate is not base64, and why.
    NotBase64(String),
    /// `\n` as two characters where a line break belongs.
    EscapedLineBreaks,
    /// The DER ends too early.
    CutOff,
    /// Bytes behind the certificate.
    TrailingData,
    /// Not the DER of an X.509 certificate, and why.
    NotX509(String),
    /// X.509 of this version.
    Version(u8),
    /// An RSA key of this many bits.
    ShortKey(usize),
    /// An RSA key of this many bits, which is too many.
    LongKey(usize),
    /// A key of a kind that is not taken, and which.
    UnsupportedKey(String),
    /// A key that does not follow the rules of its kind.
    MalformedKey,
    /// It ends before it begins.
    NeverValid,
    /// Its time is over.
    Expired,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrivateKey => formatter.write_str(
                "holds a private key, which must never be sent to anybody: consider that key disclosed and replace it",
            ),
            Self::TooLong => write!(formatter, "is longer than {MAX_CHARACTERS} characters, or than {MAX_BYTES} bytes"),
            Self::Empty => formatter.write_str("is empty"),
            Self::Pasted(pasted) => write!(formatter, "{pasted}, not a certificate: {}", pasted.advice()),
            Self::NoArmour => formatter
                .write_str("holds no `-----BEGIN CERTIFICATE-----`, and is not the base64 of a certificate without it"),
            Self::Unterminated => formatter.write_str("has a `-----BEGIN` without its `-----END`"),
            Self::Several(count) => {
                write!(formatter, "holds {count} certificates where one is taken: leave out the chain")
            }
            Self::OtherBlock(label) => write!(formatter, "holds a `{label}` where only one certificate is taken"),
            Self::Glued(count) => write!(
                formatter,
                "holds {count} certificates glued together where one is taken: separate them and leave out the chain"
            ),
            Self::NotBase64(reason) => write!(formatter, "is not base64: {reason}"),
            Self::EscapedLineBreaks => {
                formatter.write_str("holds a backslash and a letter where a line break is meant")
            }
            Self::CutOff => formatter.write_str("holds a certificate that is cut off"),
            Self::TrailingData => formatter.write_str(
                "holds more data behind the certificate (OpenSSL trust settings are taken out by `openssl x509`)",
            ),
            Self::NotX509(reason) => write!(formatter, "holds no well-formed X.509 certificate: {reason}"),
            Self::Version(version) => {
                write!(formatter, "holds an X.509 certificate of version {version}, not 1 or 3")
            }
            Self::ShortKey(bits) => {
                write!(formatter, "holds an RSA key of {bits} bits where at least 2048 are needed")
            }
            Self::LongKey(bits) => {
                write!(formatter, "holds an RSA key of {bits} bits where at most 16384 are taken")
            }
            Self::UnsupportedKey(kind) => write!(
                formatter,
                "holds a public key of the kind `{kind}`, not RSA, P-256, P-384, P-521, Ed25519 or Ed448"
            ),
            Self::MalformedKey => formatter.write_str("holds a public key that is not well-formed"),
            Self::NeverValid => formatter.write_str("holds a certificate that ends before it begins"),
            Self::Expired => formatter.write_str("holds a certificate that has expired"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}
