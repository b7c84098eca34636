//! A good response, and the finding of each change of it.

use super::*;
use crate::certificate::fixtures;
use crate::connection::CheckStatus;

const ISSUER: &str = "https://idp.example.com/saml";
const AUDIENCE: &str = "https://auth.example.com/saml/d-1";
const ACS: &str = "https://auth.example.com/saml/d-1/acs";

fn now() -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap()
}

fn response(certificate: &Certificate) -> String {
    format!(
        r#"<p:Response xmlns:p="{PROTOCOL}" xmlns:a="{ASSERTION}" xmlns:ds="{SIGNATURE}" Destination="{ACS}" IssueInstant="2025-12-31T23:59:58Z">
        <a:Issuer>{ISSUER}</a:Issuer>
        <p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></p:Status>
        <a:Assertion><a:Issuer>{ISSUER}</a:Issuer>
        <ds:Signature><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>
        <a:Subject><a:NameID>alice@example.com</a:NameID><a:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><a:SubjectConfirmationData Recipient="{ACS}" NotOnOrAfter="2026-01-01T00:05:00Z"/></a:SubjectConfirmation></a:Subject>
        <a:Conditions NotBefore="2025-12-31T23:59:00Z" NotOnOrAfter="2026-01-01T00:04:00Z"><a:AudienceRestriction><a:Audience>{AUDIENCE}</a:Audience></a:AudienceRestriction></a:Conditions>
        <a:AttributeStatement><a:Attribute Name="phone"><a:AttributeValue>+49 30 123456</a:AttributeValue></a:Attribute></a:AttributeStatement>
        </a:Assertion></p:Response>"#,
        certificate.to_base64_der()
    )
}

fn certificate() -> Certificate {
    Certificate::from_pem(&fixtures::p256().pem()).unwrap()
}

fn explained(text: &str, trusted: &Certificate, now: Timestamp) -> Result<Vec<TestCheck>, Fault> {
    let expected = Expected { issuer: ISSUER, audience: AUDIENCE, acs_url: ACS, certificates: vec![trusted] };
    explain(text, &expected, now)
}

/// Findings that are not as they should be.
fn others(text: &str, trusted: &Certificate, now: Timestamp) -> Vec<(String, CheckStatus)> {
    let checks = explained(text, trusted, now).unwrap();
    assert_eq!(checks.len(), 10);
    for check in &checks {
        let needs_help = matches!(check.status, CheckStatus::Fail | CheckStatus::Warn);
        assert_eq!(check.remediation.is_some(), needs_help, "{check:?}");
        assert!(!check.message.contains("alice") && !check.message.contains("123456"), "{check:?}");
    }
    checks.into_iter().filter(|check| check.status != CheckStatus::Pass).map(|check| (check.id, check.status)).collect()
}

#[test]
fn a_good_response_has_no_finding_as_xml_and_as_base64() {
    let trusted = certificate();
    let text = response(&trusted);
    assert_eq!(others(&text, &trusted, now()), []);
    let base64 = STANDARD.encode(&text);
    let lines: String =
        base64.as_bytes().chunks(64).map(|line| format!("{}\r\n", str::from_utf8(line).unwrap())).collect();
    assert_eq!(others(&lines, &trusted, now()), []);
    let escaped = base64.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
    let xml: String =
        text.bytes().map(|byte| if byte == b' ' { "+".to_owned() } else { format!("%{byte:02X}") }).collect();
    let with_entity = format!("SAMLResponse={}", text.replace("+49 30", "&amp;49 30"));
    let form = format!("RelayState=%2B&SAMLResponse={escaped}&x=y");
    for field in
        [&escaped, &form, &format!("SAMLResponse={base64}"), &format!("SAMLResponse={xml}"), &xml, &with_entity]
    {
        assert_eq!(others(field, &trusted, now()), [], "{field}");
    }
    // The clocks may differ by a minute.
    for millis in [-119 * SECOND, 299 * SECOND] {
        assert_eq!(others(&text, &trusted, now().plus_millis(millis)), [], "{millis}");
    }
    for millis in [-121 * SECOND, 300 * SECOND] {
        let late = vec![("time".to_owned(), CheckStatus::Fail)];
        assert_eq!(others(&text, &trusted, now().plus_millis(millis)), late, "{millis}");
    }
}

#[test]
fn each_change_has_its_finding() {
    use CheckStatus::{Fail, Skipped, Warn};
    let trusted = certificate();
    let good = response(&trusted);
    let signature =
        good.find("<ds:Signature>").unwrap()..good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &good[signature];
    let elsewhere = format!("<a:Advice>{signature}</a:Advice></a:Assertion>");
    for (from, to, expected) in [
        ("status:Success", "status:Requester", vec![("status", Fail)]),
        (
            "<a:Assertion><a:Issuer>https://idp.example.com/saml",
            "<a:Assertion><a:Issuer>urn:evil",
            vec![("issuer", Fail)],
        ),
        (&format!("Destination=\"{ACS}\""), "", vec![("destination", Warn)]),
        (&format!("Destination=\"{ACS}\""), "Destination=\"https://other.example/\"", vec![("destination", Fail)]),
        (&format!("<a:Audience>{AUDIENCE}"), "<a:Audience>urn:other", vec![("audience", Fail)]),
        (&format!("Recipient=\"{ACS}\""), "", vec![("recipient", Fail)]),
        ("NotOnOrAfter=\"2026-01-01T00:04:00Z\"", "NotOnOrAfter=\"soon\"", vec![("time", Fail)]),
        ("NotOnOrAfter=\"2026-01-01T00:05:00Z\"", "NotOnOrAfter=\"\"", vec![("time", Fail)]),
        ("NotBefore=\"2025-12-31T23:59:00Z\"", "NotBefore=\"10000-01-01T00:00:00Z\"", vec![("time", Fail)]),
        ("NotOnOrAfter=\"2026-01-01T00:05:00Z\"", "", vec![("time", Warn)]),
        ("<a:NameID>alice@example.com</a:NameID>", "", vec![("name_id", Fail)]),
        (signature, "", vec![("signature", Fail), ("certificate", Skipped)]),
        ("</a:Assertion>", &elsewhere, vec![("signature", Fail)]),
        ("</p:Response>", "<a:EncryptedAssertion/></p:Response>", vec![("assertion", Fail)]),
        (
            "</p:Response>",
            "<a:Assertion/></p:Response>",
            vec![
                ("assertion", Fail),
                ("audience", Skipped),
                ("recipient", Skipped),
                ("time", Skipped),
                ("name_id", Skipped),
            ],
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let expected: Vec<_> = expected.into_iter().map(|(id, status)| (id.to_owned(), status)).collect();
        assert_eq!(others(&good.replacen(from, to, 1), &trusted, now()), expected, "{from} -> {to}");
    }
    let unsigned = explained(&good.replacen(signature, "", 1), &trusted, now()).unwrap();
    assert!(unsigned[9].message.contains("no signature"), "{:?}", unsigned[9]);
    let nameless = explained(&good.replace("X509Certificate>", "X509Digest>"), &trusted, now()).unwrap();
    assert!(nameless[9].message.contains("names no certificate"), "{:?}", nameless[9]);
    let stranger = certificate();
    assert_eq!(others(&good, &stranger, now()), [("certificate".to_owned(), Fail)]);
    let refused = good.replacen(
        "status:Success\"/>",
        "status:Responder\"><p:StatusCode Value=\"urn:x:status:AuthnFailed\"/></p:StatusCode>",
        1,
    );
    let checks = explained(&refused, &trusted, now()).unwrap();
    assert!(checks[0].message.contains("could not be authenticated"), "{:?}", checks[0]);
}

#[test]
fn what_is_no_response_is_refused_with_its_fault() {
    let trusted = certificate();
    let refused = |text: &str| explained(text, &trusted, now()).unwrap_err();
    assert_eq!(refused(" "), Fault::Empty);
    assert!(matches!(refused("not a response"), Fault::NotXml(_)));
    assert!(matches!(refused(&STANDARD.encode([0xff, 0xfe])), Fault::NotXml(_)));
    assert_eq!(refused("<Response/>"), Fault::NotResponse("Response".to_owned()));
    let dtd = format!("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{}", response(&trusted));
    assert_eq!(refused(&dtd), Fault::Doctype);
    assert_eq!(refused(&STANDARD.encode(&dtd)), Fault::Doctype);
    assert_eq!(refused(&format!("<a>{}</a>", "x".repeat(MAX_BYTES))), Fault::TooLong);
    assert_eq!(refused(&"A".repeat(2 * MAX_BYTES)), Fault::TooLong);
    let key = "-----BEGIN PRIVATE KEY-----";
    assert_eq!(refused(&format!("<a>{key}</a>")), Fault::PrivateKey);
}
