//! What is read of certificates that `rcgen` makes, and what is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::string::{BmpString, Ia5String, PrintableString, TeletexString};
use rcgen::{
    CustomExtension, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    PublicKeyData, SerialNumber as RcgenSerial,
};

use super::*;

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn params() -> rcgen::CertificateParams {
    fixtures::params(moment("2020-01-01T00:00:00Z"), moment("2030-01-01T00:00:00Z"))
}

fn signed(params: &rcgen::CertificateParams) -> rcgen::Certificate {
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

fn read(certificate: &rcgen::Certificate) -> Result<Certificate, Fault> {
    Certificate::from_pem(&certificate.pem())
}

/// `certificate` with its first `from` replaced by `to` of the same length: a field that `rcgen` cannot be told.
fn patched(certificate: &rcgen::Certificate, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut der = certificate.der().to_vec();
    let at = der.windows(from.len()).position(|window| window == from).expect("the bytes to replace");
    der.splice(at..at + from.len(), to.iter().copied());
    der
}

fn parse(der: &[u8]) -> Result<Certificate, Fault> {
    Certificate::from_base64_der(&STANDARD.encode(der))
}

#[test]
fn every_fact_is_read() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let mut params = params();
    params.serial_number = Some(RcgenSerial::from_slice(&[0x01, 0x02, 0x03]));
    params.distinguished_name.push(DnType::CountryName, "DE");
    params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
    params.distinguished_name.push(DnType::CommonName, "Example IdP");
    let certificate = params.self_signed(&key).unwrap();
    let read = Certificate::from_pem(&certificate.pem()).unwrap();
    assert_eq!(read.issuer_name(), "CN=Example IdP,O=Example\\, Inc.,C=DE");
    assert_eq!(read.subject_name(), read.issuer_name());
    assert_eq!(read.serial_number().as_str(), "66051");
    assert_eq!(read.not_before(), moment("2020-01-01T00:00:00Z"));
    assert_eq!(read.not_after(), moment("2030-01-01T00:00:00Z"));
    assert_eq!(read.signature_algorithm_name(), "SHA384withECDSA");
    assert_eq!(read.public_key(), STANDARD.encode(key.subject_public_key_info()));
    assert_eq!(read.pem(), certificate.pem());
    assert_eq!(read.fingerprint().len(), 64);
    assert!(!read.has_weak_signature());
}

#[test]
fn the_text_is_kept_as_it_came() {
    let pem = fixtures::p256().pem();
    for text in [pem.replace('\n', ""), pem.replace('\n', "\r\n"), format!("  subject=x\n{pem}\n\n")] {
        let read = Certificate::from_pem(&text).unwrap();
        assert_eq!(read.pem(), text);
        assert_eq!(read.fingerprint(), Certificate::from_pem(&pem).unwrap().fingerprint());
    }
}

#[test]
fn bare_base64_is_metadata_s_way_only() {
    let certificate = fixtures::p256();
    let base64 = STANDARD.encode(certificate.der());
    let read = Certificate::from_base64_der(&format!("\n  {base64}\n")).unwrap();
    assert_eq!(Certificate::from_pem(read.pem()).unwrap(), read);
    assert_eq!(Certificate::from_pem(&base64), Err(Fault::NoArmour));
}

#[test]
fn names_are_written_as_rfc_2253_says() {
    let mut params = params();
    let name = &mut params.distinguished_name;
    name.push(DnType::CountryName, DnValue::PrintableString(PrintableString::try_from("JP").unwrap()));
    name.push(
        DnType::CustomDnType(vec![1, 2, 840, 113549, 1, 9, 1]),
        DnValue::Ia5String(Ia5String::try_from("a@b").unwrap()),
    );
    name.push(DnType::StateOrProvinceName, DnValue::BmpString(BmpString::try_from("東京").unwrap()));
    name.push(DnType::LocalityName, DnValue::TeletexString(TeletexString::try_from("plain").unwrap()));
    name.push(DnType::OrganizationName, " #<a>; \"b\" = c\\d+e ");
    name.push(DnType::CommonName, "Zoë\0");
    assert_eq!(
        read(&signed(&params)).unwrap().subject_name(),
        "CN=Zoë\\00,O=\\ \\#\\<a\\>\\; \\\"b\\\" \\= c\\\\d\\+e\\ ,L=plain,ST=東京,1.2.840.113549.1.9.1=#1603614062,C=JP"
    );
}

#[test]
fn a_string_that_is_not_well_formed_is_shown_in_hexadecimal() {
    let certificate = fixtures::p256();
    let der = patched(&certificate, b"\x0c\x07Example", b"\x0c\x07Exam\xffle");
    assert_eq!(parse(&der).unwrap().issuer_name(), "O=#0c074578616dff6c65,CN=Example IdP");
    let der = patched(&certificate, b"\x0c\x07Example", b"\x1e\x07Example");
    assert_eq!(parse(&der).unwrap().issuer_name(), "O=#1e074578616d706c65,CN=Example IdP");
}

#[test]
fn validity_reaches_the_year_9999() {
    for end in ["2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        let certificate = fixtures::valid(moment("1970-01-01T00:00:00Z"), moment(end));
        let read = read(&certificate).unwrap();
        assert_eq!((read.not_before(), read.not_after()), (moment("1970-01-01T00:00:00Z"), moment(end)));
    }
}

#[test]
fn valid_is_from_its_beginning_until_just_before_its_end() {
    let (begin, end) = (moment("2020-01-01T00:00:00Z"), moment("2020-01-02T00:00:00Z"));
    let read = read(&fixtures::valid(begin, end)).unwrap();
    for (now, valid, expired) in [
        (begin.plus_millis(-1), false, false),
        (begin, true, false),
        (end.plus_millis(-1), true, false),
        (end, false, true),
    ] {
        assert_eq!((read.is_valid(now), read.is_expired(now)), (valid, expired), "{now}");
    }
}

#[test]
fn serial_numbers_may_be_negative_or_long() {
    let mut params = params();
    params.serial_number = Some(RcgenSerial::from_slice(&[0x11; 30]));
    let certificate = signed(&params);
    assert_eq!(
        read(&certificate).unwrap().serial_number().as_str(),
        "117789804318558955305553166716194567721832259791707930541440413419507985"
    );
    // The first byte of the number is the one behind tag and length.
    let der = patched(&certificate, &[0x02, 0x1e, 0x11], &[0x02, 0x1e, 0xee]);
    assert!(parse(&der).unwrap().serial_number().as_str().starts_with('-'));
}

#[test]
fn other_versions_are_refused() {
    let certificate = fixtures::p256();
    for (byte, version) in [(0, 1), (1, 2)] {
        let der = patched(&certificate, &[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, byte]);
        assert_eq!(parse(&der), Err(Fault::Version(version)));
    }
    let der = patched(&certificate, &[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, 3]);
    assert!(matches!(parse(&der), Err(Fault::NotX509(_))));
}

#[test]
fn what_is_not_one_whole_certificate_is_refused() {
    let der = fixtures::p256().der().to_vec();
    let mut longer = der.clone();
    longer.push(0);
    assert_eq!(parse(&longer), Err(Fault::TrailingData));
    assert_eq!(parse(&[der.clone(), der.clone()].concat()), Err(Fault::TrailingData));
    for cut in 1..der.len() {
        assert!(matches!(parse(&der[..cut]), Err(Fault::CutOff | Fault::NotX509(_))), "{cut}");
    }
    assert!(matches!(parse(b"\x30\x03\x02\x01\x05"), Err(Fault::NotX509(_))));
    let pem = fixtures::p256().pem();
    assert_eq!(Certificate::from_pem(&format!("{pem}{pem}")), Err(Fault::Several(2)));
    let filler = " ".repeat(MAX_CHARACTERS + 1 - pem.len());
    assert_eq!(Certificate::from_pem(&format!("{filler}{pem}")), Err(Fault::TooLong));
    assert!(Certificate::from_pem(&format!("{}{pem}", &filler[1..])).is_ok());
}

#[test]
fn a_private_key_is_refused_whatever_else_is_wrong() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let pem = fixtures::p256().pem();
    for text in
        [format!("{key}{pem}"), format!("{pem}{key}"), format!("{}{key}", " ".repeat(MAX_CHARACTERS)), key.clone()]
    {
        let fault = Certificate::from_pem(&text).unwrap_err();
        assert_eq!(fault, Fault::PrivateKey);
        assert!(!fault.to_string().contains(&key[40..60]));
    }
}

#[test]
fn an_extension_stands_once() {
    let mut params = params();
    let extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    params.custom_extensions = vec![extension.clone()];
    assert!(read(&signed(&params)).is_ok());
    params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 2, 3, 5], vec![5, 0]));
    let der = patched(&signed(&params), &[6, 3, 42, 3, 5], &[6, 3, 42, 3, 4]);
    assert!(matches!(parse(&der), Err(Fault::NotX509(_))));
}

#[test]
fn the_two_places_of_the_signature_algorithm_agree() {
    // ecdsa-with-SHA256 in the signed part becomes ecdsa-with-SHA384; the other place stays.
    let id = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let other = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    assert!(matches!(parse(&patched(&fixtures::p256(), &id, &other)), Err(Fault::NotX509(_))));
}

#[test]
fn common_keys_are_taken() {
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        assert!(read(&params().self_signed(&key).unwrap()).is_ok());
    }
    assert!(with_key(RSA, &rsa(2048)).is_ok());
    assert!(with_key(RSA, &rsa(4096)).is_ok());
}

#[test]
fn weak_and_rare_keys_are_refused() {
    let unsupported = |kind: &str| Err(Fault::UnsupportedKey(kind.to_owned()));
    assert_eq!(with_key(RSA, &rsa(2047)), Err(Fault::ShortKey(2047)));
    assert_eq!(with_key(RSA, &rsa(512)), Err(Fault::ShortKey(512)));
    assert!(with_key(RSA, &rsa(16_384)).is_ok());
    assert_eq!(with_key(RSA, &rsa(16_385)), Err(Fault::LongKey(16_385)));
    assert_eq!(with_key(RSA, &[5, 0]), Err(Fault::MalformedKey));
    let mut even = rsa(2048);
    let last = even.len() - 6;
    even[last] = 0xfe;
    assert_eq!(with_key(RSA, &even), Err(Fault::MalformedKey));
    // DSA; secp256k1; P-256 with a point that is too short.
    assert_eq!(with_key(&[0x30, 0x09, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], &[2, 1, 5]), unsupported("DSA"));
    let k1 = [0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 10];
    assert_eq!(with_key(&k1, &[4; 65]), unsupported("EC on curve 1.3.132.0.10"));
    let p256 = [0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    assert!(with_key(&p256, &[4; 65]).is_ok());
    assert_eq!(with_key(&p256, &[4; 64]), Err(Fault::MalformedKey));
    assert_eq!(with_key(&[0x30, 5, 6, 3, 0x2b, 0x65, 0x70], &[1; 31]), Err(Fault::MalformedKey));
}

const RSA: &[u8] = &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// An RSAPublicKey whose modulus is all ones in `bits` bits; the exponent is 65537.
fn rsa(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] = 0xff >> (modulus.len() * 8 - bits);
    if modulus[0] & 0x80 != 0 {
        modulus.insert(0, 0);
    }
    element(0x30, &[element(2, &modulus), element(2, &[1, 0, 1])].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match content.len() {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header, content.to_vec()].concat()
}

/// A certificate, signed by another key, for the public key `bits` of `algorithm`.
fn with_key(algorithm: &[u8], bits: &[u8]) -> Result<Certificate, Fault> {
    let p256 = fixtures::p256();
    let parsed = CertificateInner::<Raw>::from_der(p256.der()).unwrap();
    let old = parsed.tbs_certificate().subject_public_key_info().to_der().unwrap();
    let bit_string = element(3, &[&[0], bits].concat());
    let new = element(0x30, &[algorithm, &bit_string].concat());
    let content = parsed.tbs_certificate().to_der().unwrap();
    let at = content.windows(old.len()).position(|window| window == old).unwrap();
    let header = if content[1] == 0x81 { 3 } else { 4 };
    let content = [&content[header..at], &new, &content[at + old.len()..]].concat();
    let rest = [parsed.signature_algorithm().to_der().unwrap(), parsed.signature().to_der().unwrap()].concat();
    parse(&element(0x30, &[element(0x30, &content), rest].concat()))
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(der in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&der);
    }

    #[test]
    fn a_mutated_certificate_is_read_without_a_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut der = fixtures::p256().der().to_vec();
        for (at, byte) in changes {
            let at = at.index(der.len());
            der[at] = byte;
        }
        let _ = parse(&der);
        if let Ok(read) = parse(&der[..cut.index(der.len())]) {
            prop_assert!(Certificate::from_pem(read.pem()).is_ok());
        }
    }

    #[test]
    fn names_of_any_text_are_read(name in "\\PC{0,40}", serial in proptest::collection::vec(any::<u8>(), 1..24)) {
        let mut params = params();
        params.distinguished_name.push(DnType::CommonName, name.as_str());
        params.serial_number = Some(RcgenSerial::from_slice(&serial));
        let read = read(&signed(&params)).unwrap();
        let unescaped: String = unescape(read.subject_name().strip_prefix("CN=").unwrap());
        prop_assert_eq!(unescaped, name);
        let json = serde_json::to_string(&read).unwrap();
        prop_assert_eq!(serde_json::from_str::<Certificate>(&json).unwrap(), read);
    }
}

/// Takes the backslashes of RFC 2253 out again. There are no escaped bytes in what the property above makes.
fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    std::iter::from_fn(|| match characters.next()? {
        '\\' => characters.next(),
        other => Some(other),
    })
    .collect()
}
