//! The certificates that a role signs by.

use roxmltree::Node;

use super::{children, stray};
use crate::certificate::{self, Certificate, Summary};
use crate::identity_provider::MAX_CERTIFICATES;
use crate::saml::{Fault, LeftOut, METADATA, SIGNATURE, schema};
use crate::timestamp::Timestamp;

/// Certificates for signing that are looked at. Each has its place in messages, audit records and previews.
const MAX_EXAMINED: usize = 50;

/// The certificates for signing of a role.
pub(super) struct Found {
    /// Those that can be used, each once.
    pub(super) usable: Vec<Certificate>,
    /// Those that cannot, and why.
    pub(super) left_out: Vec<LeftOut>,
}

/// A certificate in a document.
struct Examined {
    number: usize,
    summary: Option<Summary>,
    outcome: Result<Certificate, certificate::Fault>,
}

/// Finds the certificates for signing and for any use.
pub(super) fn for_signing(role: Node<'_, '_>, now: Timestamp) -> Result<Found, Fault> {
    let groups: Vec<Vec<Node<'_, '_>>> = children(role, METADATA, "KeyDescriptor")
        .filter(is_for_signing)
        .flat_map(|key| children(key, SIGNATURE, "KeyInfo"))
        .flat_map(|info| children(info, SIGNATURE, "X509Data"))
        .map(|data| children(data, SIGNATURE, "X509Certificate").collect())
        .collect();
    let count = groups.iter().map(Vec::len).sum();
    if count > MAX_EXAMINED {
        return Err(Fault::TooManyCertificates(count));
    }
    let mut found = Found { usable: Vec::new(), left_out: Vec::new() };
    let mut number = 0;
    for group in groups {
        let mut together = Vec::new();
        for element in group {
            number += 1;
            together.push(examined(number, &text(element), now)?);
        }
        without_authorities(together).into_iter().for_each(|one| found.add(one));
    }
    match (found.usable.len(), found.left_out.is_empty()) {
        (0, true) => {
            let names = ["KeyDescriptor", "KeyInfo", "X509Data", "X509Certificate"];
            let namespaces = [METADATA, SIGNATURE, SIGNATURE, SIGNATURE];
            let stray = names.into_iter().zip(namespaces).find_map(|(name, namespace)| stray(role, namespace, name));
            Err(stray.unwrap_or(Fault::NoSigningCertificate))
        }
        (0, false) => Err(Fault::NoUsableCertificate(found.left_out)),
        (usable, _) if usable > MAX_CERTIFICATES => Err(Fault::TooManyCertificates(usable)),
        _ => Ok(found),
    }
}

impl Found {
    /// Adds a certificate, unless it is here: metadata holds the same one for several keys.
    fn add(&mut self, one: Examined) {
        match one.outcome {
            Ok(certificate) => {
                let fingerprint = certificate.fingerprint();
                if self.usable.iter().all(|known| known.fingerprint() != fingerprint) {
                    self.usable.push(certificate);
                }
            }
            Err(fault) => {
                let (number, summary) = (one.number, one.summary);
                let is_same = |known: &LeftOut| matches!(known, LeftOut::Certificate { summary: Some(known), .. } if Some(known) == summary.as_ref());
                if !self.left_out.iter().any(is_same) {
                    self.left_out.push(LeftOut::Certificate { number, summary, fault });
                }
            }
        }
    }
}

fn is_for_signing(key: &Node<'_, '_>) -> bool {
    let usage = schema::collapse(key.attribute("use").unwrap_or_default());
    usage.is_empty() || usage.eq_ignore_ascii_case("signing")
}

/// Reads a certificate. A private key is a fault of the whole document.
fn examined(number: usize, text: &str, now: Timestamp) -> Result<Examined, Fault> {
    let (summary, outcome) = Certificate::examine(text);
    let outcome = outcome.and_then(|certificate| certificate.unexpired(now));
    match outcome {
        Err(certificate::Fault::PrivateKey) => Err(Fault::PrivateKey),
        outcome => Ok(Examined { number, summary, outcome }),
    }
}

/// The certificates that did not issue another of them. XML Signature, section 4.5.4, lets an `X509Data` hold the chain
/// of its key in any order. Authorities are left out before they are judged: they may be old and weak.
fn without_authorities(together: Vec<Examined>) -> Vec<Examined> {
    let issuers: Vec<String> = together
        .iter()
        .filter_map(|one| one.summary.as_ref())
        .filter(|summary| summary.issuer != summary.subject)
        .map(|summary| summary.issuer.clone())
        .collect();
    let is_authority = |one: &Examined| one.summary.as_ref().is_some_and(|summary| issuers.contains(&summary.subject));
    // Where each issued another, as no authority does, they all stay.
    if together.iter().all(is_authority) {
        return together;
    }
    together.into_iter().filter(|one| !is_authority(one)).collect()
}

/// All text in `element`, with or without comments in between.
fn text(element: Node<'_, '_>) -> String {
    element.children().filter(Node::is_text).filter_map(|node| node.text()).collect()
}
