//! Signatures with asymmetric keys.
//!
//! Like all key material here, the key pairs are derived from the key's id. P-256 comes from a crate. RSA is
//! implemented here, because the crates that derive RSA keys from a seed have no suitable release, and nothing here is
//! secret. Sources: RFC 8017 (PKCS #1), RFC 5280 and RFC 5480 (SubjectPublicKeyInfo).

use num_bigint::BigUint;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{DerSignature, SigningKey};
use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use ring::hmac;

/// The hash of a signing algorithm, with its encoding in a PKCS #1 v1.5 signature (RFC 8017, 9.2, note 1).
struct Hash {
    algorithm: &'static Algorithm,
    digest_info: &'static [u8],
}

const HASHES: [(&str, Hash); 3] = [
    (
        "256",
        Hash {
            algorithm: &SHA256,
            digest_info: b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
        },
    ),
    (
        "384",
        Hash {
            algorithm: &SHA384,
            digest_info: b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
        },
    ),
    (
        "512",
        Hash {
            algorithm: &SHA512,
            digest_info: b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        },
    ),
];

/// A key pair.
pub(crate) enum KeyPair {
    P256(Box<SigningKey>),
    Rsa(Rsa),
}

/// Reasons why nothing was signed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// The key does not support the algorithm.
    Algorithm,
    /// The digest's length differs from the algorithm's hash.
    DigestLength,
    /// The key cannot sign the message.
    Failed,
}

impl KeyPair {
    /// Derives the P-256 key pair of a seed.
    pub(super) fn p256(seed: &[u8; 32]) -> Option<Self> {
        // Nearly all 32-byte strings are P-256 private keys.
        SigningKey::from_slice(seed).ok().map(|key| Self::P256(Box::new(key)))
    }

    /// Derives the RSA key pair of a seed, with 2048 bits. Takes seconds in a debug build.
    pub(super) fn rsa(seed: &[u8; 32]) -> Self {
        Self::Rsa(Rsa::derive(seed))
    }

    /// Returns the public key, as a DER SubjectPublicKeyInfo.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let algorithm = der(0x30, &[EC_PUBLIC_KEY, PRIME256V1].concat());
                let point = key.verifying_key().to_sec1_point(false);
                der(0x30, &[algorithm, der(0x03, &[&[0], point.as_bytes()].concat())].concat())
            }
            Self::Rsa(key) => key.public_key(),
        }
    }

    /// Signs a message, or its digest.
    pub(crate) fn sign(&self, algorithm: &str, message: &[u8], is_digest: bool) -> Result<Vec<u8>, Unsigned> {
        let (scheme, hash) = algorithm.rsplit_once("_SHA_").ok_or(Unsigned::Algorithm)?;
        let (_, hash) = HASHES.iter().find(|(name, _)| *name == hash).ok_or(Unsigned::Algorithm)?;
        let hashed = if is_digest { message.to_vec() } else { digest(hash.algorithm, message).as_ref().to_vec() };
        if hashed.len() != hash.algorithm.output_len() {
            return Err(Unsigned::DigestLength);
        }
        match (self, scheme) {
            (Self::P256(key), "ECDSA") if hash.algorithm.output_len() == 32 => {
                let signature: DerSignature = key.sign_prehash(&hashed).map_err(|_| Unsigned::Failed)?;
                Ok(signature.as_bytes().to_vec())
            }
            (Self::Rsa(key), "RSASSA_PKCS1_V1_5") => Ok(key.raise(&pkcs1_v1_5(hash, &hashed))),
            (Self::Rsa(key), "RSASSA_PSS") => Ok(key.raise(&pss(hash, &hashed, &key.salt(&hashed, hash)))),
            _ => Err(Unsigned::Algorithm),
        }
    }
}

/// An RSA private key. It uses only modulus and private exponent.
pub(crate) struct Rsa {
    modulus: BigUint,
    private_exponent: BigUint,
    /// The primes, the larger one first.
    primes: [BigUint; 2],
    seed: [u8; 32],
}

/// The length of an RSA modulus in bytes.
const MODULUS: usize = 256;
const EXPONENT: u32 = 65_537;

impl Rsa {
    /// Derives the key pair of a seed.
    pub(super) fn derive(seed: &[u8; 32]) -> Self {
        let one = BigUint::from(1_u8);
        let (p, q) = (prime(seed, "p"), prime(seed, "q"));
        let primes = if p > q { [p.clone(), q.clone()] } else { [q.clone(), p.clone()] };
        let phi = (&p - &one) * (&q - &one);
        // Both primes are chosen so that the exponent has an inverse.
        let private_exponent = BigUint::from(EXPONENT).modinv(&phi).unwrap_or_default();
        Self { modulus: p * q, private_exponent, primes, seed: *seed }
    }

    /// Returns the public key, as a DER SubjectPublicKeyInfo.
    pub(super) fn public_key(&self) -> Vec<u8> {
        let numbers = [integer(&self.modulus), integer(&BigUint::from(EXPONENT))].concat();
        let bits = [vec![0], der(0x30, &numbers)].concat();
        der(0x30, &[rsa_algorithm(), der(0x03, &bits)].concat())
    }

    /// Returns the private key, as a DER PrivateKeyInfo (RFC 5208) with an RSAPrivateKey (RFC 8017, A.1.2).
    pub(super) fn private_key(&self) -> Option<Vec<u8>> {
        let one = BigUint::from(1_u8);
        let [p, q] = &self.primes;
        let exponent = |prime: &BigUint| &self.private_exponent % (prime - &one);
        let numbers = [
            &BigUint::default(),
            &self.modulus,
            &BigUint::from(EXPONENT),
            &self.private_exponent,
            p,
            q,
            &exponent(p),
            &exponent(q),
            &q.modinv(p)?,
        ];
        let key = der(0x30, &numbers.map(integer).concat());
        Some(der(0x30, &[integer(&BigUint::default()), rsa_algorithm(), der(0x04, &key)].concat()))
    }

    /// Applies the private key to an encoded message.
    fn raise(&self, encoded: &[u8]) -> Vec<u8> {
        padded(&BigUint::from_bytes_be(encoded).modpow(&self.private_exponent, &self.modulus), MODULUS)
    }

    /// Derives a salt as long as the hash. It need not be random, only different for different messages.
    fn salt(&self, hashed: &[u8], hash: &Hash) -> Vec<u8> {
        let salt = stream(&self.seed, "salt", hashed);
        salt.into_iter().take(hash.algorithm.output_len()).collect()
    }
}

/// Encodes with EMSA-PKCS1-v1_5 (RFC 8017, 9.2).
fn pkcs1_v1_5(hash: &Hash, hashed: &[u8]) -> Vec<u8> {
    let tail = [&[0], hash.digest_info, hashed].concat();
    [vec![0, 1], vec![0xff; MODULUS.saturating_sub(2 + tail.len())], tail].concat()
}

/// Encodes with EMSA-PSS and MGF1 of the same hash (RFC 8017, 9.1.1), for a modulus of a whole number of bytes.
fn pss(hash: &Hash, hashed: &[u8], salt: &[u8]) -> Vec<u8> {
    let inner = digest(hash.algorithm, &[&[0; 8], hashed, salt].concat());
    let length = MODULUS - inner.as_ref().len() - 1;
    let mut block = vec![0; length.saturating_sub(salt.len() + 1)];
    block.push(1);
    block.extend_from_slice(salt);
    let mask = (0_u32..).flat_map(|counter| {
        digest(hash.algorithm, &[inner.as_ref(), &counter.to_be_bytes()].concat()).as_ref().to_vec()
    });
    for (byte, mask) in block.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    if let Some(first) = block.first_mut() {
        // The encoded message is one bit shorter than the modulus.
        *first &= 0x7f;
    }
    [block.as_slice(), inner.as_ref(), &[0xbc]].concat()
}

/// Derives a prime of 1024 bits. Its two highest bits are set, so that a product of two has 2048.
fn prime(seed: &[u8; 32], name: &str) -> BigUint {
    let mut bytes = stream(seed, name, &[]);
    if let (Some(first), length) = (bytes.first_mut(), MODULUS / 2) {
        *first |= 0xc0;
        bytes.truncate(length);
    }
    if let Some(last) = bytes.last_mut() {
        *last |= 1;
    }
    let mut candidate = BigUint::from_bytes_be(&bytes);
    let zero = BigUint::default();
    while SMALL_PRIMES.iter().any(|small| &candidate % *small == zero) || !is_prime(&candidate) {
        candidate += 2_u8;
    }
    candidate
}

const SMALL_PRIMES: [u32; 53] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239,
    241, 251,
];

/// Tests for a prime with the Miller-Rabin test, with enough bases for numbers that no attacker chose. The public
/// exponent also has an inverse.
fn is_prime(candidate: &BigUint) -> bool {
    let (one, two) = (BigUint::from(1_u8), BigUint::from(2_u8));
    let less_one = candidate - &one;
    let shift = less_one.trailing_zeros().unwrap_or_default();
    let odd = &less_one >> shift;
    let passes = |base: u32| {
        let mut power = BigUint::from(base).modpow(&odd, candidate);
        if power == one || power == less_one {
            return true;
        }
        (1..shift).any(|_| {
            power = power.modpow(&two, candidate);
            power == less_one
        })
    };
    [2, 3, 5, 7, 11, 13].into_iter().all(passes) && &less_one % EXPONENT != BigUint::default()
}

/// Derives 128 bytes from a seed.
fn stream(seed: &[u8; 32], name: &str, of: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, seed);
    (0_u8..4)
        .flat_map(|counter| hmac::sign(&key, &[name.as_bytes(), &[0, counter], of].concat()).as_ref().to_vec())
        .collect()
}

fn padded(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; length.saturating_sub(bytes.len())], bytes].concat()
}

const EC_PUBLIC_KEY: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
const PRIME256V1: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

fn rsa_algorithm() -> Vec<u8> {
    der(0x30, &[RSA_ENCRYPTION, b"\x05\x00"].concat())
}

/// Encodes a DER value of at most 65,535 bytes.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let head = match (high, low) {
        (0, low @ 0..=0x7f) => vec![tag, low],
        (0, low) => vec![tag, 0x81, low],
        (high, low) => vec![tag, 0x82, high, low],
    };
    [&head, content].concat()
}

fn integer(number: &BigUint) -> Vec<u8> {
    // Zero is one byte in BigUint.
    let bytes = number.to_bytes_be();
    let sign: &[u8] = if bytes.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    der(0x02, &[sign, &bytes].concat())
}

#[cfg(test)]
mod tests {
    use ring::signature::{
        ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA384, UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;

    #[test]
    fn another_library_verifies_the_signatures() {
        let (ec, rsa) = (KeyPair::p256(&[7; 32]).unwrap(), KeyPair::rsa(&[7; 32]));
        let cases: [(&KeyPair, &str, &dyn VerificationAlgorithm); 5] = [
            (&ec, "ECDSA_SHA_256", &ECDSA_P256_SHA256_ASN1),
            (&rsa, "RSASSA_PKCS1_V1_5_SHA_256", &RSA_PKCS1_2048_8192_SHA256),
            (&rsa, "RSASSA_PKCS1_V1_5_SHA_512", &RSA_PKCS1_2048_8192_SHA512),
            (&rsa, "RSASSA_PSS_SHA_256", &RSA_PSS_2048_8192_SHA256),
            (&rsa, "RSASSA_PSS_SHA_384", &RSA_PSS_2048_8192_SHA384),
        ];
        for (key, algorithm, verification) in cases {
            // `ring` takes the content of the SubjectPublicKeyInfo: a point, or the two numbers.
            let info = key.public_key();
            let (_, inner) = info.split_at(if matches!(key, KeyPair::Rsa(_)) { 24 } else { 26 });
            let public = UnparsedPublicKey::new(verification, inner);
            let signature = key.sign(algorithm, b"message", false).unwrap();
            assert!(public.verify(b"message", &signature).is_ok(), "{algorithm}");
            assert!(public.verify(b"another", &signature).is_err(), "{algorithm}");
            if algorithm.ends_with("256") {
                let hashed = digest(&SHA256, b"message");
                let signature = key.sign(algorithm, hashed.as_ref(), true).unwrap();
                assert!(public.verify(b"message", &signature).is_ok(), "{algorithm}");
            }
        }
        assert_eq!(ec.sign("ECDSA_SHA_384", b"message", false), Err(Unsigned::Algorithm));
        assert_eq!(ec.sign("RSASSA_PSS_SHA_256", b"message", false), Err(Unsigned::Algorithm));
        assert_eq!(rsa.sign("RSASSA_PSS_SHA_256", b"short", true), Err(Unsigned::DigestLength));
        assert_eq!(rsa.sign("SHA_256", b"message", false), Err(Unsigned::Algorithm));
    }
}
