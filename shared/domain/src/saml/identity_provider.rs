//! An identity provider's metadata.

use roxmltree::Node;

use super::{Fault, METADATA, POST, PROTOCOL, REDIRECT, SIGNATURE, xml};
use crate::certificate::{self, Certificate};
use crate::identity_provider::{EntityId, LoginUrl, Settings};
use crate::timestamp::Timestamp;

/// What is taken of an identity provider's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProviderMetadata {
    /// Its name and where it signs users in: by HTTP-Redirect if it can, else by HTTP-POST.
    pub settings: Settings,
    /// The certificates for signing and for any use, in order; at least one. Those for encryption only are not ours to
    /// use. Where one `X509Data` holds a chain, its authorities are left out: they are not to be trusted as the provider.
    pub certificates: Vec<Certificate>,
}

impl IdentityProviderMetadata {
    /// Reads metadata of exactly one identity provider, alone or within an `EntitiesDescriptor`.
    ///
    /// A signature of the metadata is not checked: who imports it vouches for it.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Fault> {
        if certificate::holds_private_key(text) {
            return Err(Fault::PrivateKey);
        }
        let document = xml::parse(text.trim())?;
        let root = document.root_element();
        if !is(root, METADATA, "EntityDescriptor") && !is(root, METADATA, "EntitiesDescriptor") {
            return Err(Fault::NotMetadata(root.tag_name().name().chars().take(100).collect()));
        }
        let roles: Vec<_> = root.descendants().filter(|node| is_identity_provider(*node)).collect();
        let role = match roles.as_slice() {
            [] => return Err(Fault::NoIdentityProvider),
            [role] => *role,
            several => return Err(Fault::Several(several.len())),
        };
        role.ancestors().try_for_each(|node| check_valid_until(node, now))?;
        let entity_id = role.parent().and_then(|entity| entity.attribute("entityID")).unwrap_or_default();
        let settings = Settings {
            entity_id: EntityId::parse(entity_id).map_err(Fault::EntityId)?,
            login_url: login_url(role)?,
            want_request_signed: wants_signed_requests(role)?,
        };
        Ok(Self { settings, certificates: signing_certificates(role)? })
    }
}

fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.has_tag_name((namespace, name))
}

fn children<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| is(*child, namespace, name))
}

/// A role of an entity that signs users in by SAML 2.0. Some providers list a second one, for SAML 1.1.
fn is_identity_provider(node: Node<'_, '_>) -> bool {
    is(node, METADATA, "IDPSSODescriptor")
        && node.parent().is_some_and(|parent| is(parent, METADATA, "EntityDescriptor"))
        && node
            .attribute("protocolSupportEnumeration")
            .is_none_or(|protocols| protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL))
}

/// Metadata, section 2.3.1: what a descriptor holds is not to be used after its `validUntil`.
fn check_valid_until(node: Node<'_, '_>, now: Timestamp) -> Result<(), Fault> {
    let Some(text) = node.attribute("validUntil") else { return Ok(()) };
    let moment = Timestamp::parse(text.trim()).ok_or(Fault::ValidUntil)?;
    if moment <= now { Err(Fault::Expired(moment)) } else { Ok(()) }
}

fn login_url(role: Node<'_, '_>) -> Result<LoginUrl, Fault> {
    let by = |binding: &str| {
        children(role, METADATA, "SingleSignOnService").find(|service| service.attribute("Binding") == Some(binding))
    };
    let service = by(REDIRECT).or_else(|| by(POST)).ok_or(Fault::NoLogin)?;
    LoginUrl::parse(service.attribute("Location").unwrap_or_default().trim()).map_err(Fault::Login)
}

fn wants_signed_requests(role: Node<'_, '_>) -> Result<bool, Fault> {
    match role.attribute("WantAuthnRequestsSigned").map(str::trim) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(Fault::WantAuthnRequestsSigned),
    }
}

fn signing_certificates(role: Node<'_, '_>) -> Result<Vec<Certificate>, Fault> {
    let for_signing = |key: &Node<'_, '_>| key.attribute("use").is_none_or(|usage| usage == "signing");
    let mut certificates = Vec::new();
    let mut number = 0;
    for key in children(role, METADATA, "KeyDescriptor").filter(for_signing) {
        for info in children(key, SIGNATURE, "KeyInfo") {
            for data in children(info, SIGNATURE, "X509Data") {
                let mut together = Vec::new();
                for element in children(data, SIGNATURE, "X509Certificate") {
                    number += 1;
                    let certificate = Certificate::from_base64_der(&text(element))
                        .map_err(|fault| Fault::Certificate(number, fault))?;
                    together.push(certificate);
                }
                certificates.extend(without_authorities(together));
            }
        }
    }
    if certificates.is_empty() { Err(Fault::NoSigningCertificate) } else { Ok(certificates) }
}

/// The certificates that did not issue another of them. XML Signature, section 4.5.4, lets an `X509Data` hold the chain
/// of its key in any order.
fn without_authorities(certificates: Vec<Certificate>) -> Vec<Certificate> {
    let issuers: Vec<_> = certificates
        .iter()
        .filter(|certificate| certificate.issuer_name() != certificate.subject_name())
        .map(|certificate| certificate.issuer_name().to_owned())
        .collect();
    certificates
        .into_iter()
        .filter(|certificate| !issuers.iter().any(|name| name == certificate.subject_name()))
        .collect()
}

/// All text in `element`, whatever comments stand between.
fn text(element: Node<'_, '_>) -> String {
    element.children().filter(Node::is_text).filter_map(|node| node.text()).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair};

    use super::*;
    use crate::certificate::fixtures;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-01T00:00:00Z").unwrap()
    }

    fn base64(certificate: &rcgen::Certificate) -> String {
        STANDARD.encode(certificate.der())
    }

    fn key(usage: &str, certificates: &[&str]) -> String {
        let certificates: String =
            certificates.iter().map(|text| format!("<ds:X509Certificate>\n{text}\n</ds:X509Certificate>")).collect();
        format!(
            "<md:KeyDescriptor{usage}><ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    }

    fn service(binding: &str, location: &str) -> String {
        format!("<md:SingleSignOnService Binding=\"{binding}\" Location=\"{location}\"/>")
    }

    fn role(attributes: &str, content: &str) -> String {
        format!(
            "<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol {PROTOCOL}\" {attributes}>{content}</md:IDPSSODescriptor>"
        )
    }

    fn entity(attributes: &str, roles: &str) -> String {
        format!(
            "<md:EntityDescriptor xmlns:md=\"{METADATA}\" xmlns:ds=\"{SIGNATURE}\" entityID=\"https://idp.example.com/a?b=1&amp;c\" {attributes}>{roles}</md:EntityDescriptor>"
        )
    }

    fn usual(certificate: &str) -> String {
        let content = [
            key(" use=\"signing\"", &[certificate]),
            service(POST, "https://idp.example.com/post"),
            service(REDIRECT, "https://idp.example.com/redirect?x=1&amp;y=2"),
        ];
        role("WantAuthnRequestsSigned=\"true\"", &content.concat())
    }

    fn parse(text: &str) -> Result<IdentityProviderMetadata, Fault> {
        IdentityProviderMetadata::parse(text, now())
    }

    #[test]
    fn name_login_and_certificates_are_taken() {
        let certificate = fixtures::p256();
        let document = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
            entity("", &usual(&base64(&certificate)))
        );
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
        let foreign = document.replace(METADATA, "urn:example:other");
        assert_eq!(parse(&foreign), Err(Fault::NotMetadata("EntityDescriptor".into())));
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
        let expected = [&one, &two, &one, &leaf].map(|text| Certificate::from_base64_der(text).unwrap());
        assert_eq!(read.certificates, expected);
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
        assert_eq!(parse(&group(&other, "")), Err(Fault::NoIdentityProvider));
        assert_eq!(parse(&group(&format!("{provider}{provider}"), "")), Err(Fault::Several(2)));
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
            (good.replace(PROTOCOL, "urn:example"), Fault::NoIdentityProvider),
            (good.replace("=\"true\"", "=\"yes\""), Fault::WantAuthnRequestsSigned),
            (
                good.replace("https://idp.example.com/redirect", "http://idp.example.com/"),
                Fault::Login("must begin with `https://`"),
            ),
            (entity("validUntil=\"soon\"", &usual(&certificate)), Fault::ValidUntil),
            (entity("", &role("", &signing)), Fault::NoLogin),
            (entity("", &role("", &login)), Fault::NoSigningCertificate),
            (
                entity("", &role("", &[login.clone(), key(" use=\"encryption\"", &[&certificate])].concat())),
                Fault::NoSigningCertificate,
            ),
            (
                entity("", &role("", &[signing, login, key("", &["AAAA"])].concat())),
                Fault::Certificate(2, Certificate::from_base64_der("AAAA").unwrap_err()),
            ),
            (format!("<!DOCTYPE x>{good}"), Fault::Doctype),
            (format!("{good}<!-- -----BEGIN PRIVATE KEY----- -->"), Fault::PrivateKey),
            ("<html/>".to_owned(), Fault::NotMetadata("html".into())),
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
}
