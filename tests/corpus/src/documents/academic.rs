//! Shibboleth, and a small federation.

use super::{plain_keys, usual};
use crate::certificate::{Certificate, Signed, Validity};
use crate::{Document, moment};

pub(super) fn all() -> Vec<Document> {
    vec![shibboleth(), federation()]
}

/// A long logo, comments, an older protocol, four bindings of which two are ours, and a second role with its own keys.
fn shibboleth() -> Document {
    let [back, front, encryption, attributes] = [(); 4]
        .map(|()| Certificate { validity: Validity(-2_000, 5_000), ..Certificate::named("idp.example.edu") }.sign());
    let key = |usage: &str, certificate: &Signed| {
        format!(
            "        <KeyDescriptor{usage}>\n            <ds:KeyInfo>\n                    <ds:X509Data>\n                        <ds:X509Certificate>\n{}\n                        </ds:X509Certificate>\n                    </ds:X509Data>\n            </ds:KeyInfo>\n        </KeyDescriptor>\n",
            certificate.lines(76, "")
        )
    };
    let logo = format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(4_000));
    let base = "https://idp.example.edu/idp/profile";
    let service = |binding: &str, path: &str| {
        format!("        <SingleSignOnService Binding=\"{binding}\" Location=\"{base}/{path}\"/>\n")
    };
    let services = [
        service("urn:mace:shibboleth:1.0:profiles:AuthnRequest", "Shibboleth/SSO"),
        service("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "SAML2/POST/SSO"),
        service("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST-SimpleSign", "SAML2/POST-SimpleSign/SSO"),
        service("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "SAML2/Redirect/SSO"),
    ]
    .concat();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!--\n     This is example metadata only. Do *NOT* supply it as is without review,\n     and do *NOT* provide it in real time to your partners.\n-->\n<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" xmlns:xml=\"http://www.w3.org/XML/1998/namespace\" xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\" entityID=\"https://idp.example.edu/idp/shibboleth\">\n    <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol urn:oasis:names:tc:SAML:1.1:protocol urn:mace:shibboleth:1.0\">\n        <Extensions>\n            <shibmd:Scope regexp=\"false\">example.edu</shibmd:Scope>\n            <mdui:UIInfo>\n                <mdui:DisplayName xml:lang=\"en\">Example University</mdui:DisplayName>\n                <mdui:Logo height=\"16\" width=\"16\">{logo}</mdui:Logo>\n            </mdui:UIInfo>\n        </Extensions>\n        <!-- First signing certificate is BackChannel, the Second is FrontChannel -->\n{}{}{}        <ArtifactResolutionService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"https://idp.example.edu:8443/idp/profile/SAML2/SOAP/ArtifactResolution\" index=\"2\"/>\n{services}    </IDPSSODescriptor>\n    <AttributeAuthorityDescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol\">\n{}        <AttributeService Binding=\"urn:oasis:names:tc:SAML:1.0:bindings:SOAP-binding\" Location=\"https://idp.example.edu:8443/idp/profile/SAML1/SOAP/AttributeQuery\"/>\n    </AttributeAuthorityDescriptor>\n</EntityDescriptor>\n",
        key(" use=\"signing\"", &back),
        key(" use=\"signing\"", &front),
        key(" use=\"encryption\"", &encryption),
        key("", &attributes),
    );
    let names = ("https://idp.example.edu/idp/shibboleth", "https://idp.example.edu/idp/profile/SAML2/Redirect/SSO");
    usual("Shibboleth", text, names, false, &[&back, &front])
}

/// Three members, of which one is a service provider; the second identity provider is selected.
fn federation() -> Document {
    let [one, two, three] = [(); 3].map(|()| Certificate::named("member.example.net").sign());
    let member = |id: &str, role: &str, service: &str, certificate: &Signed| {
        format!(
            "<EntityDescriptor entityID=\"{id}\"><{role} protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}{service}</{role}></EntityDescriptor>",
            plain_keys("signing", &[certificate])
        )
    };
    let sign_in = |host: &str| {
        format!(
            "<SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://{host}/sso\"/>"
        )
    };
    let consumer = "<AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://sp.example.net/acs\" index=\"0\"/>";
    let text = format!(
        "<EntitiesDescriptor Name=\"https://federation.example.net\" validUntil=\"{}\" xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\"><EntitiesDescriptor>{}{}</EntitiesDescriptor>{}</EntitiesDescriptor>",
        moment(14),
        member("https://one.example.net/idp", "IDPSSODescriptor", &sign_in("one.example.net"), &one),
        member("https://sp.example.net/sp", "SPSSODescriptor", consumer, &three),
        member("https://two.example.net/idp", "IDPSSODescriptor", &sign_in("two.example.net"), &two),
    );
    let names = ("https://two.example.net/idp", "https://two.example.net/sso");
    Document { select: Some("https://two.example.net/idp"), ..usual("federation", text, names, false, &[&two]) }
}
