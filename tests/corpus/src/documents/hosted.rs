//! Hosted services: Okta, Google, Ping, OneLogin, JumpCloud.

use super::{plain_keys, signature, usual};
use crate::certificate::{Certificate, Digest};
use crate::{Document, moment};

const NAME_ID: &str = "<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>";

pub(super) fn all() -> Vec<Document> {
    vec![okta(), google(), ping_one(), ping_federate(), one_login(), jump_cloud()]
}

fn subject(parts: &[(&'static str, &str)]) -> Certificate {
    let subject = parts.iter().map(|(kind, value)| (*kind, (*value).to_owned())).collect();
    Certificate { subject, ..Certificate::named("") }
}

fn services(post: &str, redirect: &str) -> String {
    format!(
        "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{post}\"/><md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{redirect}\"/>"
    )
}

fn okta() -> Document {
    let certificate = subject(&[
        ("C", "US"),
        ("ST", "California"),
        ("L", "San Francisco"),
        ("O", "Okta"),
        ("OU", "SSOProvider"),
        ("CN", "dev-123456"),
        ("EMAIL", "info@okta.com"),
    ])
    .sign();
    let login = "https://dev-123456.okta.com/app/dev-123456_example_1/exk1fxp8q2rJ8bAaM5d7/sso/saml";
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><md:EntityDescriptor entityID=\"http://www.okta.com/exk1fxp8q2rJ8bAaM5d7\" xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"><md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{NAME_ID}{}</md:IDPSSODescriptor></md:EntityDescriptor>",
        certificate.lines(64, ""),
        services(login, login),
    );
    usual("Okta", text, ("http://www.okta.com/exk1fxp8q2rJ8bAaM5d7", login), false, &[&certificate])
}

fn google() -> Document {
    let [old, new] = [(); 2].map(|()| {
        subject(&[
            ("O", "Google Inc."),
            ("L", "Mountain View"),
            ("CN", "Google"),
            ("OU", "Google For Work"),
            ("C", "US"),
            ("ST", "California"),
        ])
        .sign()
    });
    let login = "https://accounts.google.com/o/saml2/idp?idpid=C01abc123";
    let key = |certificate: String| {
        format!(
            "    <md:KeyDescriptor use=\"signing\">\n      <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n        <ds:X509Data>\n          <ds:X509Certificate>{certificate}</ds:X509Certificate>\n        </ds:X509Data>\n      </ds:KeyInfo>\n    </md:KeyDescriptor>\n"
        )
    };
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://accounts.google.com/o/saml2?idpid=C01abc123\" validUntil=\"{}\">\n  <md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n{}{}    {NAME_ID}\n    {}\n  </md:IDPSSODescriptor>\n</md:EntityDescriptor>\n",
        moment(600).replace('Z', ".000Z"),
        key(old.lines(64, "")),
        key(new.lines(64, "")),
        services(login, login),
    );
    usual("Google", text, ("https://accounts.google.com/o/saml2?idpid=C01abc123", login), false, &[&old, &new])
}

fn ping_one() -> Document {
    let certificate =
        subject(&[("C", "US"), ("O", "Ping Identity"), ("OU", "Ping Identity"), ("CN", "PingOne SSO")]).sign();
    let base = "https://auth.pingone.eu/2d1a4bd0-6f6a-4b44-9d6d-0f7b1d3f8c55";
    let login = format!("{base}/saml20/idp/sso");
    let text = format!(
        "<md:EntityDescriptor entityID=\"{base}\" ID=\"PINGONE\" cacheDuration=\"P30D\" xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"><md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" WantAuthnRequestsSigned=\"false\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{}</md:IDPSSODescriptor></md:EntityDescriptor>",
        certificate.base64(),
        services(&login, &login),
    );
    usual("PingOne", text, (base, &login), false, &[&certificate])
}

/// A signed document: the signer's certificate is none of the provider's.
fn ping_federate() -> Document {
    let certificate = subject(&[("C", "US"), ("O", "Example"), ("CN", "PingFederate signing")]).sign();
    let signer = Certificate::named("Metadata signing").sign();
    let text = format!(
        "<md:EntityDescriptor ID=\"_1\" cacheDuration=\"PT1440M\" entityID=\"ping.example.com:saml2\" xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}<md:IDPSSODescriptor WantAuthnRequestsSigned=\"1\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{}<saml:Attribute NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:basic\" Name=\"mail\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/></md:IDPSSODescriptor><md:ContactPerson contactType=\"administrative\"><md:Company>Example</md:Company></md:ContactPerson></md:EntityDescriptor>",
        signature("ds", &signer),
        certificate.base64(),
        services("https://ping.example.com/idp/SSO.saml2", "https://ping.example.com/idp/SSO.saml2"),
    );
    let names = ("ping.example.com:saml2", "https://ping.example.com/idp/SSO.saml2");
    usual("PingFederate", text, names, true, &[&certificate])
}

fn one_login() -> Document {
    let mut certificate =
        subject(&[("C", "US"), ("O", "Example"), ("OU", "OneLogin IdP"), ("CN", "OneLogin Account 12345")]);
    certificate.digest = Digest::Sha1;
    let certificate = certificate.sign();
    let id = "https://app.onelogin.com/saml/metadata/9b0f1c0e-1111-4bd9-8f5c-2ad9d3a7b0c1";
    let login = "https://example.onelogin.com/trust/saml2/http-redirect/sso/9b0f1c0e";
    let text = format!(
        "<?xml version=\"1.0\"?>\n<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{id}\">\n  <IDPSSODescriptor xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n{}\n    <NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>\n    <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{login}\"/>\n    <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://example.onelogin.com/trust/saml2/http-post/sso/9b0f1c0e\"/>\n    <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"https://example.onelogin.com/trust/saml2/soap/sso/9b0f1c0e\"/>\n  </IDPSSODescriptor>\n</EntityDescriptor>\n",
        plain_keys("signing", &[&certificate]),
    );
    usual("OneLogin", text, (id, login), false, &[&certificate]).with_forgeable(1)
}

fn jump_cloud() -> Document {
    let certificate = subject(&[
        ("C", "US"),
        ("ST", "CO"),
        ("L", "Boulder"),
        ("O", "JumpCloud"),
        ("OU", "JumpCloudSAMLIdp"),
        ("CN", "JumpCloudSAMLIdp"),
    ])
    .sign();
    let login = "https://sso.jumpcloud.com/saml2/example";
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"jumpcloud\">\n    <md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n        <md:KeyDescriptor use=\"signing\">\n            <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n                <ds:X509Data>\n                    <ds:X509Certificate>\n{}\n                    </ds:X509Certificate>\n                </ds:X509Data>\n            </ds:KeyInfo>\n        </md:KeyDescriptor>\n        {}\n    </md:IDPSSODescriptor>\n</md:EntityDescriptor>",
        certificate.lines(64, "").replace('\n', "\r\n"),
        services(login, login),
    );
    usual("JumpCloud", text, ("jumpcloud", login), false, &[&certificate])
}
