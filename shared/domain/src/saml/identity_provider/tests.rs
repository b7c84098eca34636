//! Metadata that is written here, by each of its parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};

use super::*;
use crate::certificate::fixtures::{self, RSA, rsa};
use crate::saml::fixtures::{entity, key, role, service, usual};
use crate::saml::{PROTOCOL, SIGNATURE};
use crate::timestamp::DAY;

fn now() -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap()
}

fn base64(certificate: &rcgen::Certificate) -> String {
    STANDARD.encode(certificate.der())
}

fn parse(text: &str) -> Result<IdentityProviderMetadata, Fault> {
    IdentityProviderMetadata::parse(text, now())
}

#[test]
fn name_login_and_certificates_are_taken() {
    let certificate = fixtures::p256();
    let document =
        format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", entity("", &usual(&base64(&certificate))));
    let read = parse(&document).unwrap();
    assert_eq!(read.settings.entity_id.as_str(), "https://idp.example.com/a?b=1&c");
    assert_eq!(read.settings.login_url.as_str(), "https://idp.example.com/redirect?x=1&y=2");
    assert!(read.settings.want_request_signed);
    assert_eq!(read.certificates, [Certificate::from_base64_der(&base64(&certificate)).unwrap()]);
    let post = document.replace(REDIRECT, "urn:oasis:names:tc:SAML:2.0:bindings:SOAP");
    assert_eq!(parse(&post).unwrap().settings.login_url.as_str(), "https://idp.example.com/post");
    let unsigned = document.replace("WantAuthnRequestsSigned=\"true\"", "");
    assert!(!parse(&unsigned).unwrap().settings.want_request_signed);
}

#[test]
fn prefixes_are_free_and_namespaces_are_not() {
    let document = entity("", &usual(&base64(&fixtures::p256())));
    let other =
        document.replace("md:", "").replace("xmlns:md", "xmlns").replace("ds:", "sig:").replace(":ds=", ":sig=");
    assert_eq!(
        parse(&other.replace("xmlns:=", "xmlns=")).map(|read| read.settings),
        parse(&document).map(|read| read.settings)
    );
}

#[test]
fn a_missing_or_foreign_namespace_is_named() {
    let document = entity("", &usual(&base64(&fixtures::p256())));
    let none = |name| Err(Fault::Namespace(name, None));
    let other = |name| Err(Fault::Namespace(name, Some("urn:example:other".to_owned())));
    let without = |prefix: &str| document.replace(&format!("<{prefix}:"), "<").replace(&format!("</{prefix}:"), "</");
    assert_eq!(parse(&without("md")), none("EntityDescriptor"));
    assert_eq!(parse(&document.replace(METADATA, "urn:example:other")), other("EntityDescriptor"));
    assert_eq!(parse(&without("ds")), none("KeyInfo"));
    assert_eq!(parse(&document.replace(SIGNATURE, "urn:example:other")), other("KeyInfo"));
    let role = document.replace("md:IDPSSODescriptor", "IDPSSODescriptor");
    assert_eq!(parse(&role), none("IDPSSODescriptor"));
    let service = document.replace("md:SingleSignOnService", "SingleSignOnService");
    assert_eq!(parse(&service), none("SingleSignOnService"));
    let message = parse(&without("md")).unwrap_err().to_string();
    assert!(message.contains("in no namespace") && message.contains(METADATA), "{message}");
    let message = parse(&document.replace(SIGNATURE, "urn:example:other")).unwrap_err().to_string();
    assert!(message.contains("`urn:example:other`") && message.contains(SIGNATURE), "{message}");
}

#[test]
fn certificates_for_signing_and_for_any_use_are_taken_and_authorities_are_not() {
    let [one, two, encryption] = [(); 3].map(|()| base64(&fixtures::p256()));
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Authority");
    let authority_certificate = base64(&authority.self_signed(&authority_key).unwrap());
    let mut leaf = CertificateParams::default();
    leaf.distinguished_name.push(DnType::CommonName, "Leaf");
    let leaf = leaf.signed_by(&KeyPair::generate().unwrap(), &Issuer::new(authority, authority_key)).unwrap();
    let leaf = base64(&leaf);
    let content = [
        key(" use=\"encryption\"", &[&encryption]),
        key("", &[&one]),
        key(" use=\"signing\"", &[&two, &one]),
        key(" use=\"signing\"", &[&authority_certificate, &leaf]),
        service(REDIRECT, "https://idp.example.com/"),
    ];
    let read = parse(&entity("", &role("", &content.concat()))).unwrap();
    let expected = [&one, &two, &leaf].map(|text| Certificate::from_base64_der(text).unwrap());
    assert_eq!(read.certificates, expected);
    assert_eq!(read.left_out, []);
}

/// Metadata with these keys.
fn with_keys(keys: &[String]) -> String {
    entity("", &role("", &[keys.concat(), service(REDIRECT, "https://idp.example.com/")].concat()))
}

/// A certificate with a key that is too short, valid on these days from now.
fn weak(begin: i64, end: i64) -> String {
    let certificate = fixtures::valid(now().plus_millis(begin * DAY), now().plus_millis(end * DAY));
    STANDARD.encode(fixtures::with_key(&certificate, RSA, &rsa(1024)))
}

#[test]
fn certificates_of_version_1_are_taken() {
    let old = STANDARD.encode(fixtures::version_1(&fixtures::p256()));
    let read = parse(&with_keys(&[key("", &[&old])])).unwrap();
    assert_eq!((read.certificates.len(), read.certificates[0].version()), (1, 1));
}

#[test]
fn a_weak_or_expired_authority_of_a_chain_is_ignored_unseen() {
    for (bits, end) in [(1024, "2030-01-01T00:00:00Z"), (2048, "2025-01-01T00:00:00Z")] {
        let begin = Timestamp::parse("2020-01-01T00:00:00Z").unwrap();
        let mut authority = fixtures::params(begin, Timestamp::parse(end).unwrap());
        authority.distinguished_name.push(DnType::CommonName, "Old Root CA");
        let authority_key = KeyPair::generate().unwrap();
        let root = authority.self_signed(&authority_key).unwrap();
        let root = STANDARD.encode(fixtures::with_key(&root, RSA, &rsa(bits)));
        let mut leaf = fixtures::params(begin, Timestamp::parse("2030-01-01T00:00:00Z").unwrap());
        leaf.distinguished_name.push(DnType::CommonName, "Leaf");
        let issuer = Issuer::new(authority, authority_key);
        let leaf = base64(&leaf.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap());
        for chain in [[&*leaf, &*root], [&*root, &*leaf]] {
            let read = parse(&with_keys(&[key("", &chain)])).unwrap();
            assert_eq!(read.certificates, [Certificate::from_base64_der(&leaf).unwrap()]);
            assert_eq!(read.left_out, []);
        }
        // A key of its own is no authority.
        assert!(parse(&with_keys(&[key("", &[&root])])).is_err());
    }
}

#[test]
fn what_cannot_be_used_is_left_out_by_name() {
    let good = base64(&fixtures::p256());
    let expired = base64(&fixtures::valid(now().plus_millis(-20 * DAY), now().plus_millis(-10 * DAY)));
    let (weak, weak_and_expired) = (weak(-10, 10), weak(-10, -1));
    let keys = [
        key(" use=\"signing\"", &[&weak_and_expired]),
        key("", &[&expired]),
        key(" use=\"signing\"", &[&good]),
        key("", &[&weak]),
        key(" use=\"\"", &[""]),
        key(" use=\"signing\"", &["AAAA*"]),
        key("", &[&expired, &good]),
    ];
    let read = parse(&with_keys(&keys)).unwrap();
    assert_eq!(read.certificates, [Certificate::from_base64_der(&good).unwrap()]);
    let left_out: Vec<String> = read.left_out.iter().map(LeftOut::to_string).collect();
    let named = "(`O=Example,CN=Example IdP`)";
    let short = "is left out: it holds an RSA key of 1024 bits where at least 2048 are needed";
    assert_eq!(
        left_out,
        [
            format!("signing certificate 1 {named} {short}"),
            format!("signing certificate 2 {named} is left out: it holds a certificate that has expired"),
            format!("signing certificate 4 {named} {short}"),
            "signing certificate 5 is left out: it is empty".to_owned(),
            "signing certificate 6 is left out: it is not base64: `*` is none of its characters".to_owned(),
        ]
    );
    let none = parse(&with_keys(&[keys[0].clone(), keys[1].clone(), keys[4].clone()])).unwrap_err();
    assert!(matches!(&none, Fault::NoUsableCertificate(left_out) if left_out.len() == 3), "{none:?}");
    let message = none.to_string();
    for part in ["certificate 1 ", "1024 bits", "certificate 2 ", "expired", "certificate 3 ", "it is empty"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn ten_certificates_are_taken_and_eleven_are_not() {
    let keys = |count: usize| (0..count).map(|_| key("", &[&base64(&fixtures::p256())])).collect::<Vec<_>>();
    assert_eq!(parse(&with_keys(&keys(3))).unwrap().certificates.len(), 3);
    assert_eq!(parse(&with_keys(&keys(10))).unwrap().certificates.len(), 10);
    assert_eq!(parse(&with_keys(&keys(11))), Err(Fault::TooManyCertificates(11)));
    let empty = vec![key("", &["", "", ""]); 17];
    assert_eq!(parse(&with_keys(&empty)), Err(Fault::TooManyCertificates(51)));
}

#[test]
fn armour_within_metadata_is_stripped() {
    let certificate = fixtures::p256();
    for text in [certificate.pem(), certificate.pem().replace('\n', "&#13;\n"), certificate.pem().replace('\n', "")] {
        let read = parse(&with_keys(&[key("", &[&text])])).unwrap();
        assert_eq!(read.certificates, [Certificate::from_base64_der(&base64(&certificate)).unwrap()]);
    }
    let two = format!("{}{}", certificate.pem(), fixtures::p256().pem());
    let fault = parse(&with_keys(&[key("", &[&two])])).unwrap_err().to_string();
    assert!(fault.contains("holds 2 certificates"), "{fault}");
    let glued = [certificate.der().to_vec(), fixtures::p256().der().to_vec()].concat();
    let fault = parse(&with_keys(&[key("", &[&STANDARD.encode(glued)])])).unwrap_err().to_string();
    assert!(fault.contains("2 certificates glued together"), "{fault}");
}

#[test]
fn a_long_logo_is_no_depth() {
    let logo = format!("data:image/png;base64,{}", "A".repeat(95_000));
    let extensions = format!(
        "<md:Extensions><mdui:UIInfo xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\"><mdui:Logo height=\"16\" width=\"16\">{logo}</mdui:Logo><mdui:InformationURL alt=\"{logo}\">https://x.example</mdui:InformationURL></mdui:UIInfo></md:Extensions>"
    );
    let text = entity("", &(extensions + &usual(&base64(&fixtures::p256()))));
    assert_eq!(parse(&text).unwrap().certificates.len(), 1);
}

#[test]
fn names_and_addresses_are_normalised_as_any_uri_is() {
    let good = entity("", &usual(&base64(&fixtures::p256())));
    let id = |text: &str| parse(&good.replace("https://idp.example.com/a?b=1&amp;c", text)).unwrap().settings.entity_id;
    assert_eq!(id(" https://idp.example.com/m\n").as_str(), "https://idp.example.com/m");
    assert_eq!(id("&#10;urn:a &#9; b&#13;").as_str(), "urn:a b");
    let login = |text: &str| {
        parse(&good.replace("https://idp.example.com/redirect?x=1&amp;y=2", text)).unwrap().settings.login_url
    };
    assert_eq!(login("https://idp.example.com/gr\u{f6}\u{df}e").as_str(), "https://idp.example.com/gr%C3%B6%C3%9Fe");
    assert_eq!(login(" https://b\u{fc}cher.example/a b ").as_str(), "https://xn--bcher-kva.example/a%20b");
}

#[test]
fn the_first_usable_place_to_sign_in_counts() {
    let login = |services: &[(&str, &str)]| {
        let services: String = services.iter().map(|(binding, location)| service(binding, location)).collect();
        let read = parse(&entity("", &role("", &(key("", &[&base64(&fixtures::p256())]) + &services))));
        read.map(|read| (read.settings.login_url.as_str().to_owned(), read.left_out.len()))
    };
    let (http, https, other) = ("http://idp.example.com/", "https://idp.example.com/1", "https://idp.example.com/2");
    for (services, expected) in [
        (vec![(REDIRECT, http), (POST, https)], Ok((https, 1))),
        (vec![(REDIRECT, ""), (REDIRECT, https)], Ok((https, 1))),
        (vec![(POST, other), (REDIRECT, https)], Ok((https, 0))),
        (vec![(REDIRECT, https), (REDIRECT, http), (POST, http)], Ok((https, 0))),
        (vec![("urn:other", https), (POST, other)], Ok((other, 0))),
        (vec![(REDIRECT, http), (POST, "")], Err(Fault::Login("must begin with `https://`"))),
        (vec![("urn:other", https)], Err(Fault::NoLogin)),
    ] {
        assert_eq!(login(&services), expected.map(|(url, left_out)| (url.to_owned(), left_out)), "{services:?}");
    }
}

#[test]
fn a_time_without_a_zone_is_of_utc() {
    let until = |text: &str| parse(&entity(&format!("validUntil=\"{text}\""), &usual(&base64(&fixtures::p256()))));
    assert!(until("2026-01-01T00:00:01").is_ok());
    assert!(until(" 2026-01-01T00:00:01.5 ").is_ok());
    assert_eq!(until("2025-12-31T23:59:59"), Err(Fault::Expired(now().plus_millis(-1000))));
}

#[test]
fn one_of_several_providers_is_selected() {
    let good = entity("", &usual(&base64(&fixtures::p256())));
    let named = |id: &str| good.replace("https://idp.example.com/a?b=1&amp;c", id);
    let old = good.replace("entityID", "validUntil=\"2025-01-01T00:00:00Z\" entityID");
    let text = format!(
        "<md:EntitiesDescriptor xmlns:md=\"{METADATA}\">{}<md:EntitiesDescriptor>{}{old}</md:EntitiesDescriptor></md:EntitiesDescriptor>",
        named(" urn:a\n"),
        named("urn:b")
    );
    let select = |id: &str| IdentityProviderMetadata::parse_selected(&text, Some(&EntityId::parse(id).unwrap()), now());
    for id in ["urn:a", "urn:b"] {
        assert_eq!(select(id).unwrap().settings.entity_id.as_str(), id);
    }
    let all = ["urn:a", "urn:b", "https://idp.example.com/a?b=1&c"].map(str::to_owned).to_vec();
    assert_eq!(select("urn:a").unwrap().providers, all);
    assert!(matches!(select(&all[2]), Err(Fault::Expired(_))));
    assert_eq!(select("urn:c"), Err(Fault::NotAmong(all.clone())));
    assert_eq!(parse(&text), Err(Fault::Several(all)));
    let many: Vec<String> = (0..30).map(|number| format!("urn:{number}")).collect();
    let message = Fault::Several(many).to_string();
    assert!(message.contains("30 identity providers") && message.contains("`urn:9`, 20 more"), "{message}");
}

#[test]
fn an_entity_within_another_is_not_one_of_the_document() {
    let hidden = format!("<md:Extensions>{}</md:Extensions>", entity("", &usual(&base64(&fixtures::p256()))));
    assert_eq!(parse(&entity("", &hidden)), Err(Fault::NoIdentityProvider(None)));
}

#[test]
fn a_misread_byte_order_mark_is_stripped() {
    let good = entity("", &usual(&base64(&fixtures::p256())));
    for mark in ["\u{feff}", "\u{ef}\u{bb}\u{bf}", " \u{ef}\u{bb}\u{bf}\n"] {
        assert!(parse(&format!("{mark}{good}")).is_ok());
    }
}

#[test]
fn what_people_paste_is_named() {
    let good = entity("", &usual(&base64(&fixtures::p256())));
    for (text, part) in [
        ("<!DOCTYPE html><html><body>Sign in</body></html>".to_owned(), "is an HTML page"),
        ("https://idp.example.com/metadata".to_owned(), "is a URL"),
        (STANDARD.encode(&good), "is base64 of XML"),
        (good.replace('"', "\\\""), "is escaped as JSON strings are"),
        (format!("This XML file does not appear to have any style information.\n{good}"), "browser's view"),
        (fixtures::p256().pem(), "is a certificate"),
        ("metadata.xml".to_owned(), "is not well-formed XML"),
    ] {
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(parse(" \n"), Err(Fault::Empty));
}

#[test]
fn an_identity_provider_among_other_entities_is_found() {
    let provider = entity("", &usual(&base64(&fixtures::p256())));
    let other = format!(
        "<md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"x\"><md:SPSSODescriptor/></md:EntityDescriptor>"
    );
    let group = |content: &str, until: &str| {
        format!("<md:EntitiesDescriptor xmlns:md=\"{METADATA}\" {until}>{content}</md:EntitiesDescriptor>")
    };
    assert!(parse(&group(&format!("{other}{}", group(&provider, "")), "")).is_ok());
    assert_eq!(parse(&group(&other, "")), Err(Fault::NoIdentityProvider(Some("a service provider"))));
    let id = "https://idp.example.com/a?b=1&c".to_owned();
    assert_eq!(parse(&group(&format!("{provider}{provider}"), "")), Err(Fault::Several(vec![id.clone(), id])));
    let old = "validUntil=\"2025-12-31T23:59:59Z\"";
    let expired = Err(Fault::Expired(Timestamp::parse("2025-12-31T23:59:59Z").unwrap()));
    assert_eq!(parse(&group(&provider, old)), expired);
    assert_eq!(parse(&entity(old, &usual(&base64(&fixtures::p256())))), expired);
    assert!(parse(&group(&provider, "validUntil=\"2026-01-01T00:00:01Z\"")).is_ok());
}

#[test]
fn every_fault_is_named() {
    let good = entity("", &usual(&base64(&fixtures::p256())));
    let certificate = base64(&fixtures::p256());
    let login = service(REDIRECT, "https://idp.example.com/");
    let signing = key("", &[&certificate]);
    for (text, fault) in [
        (good.replace("entityID=", "other="), Fault::EntityId("is empty")),
        (good.replace(PROTOCOL, "urn:example"), Fault::NoIdentityProvider(Some("one for an older protocol"))),
        (good.replace("=\"true\"", "=\"yes\""), Fault::WantAuthnRequestsSigned),
        (
            good.replace("https://idp.example.com/redirect", "http://idp.example.com/").replace(POST, "urn:example"),
            Fault::Login("must begin with `https://`"),
        ),
        (entity("validUntil=\"soon\"", &usual(&certificate)), Fault::ValidUntil),
        (entity("", &role("", &signing)), Fault::NoLogin),
        (entity("", &role("", &login)), Fault::NoSigningCertificate),
        (
            entity("", &role("", &[login.clone(), key(" use=\"encryption\"", &[&certificate])].concat())),
            Fault::NoSigningCertificate,
        ),
        (format!("<!DOCTYPE x>{good}"), Fault::Doctype),
        (format!("{good}<!-- -----BEGIN PRIVATE KEY----- -->"), Fault::PrivateKey),
        ("<svg/>".to_owned(), Fault::NotMetadata("svg".into())),
    ] {
        assert_eq!(parse(&text), Err(fault), "{text}");
    }
    let key = KeyPair::generate().unwrap();
    let comment = format!("<!-- {} -->", STANDARD.encode(key.serialize_der()));
    let with_key = format!("{good}{comment}");
    assert_eq!(parse(&with_key), Err(Fault::PrivateKey));
}

#[test]
fn a_comment_does_not_cut_a_certificate() {
    let certificate = base64(&fixtures::p256());
    let (head, tail) = certificate.split_at(100);
    let read = parse(&entity("", &usual(&format!("{head}<!-- x -->{tail}")))).unwrap();
    assert_eq!(read.certificates, [Certificate::from_base64_der(&certificate).unwrap()]);
}

proptest! {
    #[test]
    fn mutated_metadata_is_read_without_a_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), "[<>&/\"' a-zA-Z:=\\PC]"), 1..8),
    ) {
        let mut characters: Vec<char> = entity("", &usual("AAAA")).chars().collect();
        for (at, text) in changes {
            let at = at.index(characters.len());
            characters.splice(at..=at, text.chars());
        }
        let _ = parse(&characters.into_iter().collect::<String>());
    }
}
