//! Entra ID and ADFS: roles for WS-Federation beside those for SAML, and several certificates while they rotate.

use super::{plain_keys, signature, usual};
use crate::Document;
use crate::certificate::{Certificate, Signed};

pub(super) fn all() -> Vec<Document> {
    vec![entra_id(), adfs()]
}

const CLAIMS: &str = "<fed:ClaimTypesOffered><auth:ClaimType Uri=\"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name\" xmlns:auth=\"http://docs.oasis-open.org/wsfed/authorization/200706\"><auth:DisplayName>Name</auth:DisplayName><auth:Description>The mutable display name of the user.</auth:Description></auth:ClaimType></fed:ClaimTypesOffered>";

/// A role for WS-Federation, with its own keys.
fn role(kind: &str, keys: &str, endpoint: &str, address: &str) -> String {
    format!(
        "<RoleDescriptor xsi:type=\"fed:{kind}\" protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\">{keys}{CLAIMS}<fed:{endpoint}><wsa:EndpointReference xmlns:wsa=\"http://www.w3.org/2005/08/addressing\"><wsa:Address>{address}</wsa:Address></wsa:EndpointReference></fed:{endpoint}></RoleDescriptor>"
    )
}

fn entra_id() -> Document {
    let certificates: Vec<Signed> =
        (0..3).map(|_| Certificate::named("accounts.accesscontrol.windows.net").sign()).collect();
    let [one, two, three] = &certificates[..] else { return adfs() };
    let keys = plain_keys("signing", &[one, two, three]);
    let tenant = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";
    let login = format!("https://login.microsoftonline.com/{tenant}/saml2");
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EntityDescriptor ID=\"_1\" entityID=\"https://sts.windows.net/{tenant}/\" xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}{}<IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{login}\"/><SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{login}\"/><SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{login}\"/></IDPSSODescriptor></EntityDescriptor>",
        signature("", one),
        role("SecurityTokenServiceType", &keys, "SecurityTokenServiceEndpoint", &login),
        role("ApplicationServiceType", &keys, "PassiveRequestorEndpoint", &login),
    );
    usual("Entra ID", text, (&format!("https://sts.windows.net/{tenant}/"), &login), false, &[one, two, three])
}

fn adfs() -> Document {
    let [signing, next] = [(); 2].map(|()| Certificate::named("ADFS Signing - adfs.example.com").sign());
    let encryption = Certificate::named("ADFS Encryption - adfs.example.com").sign();
    let keys = plain_keys("encryption", &[&encryption]) + &plain_keys("signing", &[&signing, &next]);
    let login = "https://adfs.example.com/adfs/ls/";
    let claims: String = (0..40)
        .map(|number| {
            format!(
                "<Attribute Name=\"http://schemas.example.com/claims/{number}\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:uri\" FriendlyName=\"Claim {number}\" xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>"
            )
        })
        .collect();
    let text = format!(
        "\u{feff}<EntityDescriptor ID=\"_1\" entityID=\"http://adfs.example.com/adfs/services/trust\" xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}{}<SPSSODescriptor WantAssertionsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{login}\" index=\"0\" isDefault=\"true\"/></SPSSODescriptor><IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{login}\"/><NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat><SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{login}\"/><SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{login}\"/>{claims}</IDPSSODescriptor><ContactPerson contactType=\"support\"><GivenName/><SurName/></ContactPerson></EntityDescriptor>",
        signature("ds", &signing),
        role("ApplicationServiceType", &keys, "PassiveRequestorEndpoint", login),
        role("SecurityTokenServiceType", &keys, "SecurityTokenServiceEndpoint", login),
    );
    usual("ADFS", text, ("http://adfs.example.com/adfs/services/trust", login), false, &[&signing, &next])
}
