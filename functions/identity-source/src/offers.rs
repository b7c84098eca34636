//! Providers that bodies of requests describe, with everything that an import makes of them.

use trustplane_domain::certificate::CertificateId;
use trustplane_domain::identity_provider::{IdentityProvider, IdentityProviderId, Offer, Settings, Update};
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::{Failure, Timestamp};
use trustplane_runtime::{Call, Request};

use crate::parameters::BODY_LIMIT;
use crate::warnings::Remarks;

/// A provider to create, disabled.
#[derive(Debug)]
pub(crate) struct New {
    /// The provider.
    pub(crate) provider: IdentityProvider,
    /// Remarks on its metadata and certificates.
    pub(crate) remarks: Remarks,
}

/// A change of a provider, with ids for the certificates that it may get.
#[derive(Debug)]
pub(crate) struct Change {
    update: Update,
    ids: Vec<CertificateId>,
}

/// Parses the body that describes a provider.
pub(crate) fn offer(request: &Request, call: &Call) -> Result<Offer, Failure> {
    let mut fields = request.fields_within(BODY_LIMIT)?;
    let offer = Offer::read(&mut fields, call.now);
    fields.finished(offer)
}

impl New {
    /// Parses the body that creates a provider.
    pub(crate) fn parse(request: &Request, call: &Call) -> Result<Self, Failure> {
        let offer = offer(request, call)?;
        let remarks = Remarks::of(&offer);
        let id = IdentityProviderId::from_random(call.random()?);
        let ids = ids(call, &offer)?;
        let provider = IdentityProvider::create(id, offer.settings, offer.certificates, next(&ids), call.now)?;
        Ok(Self { provider, remarks })
    }
}

impl Change {
    /// Parses the body that updates a provider.
    pub(crate) fn parse(request: &Request, call: &Call) -> Result<Self, Failure> {
        let mut fields = request.fields_within(BODY_LIMIT)?;
        let update = Update::read(&mut fields, call.now);
        let update = fields.finished(update)?;
        let ids = match &update {
            Update::Metadata(offer) => ids(call, offer)?,
            Update::Settings { .. } => Vec::new(),
        };
        Ok(Self { update, ids })
    }

    /// Applies the change to a provider.
    pub(crate) fn applied(&self, provider: &IdentityProvider, now: Timestamp) -> Result<IdentityProvider, Failure> {
        match &self.update {
            Update::Metadata(offer) => {
                let Offer { settings, certificates, .. } = (**offer).clone();
                Ok(provider.replace(settings, certificates, next(&self.ids), now)?)
            }
            Update::Settings { names, want_request_signed } => {
                let current = provider.settings().clone();
                let (entity_id, login_url) = names.clone().unwrap_or((current.entity_id, current.login_url));
                let want_request_signed = want_request_signed.unwrap_or(current.want_request_signed);
                Ok(provider.update(Settings { entity_id, login_url, want_request_signed }))
            }
        }
    }

    /// Remarks on the metadata, and on the provider that the change makes.
    pub(crate) fn remarks(
        &self,
        after: &IdentityProvider,
        service_provider: Option<&ServiceProvider>,
        now: Timestamp,
    ) -> Remarks {
        let remarks = match &self.update {
            Update::Metadata(offer) => Remarks::of(offer),
            Update::Settings { .. } => Remarks::default(),
        };
        remarks.on_signing(after, service_provider, now)
    }
}

/// Draws an id for each certificate.
fn ids(call: &Call, offer: &Offer) -> Result<Vec<CertificateId>, Failure> {
    offer.certificates.iter().map(|_| call.random().map(CertificateId::from_random)).collect()
}

fn next(ids: &[CertificateId]) -> impl FnMut() -> CertificateId {
    let mut ids = ids.iter().copied();
    // INVARIANT: there is an id for each certificate.
    move || ids.next().unwrap_or_else(|| CertificateId::from_random([0; 16]))
}
