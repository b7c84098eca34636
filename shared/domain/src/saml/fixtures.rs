//! Metadata for tests, put together of its parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{METADATA, POST, PROTOCOL, REDIRECT, SIGNATURE};

/// A key with these contents of `X509Certificate`, all in one `X509Data`. `usage` is an attribute or nothing.
pub fn key(usage: &str, certificates: &[&str]) -> String {
    let certificates: String =
        certificates.iter().map(|text| format!("<ds:X509Certificate>\n{text}\n</ds:X509Certificate>")).collect();
    format!(
        "<md:KeyDescriptor{usage}><ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

/// A place to sign in.
pub fn service(binding: &str, location: &str) -> String {
    format!("<md:SingleSignOnService Binding=\"{binding}\" Location=\"{location}\"/>")
}

/// The role of an identity provider.
pub fn role(attributes: &str, content: &str) -> String {
    format!(
        "<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol {PROTOCOL}\" {attributes}>{content}</md:IDPSSODescriptor>"
    )
}

/// An entity with its own declarations.
pub fn entity(attributes: &str, roles: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"{METADATA}\" xmlns:ds=\"{SIGNATURE}\" entityID=\"https://idp.example.com/a?b=1&amp;c\" {attributes}>{roles}</md:EntityDescriptor>"
    )
}

/// A role that wants signed requests, with one key and both bindings.
pub fn usual(certificate: &str) -> String {
    let content = [
        key(" use=\"signing\"", &[certificate]),
        service(POST, "https://idp.example.com/post"),
        service(REDIRECT, "https://idp.example.com/redirect?x=1&amp;y=2"),
    ];
    role("WantAuthnRequestsSigned=\"true\"", &content.concat())
}

/// An identity provider of this entity id, with one key for each certificate.
pub fn identity_provider(entity_id: &str, certificates: &[&[u8]]) -> String {
    let mut content: String =
        certificates.iter().map(|der| key(" use=\"signing\"", &[&STANDARD.encode(der)])).collect();
    content.push_str(&service(REDIRECT, "https://idp.example.com/redirect"));
    entity("", &role("", &content)).replace("https://idp.example.com/a?b=1&amp;c", entity_id)
}

/// A document of these entities.
pub fn document(entities: &[&str]) -> String {
    match entities {
        [entity] => (*entity).to_owned(),
        several => {
            format!("<md:EntitiesDescriptor xmlns:md=\"{METADATA}\">{}</md:EntitiesDescriptor>", several.concat())
        }
    }
}
