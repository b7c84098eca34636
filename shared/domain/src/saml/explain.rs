//! Explains why the login service may have refused a SAML response: every part is compared with what is configured.
//!
//! It decides nothing about a sign-in, and verifies no signature. It repeats no name identifier and no attribute.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use roxmltree::Node;

use super::{ASSERTION, Fault, MAX_BYTES, PROTOCOL, SIGNATURE, schema, xml};
use crate::certificate::{self, Certificate};
use crate::pasted;
use crate::shown::shown;
use crate::test_report::TestCheck;
use crate::timestamp::{SECOND, Timestamp};

/// Clock difference that the platform's login service tolerates, in milliseconds.
const SKEW: i64 = 60 * SECOND;

/// The configuration that a response is compared with.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// Entity id of the identity provider.
    pub issuer: &'a str,
    /// Entity id of the service provider.
    pub audience: &'a str,
    /// Address of the service provider's assertion consumer service.
    pub acs_url: &'a str,
    /// Certificates that the identity provider's signatures are verified by.
    pub certificates: Vec<&'a Certificate>,
}

/// Checks of a response, `text`: XML, or base64 of it; also as the form field that a browser posts.
pub fn explain(text: &str, expected: &Expected<'_>, now: Timestamp) -> Result<Vec<TestCheck>, Fault> {
    if certificate::holds_private_key(text) {
        return Err(Fault::PrivateKey);
    }
    let xml = decoded(text)?;
    if certificate::holds_private_key(&xml) {
        return Err(Fault::PrivateKey);
    }
    let document = xml::parse(pasted::without_mark(&xml))?;
    let response = document.root_element();
    if !response.has_tag_name((PROTOCOL, "Response")) {
        return Err(Fault::NotResponse(response.tag_name().name().chars().take(100).collect()));
    }
    let assertions: Vec<Node<'_, '_>> = children(response, ASSERTION, "Assertion").collect();
    let encrypted = children(response, ASSERTION, "EncryptedAssertion").count();
    let mut checks = vec![
        status(response),
        count(assertions.len(), encrypted),
        issuer(response, &assertions, expected),
        destination(response, expected),
    ];
    match assertions.as_slice() {
        [assertion] => checks.extend([
            audience(*assertion, expected),
            recipient(*assertion, expected),
            time(response, *assertion, now),
            name_id(*assertion),
        ]),
        _ => {
            let reason = "there is not exactly one assertion to look at";
            checks.extend(["audience", "recipient", "time", "name_id"].map(|id| TestCheck::skipped(id, reason)));
        }
    }
    checks.push(signature(response, &assertions));
    checks.push(named_certificate(response, expected, now));
    Ok(checks)
}

/// The XML in `text`.
fn decoded(text: &str) -> Result<String, Fault> {
    let text = pasted::without_mark(text);
    if text.starts_with('<') {
        return Ok(text.to_owned());
    }
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    // Escaped, each byte takes three.
    if text.len() > 4 * MAX_BYTES {
        return Err(Fault::TooLong);
    }
    let field = of_field(text);
    if field.starts_with('<') {
        return Ok(field);
    }
    if field.len() > MAX_BYTES.div_ceil(3) * 4 + 8192 {
        return Err(Fault::TooLong);
    }
    let compact: String = field.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(compact).map_err(|_| Fault::NotXml("it is neither XML nor base64 of it".to_owned()))?;
    String::from_utf8(bytes).map_err(|_| Fault::NotXml("it is base64 of something that is not UTF-8".to_owned()))
}

/// The value of the form field in `text`, which may be a whole form, without the escapes of URLs. A plus sign is a digit of
/// base64: in the value of a form it is written `%2B`, and a browser's view of the form has none of these escapes.
fn of_field(text: &str) -> String {
    const NAME: &str = "SAMLResponse";
    let value = text.strip_prefix(NAME).or_else(|| text.split_once("&SAMLResponse").map(|(_, value)| value));
    let value = value.and_then(|value| value.trim_start().strip_prefix(['=', ':']));
    // XML has ampersands of its own.
    let end = |value: &'_ str| if value.trim_start().starts_with('<') { None } else { value.find('&') };
    let value = value.map_or(text, |value| end(value).and_then(|end| value.get(..end)).unwrap_or(value));
    let mut value = value.trim().to_owned();
    // Some tools escape it twice.
    for _ in 0..2 {
        if value.starts_with('<') || !value.contains('%') {
            break;
        }
        let is_xml = value.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("%3c"));
        let plain = if is_xml { value.replace('+', " ") } else { value };
        value = percent_decode_str(&plain).decode_utf8_lossy().into_owned();
    }
    value
}

fn status(response: Node<'_, '_>) -> TestCheck {
    const ID: &str = "status";
    let codes: Vec<&str> = response
        .descendants()
        .filter(|node| node.has_tag_name((PROTOCOL, "StatusCode")))
        .filter_map(|node| node.attribute("Value"))
        .map(|value| value.rsplit(':').next().unwrap_or(value))
        .collect();
    let Some(first) = codes.first() else {
        return TestCheck::fail(ID, "the response has no status", "look at the identity provider's log");
    };
    if *first == "Success" {
        return TestCheck::pass(ID, "the identity provider reports success");
    }
    let words: Vec<String> = codes
        .iter()
        .map(|code| format!("{} ({})", shown(code), meaning(code).unwrap_or("a code of its own")))
        .collect();
    let message = format!("the identity provider refused: {}", words.join(", then "));
    TestCheck::fail(ID, message, "look at the identity provider's log, at the time of the response")
}

/// A status code in words. SAML core, section 3.2.2.2.
fn meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        "Requester" => "the request of the service provider is at fault",
        "Responder" => "the identity provider is at fault",
        "VersionMismatch" => "the SAML version of the request is not supported",
        "AuthnFailed" => "the user could not be authenticated",
        "InvalidAttrNameOrValue" => "an attribute of the request is not valid",
        "InvalidNameIDPolicy" => "the requested form of the name identifier is not supported",
        "NoAuthnContext" => "the requested way to authenticate is not available",
        "NoPassive" => "the user would have to interact, and the request forbids it",
        "RequestDenied" => "the identity provider does not respond to this service provider",
        "RequestUnsupported" => "the request is not supported",
        "UnknownPrincipal" => "the user is not known",
        "UnsupportedBinding" => "the binding of the request is not supported",
        _ => return None,
    })
}

fn count(assertions: usize, encrypted: usize) -> TestCheck {
    const ID: &str = "assertion";
    match (assertions, encrypted) {
        (1, 0) => TestCheck::pass(ID, "the response has one assertion"),
        (_, 1..) => TestCheck::fail(
            ID,
            "the assertion is encrypted, so nothing in it can be looked at",
            "turn the encryption of assertions off at the identity provider: the service provider publishes no key for it",
        ),
        (0, 0) => TestCheck::fail(ID, "the response has no assertion", "see `status`"),
        (several, 0) => {
            let message = format!("the response has {several} assertions");
            TestCheck::fail(
                ID,
                message,
                "have the identity provider send one: several are a sign of a signature wrapping attack",
            )
        }
    }
}

fn issuer(response: Node<'_, '_>, assertions: &[Node<'_, '_>], expected: &Expected<'_>) -> TestCheck {
    const ID: &str = "issuer";
    let issuers = std::iter::once(response).chain(assertions.iter().copied());
    let found: Vec<String> = issuers.filter_map(|node| text_of(children(node, ASSERTION, "Issuer").next()?)).collect();
    let other = found.iter().find(|issuer| issuer.as_str() != expected.issuer);
    match (found.is_empty(), other) {
        (true, _) => TestCheck::fail(ID, "the response has no issuer", "the identity provider has to name itself"),
        (false, None) => TestCheck::pass(ID, "the issuer is the identity provider"),
        (false, Some(other)) => {
            let message =
                format!("the issuer is `{}`, the configured entity id is `{}`", shown(other), expected.issuer);
            TestCheck::fail(
                ID,
                message,
                "correct `entity_id`, or send users to the identity provider that is configured",
            )
        }
    }
}

fn destination(response: Node<'_, '_>, expected: &Expected<'_>) -> TestCheck {
    const ID: &str = "destination";
    match response.attribute("Destination").map(schema::collapse) {
        None => TestCheck::warn(ID, "the response has no `Destination`", "have the identity provider send it"),
        Some(found) if found == expected.acs_url => TestCheck::pass(ID, "the destination is the service provider's"),
        Some(found) => {
            let message =
                format!("the destination is `{}`, the service provider's is `{}`", shown(&found), expected.acs_url);
            TestCheck::fail(ID, message, "correct the ACS URL at the identity provider: `sp-config` has it")
        }
    }
}

fn audience(assertion: Node<'_, '_>, expected: &Expected<'_>) -> TestCheck {
    const ID: &str = "audience";
    let audiences: Vec<String> = children(assertion, ASSERTION, "Conditions")
        .flat_map(|conditions| children(conditions, ASSERTION, "AudienceRestriction"))
        .flat_map(|restriction| children(restriction, ASSERTION, "Audience"))
        .filter_map(text_of)
        .collect();
    if audiences.iter().any(|audience| audience == expected.audience) {
        return TestCheck::pass(ID, "the assertion is for the service provider");
    }
    let found = match audiences.first() {
        None => "the assertion is for no named audience".to_owned(),
        Some(audience) => format!("the assertion is for `{}`", shown(audience)),
    };
    let message = format!("{found}, the service provider is `{}`", expected.audience);
    TestCheck::fail(
        ID,
        message,
        "correct the service provider's entity id at the identity provider: `sp-config` has it",
    )
}

fn recipient(assertion: Node<'_, '_>, expected: &Expected<'_>) -> TestCheck {
    const ID: &str = "recipient";
    let recipients: Vec<String> =
        confirmations(assertion).filter_map(|data| data.attribute("Recipient").map(schema::collapse)).collect();
    if recipients.iter().any(|recipient| recipient == expected.acs_url) {
        return TestCheck::pass(ID, "the recipient is the service provider");
    }
    let found = match recipients.first() {
        None => "the assertion has no recipient".to_owned(),
        Some(recipient) => format!("the recipient is `{}`", shown(recipient)),
    };
    let message = format!("{found}, the service provider's is `{}`", expected.acs_url);
    TestCheck::fail(ID, message, "correct the recipient, or ACS, URL at the identity provider: `sp-config` has it")
}

fn time(response: Node<'_, '_>, assertion: Node<'_, '_>, now: Timestamp) -> TestCheck {
    const ID: &str = "time";
    let issued = response.attribute("IssueInstant").and_then(schema::date_time);
    let difference = match issued {
        Some(issued) => format!("; it was issued {} seconds before now", now.millis_since(issued) / SECOND),
        None => String::new(),
    };
    let bounded: Vec<Node<'_, '_>> =
        children(assertion, ASSERTION, "Conditions").chain(confirmations(assertion)).collect();
    for (name, node) in bounded.iter().flat_map(|node| ["NotBefore", "NotOnOrAfter"].map(|name| (name, node))) {
        if node.attribute(name).is_some_and(|value| schema::date_time(value).is_none()) {
            let message =
                format!("`{name}` of `{}` is not a time that can be read{difference}", node.tag_name().name());
            return TestCheck::fail(
                ID,
                message,
                "have the identity provider write it in UTC, as `2026-01-31T12:00:00Z`",
            );
        }
    }
    let bound = |name: &str| {
        bounded.iter().filter_map(|node| node.attribute(name)).filter_map(schema::date_time).collect::<Vec<_>>()
    };
    let (begins, ends) = (bound("NotBefore").into_iter().max(), bound("NotOnOrAfter").into_iter().min());
    let remedy = "synchronise the identity provider's clock; a response that is kept for later is too old by design";
    match (begins, ends) {
        (Some(begin), _) if begin.millis_since(now) > SKEW => {
            let seconds = begin.millis_since(now) / SECOND;
            TestCheck::fail(ID, format!("the assertion is not valid for another {seconds} seconds{difference}"), remedy)
        }
        (_, Some(end)) if now.millis_since(end) >= SKEW => {
            let seconds = now.millis_since(end) / SECOND;
            TestCheck::fail(ID, format!("the assertion expired {seconds} seconds ago{difference}"), remedy)
        }
        (_, None) => {
            let message = format!("the assertion has no `NotOnOrAfter`{difference}");
            TestCheck::fail(ID, message, "have the identity provider limit the assertion's time")
        }
        // SAML profiles, section 4.1.4.2.
        _ if confirmations(assertion).any(|data| data.attribute("NotOnOrAfter").is_none()) => TestCheck::warn(
            ID,
            format!("the assertion is valid now, and its `SubjectConfirmationData` has no `NotOnOrAfter`{difference}"),
            "have the identity provider set it: SAML demands it, and strict service providers refuse a response without",
        ),
        _ => TestCheck::pass(ID, format!("the assertion is valid now{difference}")),
    }
}

fn name_id(assertion: Node<'_, '_>) -> TestCheck {
    const ID: &str = "name_id";
    let subjects = children(assertion, ASSERTION, "Subject");
    let is_named = subjects.flat_map(|subject| children(subject, ASSERTION, "NameID")).any(|id| text_of(id).is_some());
    if is_named {
        return TestCheck::pass(ID, "the assertion names the user");
    }
    TestCheck::fail(ID, "the assertion has no `NameID`", "map a name identifier for the users at the identity provider")
}

fn signature(response: Node<'_, '_>, assertions: &[Node<'_, '_>]) -> TestCheck {
    const ID: &str = "signature";
    const NOT_VERIFIED: &str = "no signature was verified here";
    let is_signed = |node: Node<'_, '_>| children(node, SIGNATURE, "Signature").next().is_some();
    let all = response.descendants().filter(|node| node.has_tag_name((SIGNATURE, "Signature"))).count();
    let in_place = usize::from(is_signed(response)) + assertions.iter().filter(|one| is_signed(**one)).count();
    let parts = match (is_signed(response), assertions.iter().any(|one| is_signed(*one))) {
        (true, true) => "the response and its assertion",
        (true, false) => "the response",
        (false, true) => "the assertion",
        (false, false) => {
            let message = format!("neither the response nor an assertion is signed; {NOT_VERIFIED}");
            return TestCheck::fail(ID, message, "have the identity provider sign the assertion or the response");
        }
    };
    if all > in_place {
        let message = format!("signed is {parts}, and {} signatures are elsewhere; {NOT_VERIFIED}", all - in_place);
        return TestCheck::fail(ID, message, "do not accept it: that is a sign of a signature wrapping attack");
    }
    TestCheck::pass(ID, format!("signed is {parts}; {NOT_VERIFIED}"))
}

fn named_certificate(response: Node<'_, '_>, expected: &Expected<'_>, now: Timestamp) -> TestCheck {
    const ID: &str = "certificate";
    let named: Vec<Certificate> = response
        .descendants()
        .filter(|node| node.has_tag_name((SIGNATURE, "X509Certificate")))
        .filter_map(|node| Certificate::from_base64_der(node.text().unwrap_or_default()).ok())
        .collect();
    let is_trusted =
        |one: &Certificate| expected.certificates.iter().find(|known| known.fingerprint() == one.fingerprint());
    let Some(first) = named.first() else {
        let is_signed = response.descendants().any(|node| node.has_tag_name((SIGNATURE, "Signature")));
        let message = if is_signed {
            "the signature names no certificate that can be read, so the login service tries the trusted ones"
        } else {
            "there is no signature that could name a certificate"
        };
        return TestCheck::skipped(ID, message);
    };
    match named.iter().find_map(is_trusted) {
        Some(known) if known.is_valid(now) => TestCheck::pass(ID, "the signature names a trusted certificate"),
        Some(known) => {
            let message = format!(
                "the signature names a trusted certificate that is not valid now; it ended {}",
                known.not_after()
            );
            TestCheck::fail(
                ID,
                message,
                "import the identity provider's present certificate, or set `idp_saml_metadata_url`",
            )
        }
        None => {
            let message = format!(
                "the signature names the certificate with the SHA-256 fingerprint {}, which is not trusted",
                first.fingerprint()
            );
            TestCheck::fail(
                ID,
                message,
                "compare it with the identity provider's, then import it or refresh the metadata",
            )
        }
    }
}

/// The bearer confirmations of an assertion.
fn confirmations<'a, 'input>(assertion: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    children(assertion, ASSERTION, "Subject")
        .flat_map(|subject| children(subject, ASSERTION, "SubjectConfirmation"))
        .flat_map(|confirmation| children(confirmation, ASSERTION, "SubjectConfirmationData"))
}

fn children<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name((namespace, name)))
}

/// The text of an element, white space collapsed; `None` if it is empty.
fn text_of(node: Node<'_, '_>) -> Option<String> {
    let text: String = node.children().filter(Node::is_text).filter_map(|part| part.text()).collect();
    Some(schema::collapse(&text)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
