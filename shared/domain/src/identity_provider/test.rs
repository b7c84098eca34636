//! The test of an external identity provider: whether users can sign in through it, as far as that shows from outside.

use super::{IdentityProvider, MetadataStatus, Observation, Refreshed};
use crate::certificate::{Certificate, CertificateId};
use crate::outbound::OutboundUrl;
use crate::test_report::TestCheck;
use crate::timestamp::{DAY, SECOND, Timestamp};

/// Days before the expiry of the last valid certificate from which the test warns.
const SOON: i64 = 30;
/// Most difference of the clocks, in milliseconds.
const SKEW: i64 = 60 * SECOND;

/// Everything that a test looks at beside the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The outcome of a fetch of its metadata; `None` where it has no metadata URL.
    pub metadata: Option<Observation>,
    /// The clock of the metadata's server.
    pub clock: Option<Timestamp>,
    /// The outcome of a request for the login page; `None` for one on the caller's own machine.
    pub login: Option<Result<(), String>>,
    /// True if a certificate of the service provider can sign requests.
    pub signs_requests: bool,
}

impl IdentityProvider {
    /// The login page, if the platform can request it.
    pub fn login_page(&self) -> Option<OutboundUrl> {
        OutboundUrl::parse(self.settings.login_url.as_str()).ok()
    }

    /// Judges the provider by what was observed.
    pub fn judge(&self, observed: &Observed, now: Timestamp) -> Vec<TestCheck> {
        // What a refresh would make of the document. Nothing of it is kept.
        let read = observed
            .metadata
            .as_ref()
            .and_then(|seen| self.refreshed(seen, false, || CertificateId::from_random([0; 16]), now).ok());
        vec![
            metadata(read.as_ref()),
            self.check_certificates(now),
            self.check_algorithms(),
            login(observed.login.as_ref()),
            clock(observed.clock, now),
            self.check_signing(observed.signs_requests),
            settings(read.as_ref()),
        ]
    }

    fn check_certificates(&self, now: Timestamp) -> TestCheck {
        const ID: &str = "certificates";
        let valid = self.certificates.iter().map(|one| &one.certificate).filter(|one| one.is_valid(now));
        match valid.map(Certificate::not_after).max() {
            None => TestCheck::fail(
                ID,
                "no certificate is valid now, so no response can be verified",
                "import the provider's present certificate, or set `idp_saml_metadata_url`",
            ),
            Some(end) if end.millis_since(now) < SOON * DAY => {
                let message = format!("the last valid certificate expires in {} days", end.millis_since(now) / DAY);
                TestCheck::warn(ID, message, "import its successor, or set `idp_saml_metadata_url`")
            }
            Some(end) => TestCheck::pass(ID, format!("a certificate is valid until {end}")),
        }
    }

    fn check_algorithms(&self) -> TestCheck {
        const ID: &str = "algorithms";
        let weak: Vec<String> = self.certificates.iter().filter_map(|one| one.certificate.warning()).collect();
        if weak.is_empty() {
            return TestCheck::pass(ID, "no certificate is signed with an algorithm that can be forged");
        }
        TestCheck::warn(ID, weak.join("; "), "replace the certificate at the identity provider")
    }

    fn check_signing(&self, signs_requests: bool) -> TestCheck {
        const ID: &str = "signed_requests";
        match (self.settings.want_request_signed, signs_requests) {
            (false, _) => TestCheck::pass(ID, "the provider does not want signed requests"),
            (true, true) => TestCheck::pass(ID, "the provider wants signed requests, and a certificate is active"),
            (true, false) => TestCheck::fail(
                ID,
                "the provider wants signed requests, and no certificate of the service provider is active",
                "activate one with `saml-certificates`, or set `want_request_signed` to false",
            ),
        }
    }
}

fn metadata(read: Option<&Refreshed>) -> TestCheck {
    const ID: &str = "metadata";
    let Some(metadata) = read.and_then(|read| read.provider.metadata()) else {
        return TestCheck::skipped(ID, "the provider has no metadata URL");
    };
    let reason = metadata.fetches().first().and_then(|fetch| fetch.error.clone()).unwrap_or_default();
    match metadata.status() {
        MetadataStatus::Unreachable | MetadataStatus::Invalid => {
            TestCheck::fail(ID, reason, "correct `idp_saml_metadata_url`, or the document there")
        }
        MetadataStatus::AllKeysChanged => TestCheck::fail(
            ID,
            "none of the document's certificates is trusted",
            "compare its certificates with the provider's, then `refresh` with `{\"accept\": true}`",
        ),
        MetadataStatus::Limit => {
            TestCheck::fail(ID, "the document would make more than ten certificates", "delete certificates first")
        }
        MetadataStatus::Current | MetadataStatus::Changed => TestCheck::pass(ID, "the metadata was fetched and read"),
    }
}

fn settings(read: Option<&Refreshed>) -> TestCheck {
    const ID: &str = "settings_match";
    let Some(metadata) = read.and_then(|read| read.provider.metadata()) else {
        return TestCheck::skipped(ID, "the provider has no metadata URL");
    };
    match metadata.status() {
        MetadataStatus::Unreachable | MetadataStatus::Invalid => {
            TestCheck::skipped(ID, "there is no document to compare with")
        }
        _ => {
            let named = |field| metadata.pending().iter().find(|one| one.field == field);
            use super::PendingField::{EntityId, LoginUrl, WantRequestSigned};
            let changed: Vec<String> = [EntityId, LoginUrl, WantRequestSigned]
                .into_iter()
                .filter_map(named)
                .map(|one| format!("`{}` is `{}`, the document has `{}`", one.field.as_str(), one.current, one.offered))
                .collect();
            if changed.is_empty() {
                return TestCheck::pass(ID, "entity id, login URL and signing wish are those of the metadata");
            }
            TestCheck::fail(ID, changed.join("; "), "`refresh` with `{\"accept\": true}` if the document is right")
        }
    }
}

fn login(login: Option<&Result<(), String>>) -> TestCheck {
    const ID: &str = "login_url";
    match login {
        None => TestCheck::skipped(ID, "the login URL is not one that the platform can request"),
        Some(Ok(())) => TestCheck::pass(ID, "the login page responds, with valid TLS"),
        Some(Err(reason)) => {
            let message = format!("the login page does not respond: {reason}");
            TestCheck::fail(ID, message, "correct `login_url`, or the server behind it")
        }
    }
}

fn clock(clock: Option<Timestamp>, now: Timestamp) -> TestCheck {
    const ID: &str = "clock";
    match clock {
        None => TestCheck::skipped(ID, "no response with a `Date` was seen"),
        Some(clock) if clock.millis_since(now).abs() <= SKEW => TestCheck::pass(ID, "the server's clock is right"),
        Some(clock) => {
            let message = format!("the server's clock differs by {} seconds", clock.millis_since(now) / SECOND);
            TestCheck::warn(ID, message, "synchronise the server's clock")
        }
    }
}

#[cfg(test)]
mod tests;
