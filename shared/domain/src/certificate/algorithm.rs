//! Signature algorithms, with Java's names.

use x509_cert::der::asn1::{ContextSpecific, ObjectIdentifier};
use x509_cert::der::{SliceReader, TagNumber};
use x509_cert::spki::AlgorithmIdentifierOwned;

const fn id(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

const PSS: ObjectIdentifier = id("1.2.840.113549.1.1.10");

/// Object identifier, Java's name (the Java Security Standard Algorithm Names), and true if the digest is broken.
const ALGORITHMS: [(ObjectIdentifier, &str, bool); 38] = [
    (id("1.2.840.113549.1.1.2"), "MD2withRSA", true),
    (id("1.2.840.113549.1.1.3"), "MD4withRSA", true),
    (id("1.2.840.113549.1.1.4"), "MD5withRSA", true),
    (id("1.2.840.113549.1.1.5"), "SHA1withRSA", true),
    (id("1.3.14.3.2.29"), "SHA1withRSA", true),
    (PSS, "RSASSA-PSS", false),
    (id("1.2.840.113549.1.1.11"), "SHA256withRSA", false),
    (id("1.2.840.113549.1.1.12"), "SHA384withRSA", false),
    (id("1.2.840.113549.1.1.13"), "SHA512withRSA", false),
    (id("1.2.840.113549.1.1.14"), "SHA224withRSA", false),
    (id("1.2.840.113549.1.1.15"), "SHA512/224withRSA", false),
    (id("1.2.840.113549.1.1.16"), "SHA512/256withRSA", false),
    (id("2.16.840.1.101.3.4.3.13"), "SHA3-224withRSA", false),
    (id("2.16.840.1.101.3.4.3.14"), "SHA3-256withRSA", false),
    (id("2.16.840.1.101.3.4.3.15"), "SHA3-384withRSA", false),
    (id("2.16.840.1.101.3.4.3.16"), "SHA3-512withRSA", false),
    (id("1.2.840.10045.4.1"), "SHA1withECDSA", true),
    (id("1.2.840.10045.4.3.1"), "SHA224withECDSA", false),
    (id("1.2.840.10045.4.3.2"), "SHA256withECDSA", false),
    (id("1.2.840.10045.4.3.3"), "SHA384withECDSA", false),
    (id("1.2.840.10045.4.3.4"), "SHA512withECDSA", false),
    (id("2.16.840.1.101.3.4.3.9"), "SHA3-224withECDSA", false),
    (id("2.16.840.1.101.3.4.3.10"), "SHA3-256withECDSA", false),
    (id("2.16.840.1.101.3.4.3.11"), "SHA3-384withECDSA", false),
    (id("2.16.840.1.101.3.4.3.12"), "SHA3-512withECDSA", false),
    (id("1.2.840.10040.4.3"), "SHA1withDSA", true),
    (id("1.3.14.3.2.13"), "SHA1withDSA", true),
    (id("1.3.14.3.2.27"), "SHA1withDSA", true),
    (id("2.16.840.1.101.3.4.3.1"), "SHA224withDSA", false),
    (id("2.16.840.1.101.3.4.3.2"), "SHA256withDSA", false),
    (id("2.16.840.1.101.3.4.3.3"), "SHA384withDSA", false),
    (id("2.16.840.1.101.3.4.3.4"), "SHA512withDSA", false),
    (id("2.16.840.1.101.3.4.3.5"), "SHA3-224withDSA", false),
    (id("2.16.840.1.101.3.4.3.6"), "SHA3-256withDSA", false),
    (id("2.16.840.1.101.3.4.3.7"), "SHA3-384withDSA", false),
    (id("2.16.840.1.101.3.4.3.8"), "SHA3-512withDSA", false),
    (id("1.3.101.112"), "Ed25519", false),
    (id("1.3.101.113"), "Ed448", false),
];

/// Broken digests that PSS parameters may name.
const BROKEN_DIGESTS: [ObjectIdentifier; 4] =
    [id("1.3.14.3.2.26"), id("1.2.840.113549.2.2"), id("1.2.840.113549.2.4"), id("1.2.840.113549.2.5")];

/// Returns Java's name of `algorithm`, or its dotted object identifier.
pub(super) fn name(algorithm: &AlgorithmIdentifierOwned) -> String {
    find(algorithm).map_or_else(|| algorithm.oid.to_string(), |(_, name, _)| name.to_owned())
}

/// Returns true if signatures of `algorithm` can be forged.
pub(super) fn is_weak(algorithm: &AlgorithmIdentifierOwned) -> bool {
    if algorithm.oid == PSS {
        return pss_digest(algorithm).is_none_or(|digest| BROKEN_DIGESTS.contains(&digest));
    }
    find(algorithm).is_some_and(|(_, _, broken)| broken)
}

fn find(algorithm: &AlgorithmIdentifierOwned) -> Option<(ObjectIdentifier, &'static str, bool)> {
    ALGORITHMS.into_iter().find(|(id, _, _)| *id == algorithm.oid)
}

/// Returns the digest in PSS parameters. `None` means SHA-1 (RFC 4055, section 3.1).
fn pss_digest(algorithm: &AlgorithmIdentifierOwned) -> Option<ObjectIdentifier> {
    let parameters = algorithm.parameters.as_ref()?.value();
    let mut reader = SliceReader::new(parameters).ok()?;
    let digest: ContextSpecific<AlgorithmIdentifierOwned> =
        ContextSpecific::decode_explicit(&mut reader, TagNumber(0)).ok()??;
    Some(digest.value.oid)
}
