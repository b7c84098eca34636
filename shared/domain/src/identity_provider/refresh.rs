//! A refresh of a provider from its metadata URL: a pure function from the provider and the outcome of a fetch to the
//! provider after it.
//!
//! | document | effect |
//! |---|---|
//! | other entity id, login URL or signing wish | held: an administrator has to accept it |
//! | no certificate that is trusted already | held with [`Trust::Continuous`], applied with [`Trust::Tls`] |
//! | more than ten certificates in all | held |
//! | else | its new certificates are added; those that it no longer has go after a day, if another one serves |
//!
//! Certificates that an administrator imported are never touched, and an enabled provider keeps something valid to trust.

use std::collections::BTreeSet;

use super::metadata::Failing;
use super::{
    Document, IdentityProvider, MAX_CERTIFICATES, Metadata, MetadataStatus, Observation, Pending, PendingField,
    Refusal, Source, Trust, TrustedCertificate,
};
use crate::certificate::CertificateId;
use crate::outbound::{OutboundUrl, Validators};
use crate::timestamp::{DAY, Timestamp};

/// Time between the announcement of a removal and the removal.
pub const REMOVAL: i64 = DAY;
/// Time after which failures are reported.
pub const REPORT: i64 = DAY;

/// A provider after a refresh, and the events of the refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// The provider.
    pub provider: IdentityProvider,
    /// Everything that others have to learn; empty if there is nothing new.
    pub events: Vec<RefreshEvent>,
}

/// An event of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshEvent {
    /// A certificate of the document is trusted from now on.
    CertificateAdded(CertificateFacts),
    /// A certificate is gone from the document and will be removed at this time, if another one serves by then.
    RemovalAnnounced(CertificateFacts, Timestamp),
    /// A certificate that is gone from the document is no longer trusted.
    CertificateRemoved(CertificateFacts),
    /// The document was applied although it had no certificate that was trusted.
    AllKeysChanged,
    /// An administrator accepted the pending changes.
    Accepted,
    /// The document is not applied. Status and pending changes are in the provider.
    Held,
    /// Fetches have failed for a day.
    Failing(Timestamp),
    /// Fetches succeed again, after [`RefreshEvent::Failing`].
    Recovered,
}

/// A certificate of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its id.
    pub id: CertificateId,
    /// SHA-256 of its DER.
    pub fingerprint: String,
}

impl IdentityProvider {
    /// This provider, refreshed from `url` from now on. It was made of `document`, so its certificates come from there.
    #[must_use]
    pub fn following(mut self, url: OutboundUrl, trust: Trust, document: &Document, now: Timestamp) -> Self {
        for certificate in &mut self.certificates {
            (certificate.source, certificate.missing_since) = (Source::MetadataUrl, None);
        }
        self.metadata = Some(Box::new(Metadata::new(url, trust, document, now)));
        self
    }

    /// This provider without its metadata URL. Its certificates stay, as an administrator's own.
    #[must_use]
    pub fn unfollowed(mut self) -> Self {
        for certificate in &mut self.certificates {
            (certificate.source, certificate.missing_since) = (Source::Manual, None);
        }
        self.metadata = None;
        self
    }

    /// This provider with another choice of trust for its metadata URL.
    pub fn trusting_metadata(mut self, trust: Trust) -> Result<Self, Refusal> {
        self.metadata.as_mut().ok_or(Refusal::NoMetadataUrl)?.trust = trust;
        Ok(self)
    }

    /// The validators of a conditional request for the document. None while the whole document is needed: it is not
    /// applied, or a certificate is about to go.
    pub fn validators(&self, now: Timestamp) -> Option<&Validators> {
        let metadata = self.metadata.as_ref().filter(|metadata| metadata.status == MetadataStatus::Current)?;
        let is_settled = |one: &TrustedCertificate| {
            one.source == Source::Manual || (one.missing_since.is_none() && !one.certificate.is_expired(now))
        };
        self.certificates.iter().all(is_settled).then_some(&metadata.validators)
    }

    /// This provider after a fetch of its metadata URL. `accept` applies what would otherwise be held, except for too many
    /// certificates.
    pub fn refreshed(
        &self,
        observation: &Observation,
        accept: bool,
        new_id: impl FnMut() -> CertificateId,
        now: Timestamp,
    ) -> Result<Refreshed, Refusal> {
        let metadata = self.metadata.as_ref().ok_or(Refusal::NoMetadataUrl)?;
        let over = metadata.valid_until.filter(|end| *end <= now);
        Ok(match observation {
            Observation::Document(document) => self.read(document, accept, new_id, now),
            Observation::NotModified => match over {
                None => self.unmodified(now),
                Some(end) => {
                    let reason = format!("the document was valid until {end}");
                    self.failed(MetadataStatus::Invalid, &reason, None, now)
                }
            },
            Observation::Unreachable(reason) => self.failed(MetadataStatus::Unreachable, reason, None, now),
            Observation::Invalid { reason, sha256 } => self.failed(MetadataStatus::Invalid, reason, Some(sha256), now),
            Observation::TooManyCertificates { count, sha256 } => {
                let offered = format!("{count} certificates");
                self.held(MetadataStatus::Limit, vec![self.pending_certificates(offered)], sha256, now)
            }
        })
    }

    /// Applies or holds a document.
    fn read(
        &self,
        document: &Document,
        accept: bool,
        new_id: impl FnMut() -> CertificateId,
        now: Timestamp,
    ) -> Refreshed {
        let offered: BTreeSet<&str> = document.offer.certificates.iter().map(|one| one.fingerprint()).collect();
        let is_known = |one: &TrustedCertificate| offered.contains(one.certificate.fingerprint());
        let known = self.certificates.iter().filter(|one| is_known(one)).count();
        let mut pending = match &self.metadata {
            Some(metadata) => metadata.changed(&self.settings, &document.offer.settings),
            None => Vec::new(),
        };
        let is_broken = known == 0 && self.metadata.as_ref().is_some_and(|one| one.trust == Trust::Continuous);
        let is_full = self.certificates.len() + offered.len() - known > MAX_CERTIFICATES;
        let certificates = || self.pending_certificates(offered.iter().copied().collect::<Vec<_>>().join(" "));
        if is_broken || is_full {
            pending.push(certificates());
        }
        let status = match (is_full, is_broken, pending.is_empty()) {
            (true, _, _) => MetadataStatus::Limit,
            (false, true, _) if !accept => MetadataStatus::AllKeysChanged,
            (false, false, false) if !accept => MetadataStatus::Changed,
            _ => return self.applied(document, &pending, known == 0, new_id, now),
        };
        let mut refreshed = self.held(status, pending, &document.sha256, now);
        // A certificate that is back is not missed, whatever else the document says.
        for certificate in &mut refreshed.provider.certificates {
            if offered.contains(certificate.certificate.fingerprint()) {
                certificate.missing_since = None;
            }
        }
        refreshed
    }

    fn applied(
        &self,
        document: &Document,
        accepted: &[Pending],
        all_keys_changed: bool,
        mut new_id: impl FnMut() -> CertificateId,
        now: Timestamp,
    ) -> Refreshed {
        let mut provider = self.clone();
        let mut events = Vec::new();
        if !accepted.is_empty() {
            events.push(RefreshEvent::Accepted);
        }
        if all_keys_changed {
            events.push(RefreshEvent::AllKeysChanged);
        }
        provider.settings = Pending::accepted(accepted, &self.settings, &document.offer.settings);
        let is_in = |one: &TrustedCertificate| {
            document.offer.certificates.iter().any(|offered| offered.fingerprint() == one.certificate.fingerprint())
        };
        for certificate in &document.offer.certificates {
            if provider.certificates.iter().all(|one| one.certificate.fingerprint() != certificate.fingerprint()) {
                let mut added = TrustedCertificate::new(new_id(), certificate.clone(), now);
                added.source = Source::MetadataUrl;
                events.push(RefreshEvent::CertificateAdded(facts(&added)));
                provider.certificates.push(added);
            }
        }
        for one in provider.certificates.iter_mut().filter(|one| one.source == Source::MetadataUrl) {
            if is_in(one) {
                one.missing_since = None;
            } else if one.missing_since.is_none() {
                one.missing_since = Some(now);
                events.push(RefreshEvent::RemovalAnnounced(facts(one), now.plus_millis(REMOVAL)));
            }
        }
        // A certificate of the document that was trusted and valid for all of the last day. It stays, so one is left.
        let day_ago = now.plus_millis(-REMOVAL);
        let serves = |one: &TrustedCertificate| {
            is_in(one)
                && one.certificate.is_valid(now)
                && one.imported_at <= day_ago
                && one.certificate.not_before() <= day_ago
        };
        if provider.certificates.iter().any(serves) {
            let is_over =
                |one: &TrustedCertificate| one.missing_since.is_some_and(|missing_since| missing_since <= day_ago);
            let gone = provider.certificates.iter().filter(|one| is_over(one));
            events.extend(gone.map(|one| RefreshEvent::CertificateRemoved(facts(one))));
            provider.certificates.retain(|one| !is_over(one));
        }
        if let Some(metadata) = &mut provider.metadata {
            metadata.applied = document.offer.settings.clone();
            metadata.keep(document);
            metadata.succeeded(&mut events);
            (metadata.pending, metadata.held) = (Vec::new(), None);
            metadata.fetched(MetadataStatus::Current, None, Some(&document.sha256), now);
        }
        Refreshed { provider, events }
    }

    /// The document is the same: nothing changes. A document that is held stays so.
    fn unmodified(&self, now: Timestamp) -> Refreshed {
        let (mut provider, mut events) = (self.clone(), Vec::new());
        if let Some(metadata) = &mut provider.metadata {
            metadata.succeeded(&mut events);
            let status = match metadata.status {
                MetadataStatus::Unreachable | MetadataStatus::Invalid => MetadataStatus::Current,
                other => other,
            };
            metadata.fetched(status, None, None, now);
        }
        Refreshed { provider, events }
    }

    /// The document is not applied. That is an event once per status and offer.
    fn held(&self, status: MetadataStatus, pending: Vec<Pending>, sha256: &str, now: Timestamp) -> Refreshed {
        let (mut provider, mut events) = (self.clone(), Vec::new());
        if let Some(metadata) = &mut provider.metadata {
            metadata.succeeded(&mut events);
            let held = Some((status, pending.clone()));
            if metadata.held != held {
                events.push(RefreshEvent::Held);
                metadata.held = held;
            }
            metadata.pending = pending;
            sha256.clone_into(&mut metadata.document_sha256);
            metadata.fetched(status, None, Some(sha256), now);
        }
        Refreshed { provider, events }
    }

    /// There is no usable document. That is an event once, after a day.
    fn failed(&self, status: MetadataStatus, reason: &str, sha256: Option<&str>, now: Timestamp) -> Refreshed {
        let (mut provider, mut events) = (self.clone(), Vec::new());
        if let Some(metadata) = &mut provider.metadata {
            let failing = metadata.failing.get_or_insert(Failing { since: now, times: 0, is_reported: false });
            failing.times = failing.times.saturating_add(1);
            if !failing.is_reported && now.millis_since(failing.since) >= REPORT {
                failing.is_reported = true;
                events.push(RefreshEvent::Failing(failing.since));
            }
            metadata.fetched(status, Some(reason), sha256, now);
        }
        Refreshed { provider, events }
    }

    fn pending_certificates(&self, offered: String) -> Pending {
        let mut current: Vec<&str> = self.certificates.iter().map(|one| one.certificate.fingerprint()).collect();
        current.sort_unstable();
        Pending { field: PendingField::Certificates, current: current.join(" "), offered }
    }
}

impl Metadata {
    /// Ends a row of failures.
    fn succeeded(&mut self, events: &mut Vec<RefreshEvent>) {
        if self.failing.take().is_some_and(|failing| failing.is_reported) {
            events.push(RefreshEvent::Recovered);
        }
    }
}

fn facts(one: &TrustedCertificate) -> CertificateFacts {
    CertificateFacts { id: one.id, fingerprint: one.certificate.fingerprint().to_owned() }
}

impl RefreshEvent {
    /// Its name in the audit log and in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CertificateAdded(_) => "certificate_added",
            Self::RemovalAnnounced(..) => "certificate_removal_announced",
            Self::CertificateRemoved(_) => "certificate_removed",
            Self::AllKeysChanged => "all_keys_changed",
            Self::Accepted => "accepted",
            Self::Held => "held",
            Self::Failing(_) => "failing",
            Self::Recovered => "recovered",
        }
    }

    /// The certificate that it is about.
    pub fn certificate(&self) -> Option<&CertificateFacts> {
        match self {
            Self::CertificateAdded(facts) | Self::RemovalAnnounced(facts, _) | Self::CertificateRemoved(facts) => {
                Some(facts)
            }
            _ => None,
        }
    }

    /// The time of a removal, or of the first failure.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::RemovalAnnounced(_, at) | Self::Failing(at) => Some(*at),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
