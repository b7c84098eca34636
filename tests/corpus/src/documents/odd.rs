//! Documents that people wrote or changed by hand, each with what other programs take.

use super::usual;
use crate::Document;
use crate::certificate::{Certificate, Digest, Validity, weak};

pub(super) fn all() -> Vec<Document> {
    vec![chain(), rotation(), written_by_hand()]
}

fn document(id: &str, content: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{id}\"><md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{content}</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

fn key(usage: &str, certificates: &[String]) -> String {
    let certificates: String =
        certificates.iter().map(|text| format!("<ds:X509Certificate>{text}</ds:X509Certificate>")).collect();
    format!(
        "<md:KeyDescriptor{usage}><ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn service(binding: &str, location: &str) -> String {
    format!(
        "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{location}\"/>"
    )
}

/// A leaf with its authority, which is older and weaker than what is taken.
fn chain() -> Document {
    let authority = vec![("O", "Example".to_owned()), ("CN", "Old Root CA".to_owned())];
    let leaf = Certificate { issuer: Some(authority.clone()), ..Certificate::named("idp.example.com") }.sign();
    let root = Certificate {
        subject: authority,
        key: weak(),
        digest: Digest::Sha1,
        validity: Validity(-4_000, 3_000),
        ..Certificate::named("")
    }
    .sign();
    let content = key(" use=\"signing\"", &[leaf.base64(), root.base64()])
        + &service("HTTP-Redirect", "https://idp.example.com/sso");
    let names = ("https://idp.example.com/chain", "https://idp.example.com/sso");
    usual("chain", document(names.0, &content), names, false, &[&leaf])
}

/// A rotation that began years ago: one certificate is weak and over, one is weak, one is usable.
fn rotation() -> Document {
    let old = Certificate { key: weak(), validity: Validity::OVER, ..Certificate::named("idp.example.com") }.sign();
    let short = Certificate { key: weak(), ..Certificate::named("idp.example.com") }.sign();
    let usable = Certificate { digest: Digest::Sha1, ..Certificate::named("idp.example.com") }.sign();
    let keys = [&old, &short, &usable].map(|one| key(" use=\"signing\"", &[one.base64()])).concat();
    let names = ("https://idp.example.com/rotation", "https://idp.example.com/sso");
    let text = document(names.0, &(keys + &service("HTTP-POST", names.1)));
    usual("rotation", text, names, false, &[&usable]).leaving_out(&[&old, &short]).with_forgeable(1)
}

/// White space around names, armour within elements, an address with a letter that URLs do not have, and an unusable
/// place to sign in before the usable one.
fn written_by_hand() -> Document {
    let certificate = Certificate::named("Größe").sign();
    let content = [
        key("", &[certificate.pem()]),
        service("HTTP-Redirect", "http://idp.example.com/sso"),
        service("HTTP-POST", "\n https://idp.example.com/größe "),
    ]
    .concat();
    let text = format!("\u{ef}\u{bb}\u{bf}\n{}", document(" https://idp.example.com/hand\n", &content));
    let names = ("https://idp.example.com/hand", "https://idp.example.com/gr%C3%B6%C3%9Fe");
    usual("written by hand", text, names, false, &[&certificate])
}
