//! Documents and pages that a test looks at.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use trustplane_domain::Timestamp;
use trustplane_domain::directory::server_test::{Found, Observed, key_set_url};
use trustplane_domain::identity_provider::{self, IdentityProvider, Observation};
use trustplane_domain::outbound::OutboundUrl;
use trustplane_domain::timestamp::SECOND;

use crate::{Client, Document, Error, Fetched, Limits};

impl Client {
    /// Fetches the discovery document of an authorisation server, and the key set that it names.
    pub async fn authorisation_server(&self, discovery: &OutboundUrl) -> Observed {
        let discovery = self.found(discovery, Limits::DISCOVERY).await;
        let url = discovery.as_ref().ok().and_then(|found| key_set_url(&found.body));
        let keys = match url {
            Some(url) => Some(self.found(&url, Limits::DISCOVERY).await),
            None => None,
        };
        Observed { discovery, keys }
    }

    /// Fetches the metadata of an identity provider, if it has a metadata URL, and its login page.
    pub async fn identity_provider(
        &self,
        provider: &IdentityProvider,
        signs_requests: bool,
        now: Timestamp,
    ) -> identity_provider::Observed {
        let mut clock = None;
        let metadata = match provider.metadata() {
            None => None,
            Some(metadata) => Some(match self.fetch(metadata.url(), Limits::METADATA, None).await {
                Ok(Fetched::Document(document)) => {
                    clock = document.clock();
                    let current = &provider.settings().entity_id;
                    Observation::read(&document.body, document.validators(), current, now)
                }
                Ok(Fetched::NotModified) => Observation::Unreachable(Error::Status(304).to_string()),
                Err(error) => Observation::Unreachable(error.to_string()),
            }),
        };
        let login = match provider.login_page() {
            None => None,
            Some(page) => Some(self.page(&page).await),
        };
        identity_provider::Observed { metadata, clock, login, signs_requests }
    }

    /// Fetches a document for a test.
    pub async fn found(&self, url: &OutboundUrl, limits: Limits) -> Result<Found, String> {
        match self.fetch(url, limits, None).await {
            Ok(Fetched::Document(document)) => {
                Ok(Found { clock: document.clock(), body: document.body.to_vec(), url: document.url })
            }
            // Without a condition, this is no response to the request.
            Ok(Fetched::NotModified) => Err(Error::Status(304).to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Requests a page for people, such as a login page. Any response over valid TLS will do: without a sign-in request,
    /// many servers respond with an error.
    pub async fn page(&self, url: &OutboundUrl) -> Result<(), String> {
        match self.fetch(url, Limits::DISCOVERY, None).await {
            Ok(_) | Err(Error::Status(_) | Error::Redirect(_) | Error::TooLarge(_) | Error::Encoding) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Document {
    /// The server's time at the response: `Date`, and the `Age` of a response that a cache kept.
    pub fn clock(&self) -> Option<Timestamp> {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let date = OffsetDateTime::parse(text("date")?, &Rfc2822).ok()?.unix_timestamp().checked_mul(SECOND)?;
        let age: u32 = text("age").and_then(|age| age.trim().parse().ok()).unwrap_or_default();
        Some(Timestamp::from_millis(date).plus_millis(i64::from(age) * SECOND))
    }
}
