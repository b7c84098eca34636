//! Providers that bodies of requests describe, with everything that an import makes of them.

use trustplane_domain::certificate::CertificateId;
use trustplane_domain::identity_provider::{
    ByUrl, Description, Document, IdentityProvider, IdentityProviderId, MAX_CERTIFICATES, Offer, Settings, Update,
};
use trustplane_domain::outbound::Purpose;
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::{Failure, Fields, Timestamp};
use trustplane_outbound::Client;
use trustplane_runtime::{Call, Request};

use crate::parameters::BODY_LIMIT;
use crate::warnings::Remarks;

/// The field of the URL, in messages.
const URL: &str = "idp_saml_metadata_url";

/// A provider to create, disabled.
#[derive(Clone, Debug)]
pub(crate) struct New {
    /// The id that it gets.
    pub(crate) id: IdentityProviderId,
    ids: Vec<CertificateId>,
    /// The URL of its metadata, where that is to be fetched.
    by: Option<ByUrl>,
    made: Option<Made>,
}

/// A provider, made of its description.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// The provider.
    pub(crate) provider: IdentityProvider,
    /// Remarks on its metadata and certificates.
    pub(crate) remarks: Remarks,
}

/// A provider to preview.
#[derive(Clone, Debug)]
pub(crate) struct Previewed {
    by: Option<ByUrl>,
    offer: Option<Offer>,
}

/// A change of a provider, with ids for the certificates that it may get.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    update: Update,
    ids: Vec<CertificateId>,
    document: Option<Document>,
}

impl Previewed {
    /// Parses the body that describes a provider.
    pub(crate) fn parse(request: &Request, call: &Call, client: &Client) -> Result<Self, Failure> {
        match described(request, call, client)? {
            Description::Offer(offer) => Ok(Self { by: None, offer: Some(*offer) }),
            Description::Url(by) => Ok(Self { by: Some(by), offer: None }),
        }
    }

    /// The provider, once its metadata is there.
    pub(crate) fn offer(&self) -> Option<&Offer> {
        self.offer.as_ref()
    }

    /// Fetches its metadata. Returns it with that.
    pub(crate) async fn fetch(&self, client: &Client, now: Timestamp) -> Result<Self, Failure> {
        let Some(by) = &self.by else { return Ok(self.clone()) };
        Ok(Self { offer: Some(fetched(client, by, now).await?.offer), ..self.clone() })
    }
}

impl New {
    /// Parses the body that creates a provider.
    pub(crate) fn parse(request: &Request, call: &Call, client: &Client) -> Result<Self, Failure> {
        let description = described(request, call, client)?;
        let id = IdentityProviderId::from_random(call.random()?);
        let new = Self { id, ids: ids(call)?, by: None, made: None };
        match description {
            Description::Url(by) => Ok(Self { by: Some(by), ..new }),
            Description::Offer(offer) => {
                let made = Made { provider: new.provider(&offer, call.now)?, remarks: Remarks::of(&offer) };
                Ok(Self { made: Some(made), ..new })
            }
        }
    }

    /// The provider, once its metadata is there.
    pub(crate) fn made(&self) -> Option<&Made> {
        self.made.as_ref()
    }

    /// Fetches its metadata. Returns it with that.
    pub(crate) async fn fetch(&self, client: &Client, now: Timestamp) -> Result<Self, Failure> {
        let Some(by) = &self.by else { return Ok(self.clone()) };
        let document = fetched(client, by, now).await?;
        let provider = self.provider(&document.offer, now)?.following(by.url.clone(), by.trust, &document, now);
        Ok(Self { made: Some(Made { provider, remarks: Remarks::of(&document.offer) }), ..self.clone() })
    }

    fn provider(&self, offer: &Offer, now: Timestamp) -> Result<IdentityProvider, Failure> {
        let Offer { settings, certificates, .. } = offer.clone();
        Ok(IdentityProvider::create(self.id, settings, certificates, next(&self.ids), now)?)
    }
}

impl Change {
    /// Parses the body that updates a provider.
    pub(crate) fn parse(request: &Request, call: &Call, client: &Client) -> Result<Self, Failure> {
        let mut fields = request.fields_within(BODY_LIMIT)?;
        let update = Update::read(&mut fields, call.now);
        if let Some(Update::Url { by, .. }) = &update {
            check(&mut fields, by, client);
        }
        let update = fields.finished(update)?;
        Ok(Self { update, ids: ids(call)?, document: None })
    }

    /// True if a document is to be fetched before the change can be applied.
    pub(crate) fn is_incomplete(&self) -> bool {
        matches!(self.update, Update::Url { .. }) && self.document.is_none()
    }

    /// Fetches the metadata. Returns the change with it.
    pub(crate) async fn fetch(&self, client: &Client, now: Timestamp) -> Result<Self, Failure> {
        let Update::Url { by, .. } = &self.update else { return Ok(self.clone()) };
        Ok(Self { document: Some(fetched(client, by, now).await?), ..self.clone() })
    }

    /// Applies the change to a provider.
    pub(crate) fn applied(&self, provider: &IdentityProvider, now: Timestamp) -> Result<IdentityProvider, Failure> {
        let replaced = |offer: &Offer| {
            let Offer { settings, certificates, .. } = offer.clone();
            provider.replace(settings, certificates, next(&self.ids), now)
        };
        match &self.update {
            Update::Metadata(offer) => Ok(replaced(offer)?.unfollowed()),
            Update::Url { by, want_request_signed } => {
                let document = self.document.as_ref().ok_or_else(|| Failure::internal("the metadata is not there"))?;
                let mut offer = document.offer.clone();
                offer.settings.want_request_signed = want_request_signed.unwrap_or(offer.settings.want_request_signed);
                Ok(replaced(&offer)?.following(by.url.clone(), by.trust, document, now))
            }
            Update::Settings(update) => {
                let current = provider.settings().clone();
                let (entity_id, login_url) = update.names.clone().unwrap_or((current.entity_id, current.login_url));
                let want_request_signed = update.want_request_signed.unwrap_or(current.want_request_signed);
                let settings = Settings { entity_id, login_url, want_request_signed };
                let provider = match (update.clears_url, update.want_request_signed) {
                    (true, _) => provider.clone().unfollowed().update(settings, now),
                    (false, Some(_)) => provider.update(settings, now),
                    (false, None) => provider.clone(),
                };
                match update.trust {
                    Some(trust) => Ok(provider.trusting_metadata(trust)?),
                    None => Ok(provider),
                }
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
            Update::Url { .. } => {
                self.document.as_ref().map(|document| Remarks::of(&document.offer)).unwrap_or_default()
            }
            Update::Settings(_) => Remarks::default(),
        };
        remarks.on_signing(after, service_provider, now)
    }
}

/// Parses the body that describes a provider.
fn described(request: &Request, call: &Call, client: &Client) -> Result<Description, Failure> {
    let mut fields = request.fields_within(BODY_LIMIT)?;
    let description = Description::read(&mut fields, call.now);
    if let Some(Description::Url(by)) = &description {
        check(&mut fields, by, client);
    }
    fields.finished(description)
}

/// Checks a URL as far as this is possible without a request.
fn check(fields: &mut Fields, by: &ByUrl, client: &Client) {
    if let Err(refusal) = client.check(&by.url, Purpose::Fetch) {
        fields.fault(URL, refusal.to_string());
    }
}

async fn fetched(client: &Client, by: &ByUrl, now: Timestamp) -> Result<Document, Failure> {
    let document = client.metadata(&by.url, by.selected.as_ref(), now).await;
    document.map_err(|error| Failure::invalid(URL, error.to_string()))
}

/// Draws an id for each certificate that a provider may have.
pub(crate) fn ids(call: &Call) -> Result<Vec<CertificateId>, Failure> {
    (0..MAX_CERTIFICATES).map(|_| call.random().map(CertificateId::from_random)).collect()
}

/// Takes one id after the other.
pub(crate) fn next(ids: &[CertificateId]) -> impl FnMut() -> CertificateId {
    let mut ids = ids.iter().copied();
    // INVARIANT: there is an id for each certificate that is kept. Those of one offer beyond the limit are refused.
    move || ids.next().unwrap_or_else(|| CertificateId::from_random([0; 16]))
}
