//! Checks that a public key is strong and common enough for an identity provider.

use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Reader, SliceReader, Tag, Tagged};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::Fault;

const fn id(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

const RSA: ObjectIdentifier = id("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = id("1.2.840.113549.1.1.10");
const EC: ObjectIdentifier = id("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = id("1.3.101.112");
const ED448: ObjectIdentifier = id("1.3.101.113");
const DSA: ObjectIdentifier = id("1.2.840.10040.4.1");

/// Accepted curves, with the number of bytes of a coordinate.
const CURVES: [(ObjectIdentifier, usize); 3] =
    [(id("1.2.840.10045.3.1.7"), 32), (id("1.3.132.0.34"), 48), (id("1.3.132.0.35"), 66)];

/// Smallest accepted RSA key, in bits.
const SHORTEST_RSA: usize = 2048;

/// Largest accepted RSA key, in bits. OpenSSL and Java do not verify with a longer one, so nobody could sign in with
/// it.
const LONGEST_RSA: usize = 16_384;

/// Refuses a key that is too weak or of another kind than RSA, ECDSA on a NIST curve, Ed25519 or Ed448.
///
/// A key restricted to RSASSA-PSS is an RSA key like others: its size counts. XML signatures support that scheme (RFC
/// 9231, section 2.3.10). A point is not checked to be on its curve: verification does that.
pub(super) fn check(key: &SubjectPublicKeyInfoOwned) -> Result<(), Fault> {
    let bytes = key.subject_public_key.as_bytes().ok_or(Fault::MalformedKey)?;
    match key.algorithm.oid {
        RSA | RSA_PSS => check_rsa(bytes),
        EC => check_point(key, bytes),
        ED25519 => expect(bytes.len() == 32),
        ED448 => expect(bytes.len() == 57),
        DSA => Err(Fault::UnsupportedKey("DSA".to_owned())),
        other => Err(Fault::UnsupportedKey(other.to_string())),
    }
}

fn check_rsa(bytes: &[u8]) -> Result<(), Fault> {
    let (modulus, exponent) = rsa_numbers(bytes).ok_or(Fault::MalformedKey)?;
    let bits = bits(modulus.as_bytes());
    if bits < SHORTEST_RSA {
        return Err(Fault::ShortKey(bits));
    }
    if bits > LONGEST_RSA {
        return Err(Fault::LongKey(bits));
    }
    expect(is_odd(modulus.as_bytes()) && is_odd(exponent.as_bytes()) && exponent.as_bytes() != [1])
}

/// Parses modulus and public exponent (RFC 8017, appendix A.1.1).
fn rsa_numbers(bytes: &[u8]) -> Option<(UintRef<'_>, UintRef<'_>)> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let numbers = reader
        .sequence(|content| Ok::<_, x509_cert::der::Error>((UintRef::decode(content)?, UintRef::decode(content)?)))
        .ok()?;
    reader.is_finished().then_some(numbers)
}

/// Checks a point on a named curve, uncompressed (4) or compressed (2, 3) (RFC 5480, section 2.2).
fn check_point(key: &SubjectPublicKeyInfoOwned, bytes: &[u8]) -> Result<(), Fault> {
    let parameters = key.algorithm.parameters.as_ref().ok_or(Fault::MalformedKey)?;
    if parameters.tag() != Tag::ObjectIdentifier {
        return Err(Fault::UnsupportedKey("EC with its own parameters".to_owned()));
    }
    let curve: ObjectIdentifier = parameters.decode_as().map_err(|_| Fault::MalformedKey)?;
    let Some((_, size)) = CURVES.iter().find(|(known, _)| *known == curve) else {
        return Err(Fault::UnsupportedKey(format!("EC on curve {curve}")));
    };
    expect(match bytes.split_first() {
        Some((4, point)) => point.len() == 2 * size,
        Some((2 | 3, point)) => point.len() == *size,
        _ => false,
    })
}

fn bits(magnitude: &[u8]) -> usize {
    let leading = magnitude.first().map_or(0, |byte| byte.leading_zeros() as usize);
    (magnitude.len() * 8).saturating_sub(leading)
}

fn is_odd(magnitude: &[u8]) -> bool {
    magnitude.last().is_some_and(|byte| byte % 2 == 1)
}

fn expect(well_formed: bool) -> Result<(), Fault> {
    if well_formed { Ok(()) } else { Err(Fault::MalformedKey) }
}
