//! Certificates that `rcgen` makes: the facts that are read, and the faults.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::string::{BmpString, Ia5String, PrintableString, TeletexString};
use rcgen::{
    CustomExtension, DnType, DnValue, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    PublicKeyData, SerialNumber as RcgenSerial,
};

use super::fixtures::{RSA, rsa, version_1};
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
    assert_eq!(read.warning(), None);
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
fn bare_base64_is_kept_as_it_came_and_metadata_gets_armour() {
    let certificate = fixtures::p256();
    let base64 = STANDARD.encode(certificate.der());
    for text in [base64.clone(), format!("\u{feff}\n {base64}\r\n"), base64.replace('=', "")] {
        let read = Certificate::from_pem(&text).unwrap();
        assert_eq!(read.pem(), text);
        assert_eq!(read.to_base64_der(), base64);
    }
    let pem = certificate.pem().replace('\n', "\r\n");
    for text in
        [format!("\n  {base64}\n"), format!(" {pem} "), pem.replace("-----BEGIN", "\u{ef}\u{bb}\u{bf}-----BEGIN")]
    {
        let read = Certificate::from_base64_der(&text).unwrap();
        assert!(read.pem().starts_with("-----BEGIN CERTIFICATE-----\n"), "{}", read.pem());
        assert_eq!(read.fingerprint(), Certificate::from_pem(&base64).unwrap().fingerprint());
        assert_eq!(Certificate::from_pem(read.pem()).unwrap(), read);
    }
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
fn versions_1_and_3_are_taken() {
    let certificate = fixtures::p256();
    assert_eq!(read(&certificate).unwrap().version(), 3);
    let old = version_1(&certificate);
    let read = parse(&old).unwrap();
    assert_eq!((read.version(), read.subject_name()), (1, "O=Example,CN=Example IdP"));
    assert_eq!(read.to_base64_der(), STANDARD.encode(&old));
    let kept = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<Certificate>(&kept).unwrap(), read);
    // One that was kept before versions were noted.
    let before = kept.replace(",\"version\":1", "");
    assert_ne!(before, kept);
    assert_eq!(serde_json::from_str::<Certificate>(&before).unwrap().version(), 3);
    let der = patched(&certificate, &[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, 1]);
    assert_eq!(parse(&der), Err(Fault::Version(2)));
    // Version 1 with extensions, and written out; a version that does not exist.
    for version in [0, 3] {
        let der = patched(&certificate, &[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, version]);
        assert!(matches!(parse(&der), Err(Fault::NotX509(_))), "{version}");
    }
}

#[test]
fn a_small_serial_number_of_version_1_is_not_taken_for_a_private_key() {
    for serial in 0..8 {
        let mut params = params();
        params.serial_number = Some(RcgenSerial::from_slice(&[serial]));
        let read = parse(&version_1(&signed(&params))).unwrap();
        assert_eq!(read.serial_number().as_str(), serial.to_string());
    }
}

#[test]
fn an_unusable_certificate_has_a_summary() {
    let certificate = fixtures::p256();
    let weak = fixtures::with_key(&certificate, RSA, &rsa(1024));
    let (summary, outcome) = Certificate::examine(&STANDARD.encode(&weak));
    assert_eq!(outcome, Err(Fault::ShortKey(1024)));
    let summary = summary.unwrap();
    assert_eq!(summary.subject, "O=Example,CN=Example IdP");
    assert_eq!(summary.validity, Some((moment("2020-01-01T00:00:00Z"), moment("2030-01-01T00:00:00Z"))));
    assert_eq!(summary.fingerprint.len(), 64);
    assert_eq!(Certificate::examine("x").0, None);
}

#[test]
fn what_is_not_one_whole_certificate_is_refused() {
    let der = fixtures::p256().der().to_vec();
    let mut longer = der.clone();
    longer.push(0);
    assert_eq!(parse(&longer), Err(Fault::TrailingData));
    assert_eq!(parse(&[der.clone(), der.clone()].concat()), Err(Fault::Glued(2)));
    // With padding between the two, and without.
    for length in 16..19 {
        let mut params = params();
        params.serial_number = Some(RcgenSerial::from_slice(&vec![1; length]));
        let base64 = STANDARD.encode(signed(&params).der());
        assert_eq!(Certificate::from_pem(&format!("{base64}\n{base64}")), Err(Fault::Glued(2)), "{base64}");
    }
    for cut in 1..der.len() {
        assert!(matches!(parse(&der[..cut]), Err(Fault::CutOff | Fault::NotX509(_))), "{cut}");
    }
    assert!(matches!(parse(b"\x30\x03\x02\x01\x05"), Err(Fault::NotX509(_))));
    let pem = fixtures::p256().pem();
    assert_eq!(Certificate::from_pem(&format!("{pem}{pem}")), Err(Fault::Several(2)));
    let filler = " ".repeat(MAX_CHARACTERS + 1 - pem.len());
    assert_eq!(Certificate::from_pem(&format!("{filler}{pem}")), Err(Fault::TooLong));
    assert!(Certificate::from_pem(&format!("{}{pem}", &filler[1..])).is_ok());
    assert_eq!(Certificate::from_pem(&format!("{}{pem}", "é".repeat(MAX_BYTES / 2))), Err(Fault::TooLong));
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

fn with_key(algorithm: &[u8], bits: &[u8]) -> Result<Certificate, Fault> {
    parse(&fixtures::with_key(&fixtures::p256(), algorithm, bits))
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
