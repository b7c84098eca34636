//! Keycloak and SimpleSAMLphp.

use super::usual;
use crate::Document;
use crate::certificate::{Certificate, Validity};

pub(super) fn all() -> Vec<Document> {
    vec![keycloak(), simple_saml_php()]
}

/// Realm certificates are of version 1, and requests are always wanted signed.
fn keycloak() -> Document {
    let realm = |validity| Certificate { version: 1, validity, ..Certificate::named("main") }.sign();
    let (current, passive) = (realm(Validity(-400, 3_000)), realm(Validity::NOW));
    let base = "https://keycloak.example.com/realms/main";
    let login = format!("{base}/protocol/saml");
    let key = |certificate: String, name: &str| {
        format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:KeyName>{name}</ds:KeyName><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    };
    let services: String = ["HTTP-POST", "HTTP-Redirect", "SOAP", "HTTP-Artifact"]
        .map(|binding| {
            format!(
                "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{login}\"/>"
            )
        })
        .concat();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><md:EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{base}\"><md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}{}<md:ArtifactResolutionService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"{login}/resolve\" index=\"0\"/><md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>{services}</md:IDPSSODescriptor></md:EntityDescriptor>",
        key(current.base64(), "ODiYSHxhhZFrDqsLKvhwTq4qAjDXbJ_xTn9Hx0cMVQI"),
        key(passive.base64(), "w1Zh3nCIZ0yXn9y2q5bPSgq6nBYSd3PL6yJ8Dd0bJ4Q"),
    );
    usual("Keycloak", text, (base, &login), true, &[&current, &passive])
}

/// The same certificate for both uses, and one of last year that nobody has removed.
fn simple_saml_php() -> Document {
    let certificate = Certificate { validity: Validity(-1_000, 2_500), ..Certificate::named("idp.example.org") }.sign();
    let old = Certificate { validity: Validity::OVER, ..Certificate::named("idp.example.org") }.sign();
    let key = |usage: &str, certificate: String| {
        format!(
            "    <md:KeyDescriptor use=\"{usage}\">\n      <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n        <ds:X509Data>\n          <ds:X509Certificate>{certificate}</ds:X509Certificate>\n        </ds:X509Data>\n      </ds:KeyInfo>\n    </md:KeyDescriptor>\n"
        )
    };
    let id = "https://idp.example.org/simplesaml/saml2/idp/metadata.php";
    let login = "https://idp.example.org/simplesaml/saml2/idp/SSOService.php";
    let text = format!(
        "<?xml version=\"1.0\"?>\n<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{id}\">\n  <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n{}{}{}    <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example.org/simplesaml/saml2/idp/SingleLogoutService.php\"/>\n    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\n    <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{login}\"/>\n  </md:IDPSSODescriptor>\n  <md:ContactPerson contactType=\"technical\">\n    <md:GivenName>Administrator</md:GivenName>\n    <md:EmailAddress>mailto:na@example.org</md:EmailAddress>\n  </md:ContactPerson>\n</md:EntityDescriptor>\n",
        key("signing", certificate.base64()),
        key("signing", old.base64()),
        key("encryption", certificate.base64()),
    );
    usual("SimpleSAMLphp", text, (id, login), false, &[&certificate]).leaving_out(&[&old])
}
