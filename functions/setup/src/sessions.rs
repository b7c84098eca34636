//! POST `/v1/setup-sessions`: a browser starts a session with the secret of a link. It needs no other credential.
//!
//! The session follows from the secret of the link and that of the browser, so a request whose response was lost can be
//! repeated: it finds the session, and returns the same token. Neither secret is stored.

use serde::Serialize;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::ids::TenantId;
use trustplane_domain::setup::{Enable, Event, Section, SessionSecret, SetupLink, StartedSession, View};
use trustplane_domain::tenant::Status;
use trustplane_domain::token::{Purpose, Token};
use trustplane_domain::{Failure, Timestamp, request, text_field};
use trustplane_policy::{Grant, Image, Kind, Resource};
use trustplane_runtime::{Call, Request, Response};
use trustplane_store::{AuditedChange, CommitError, Stored, TenantKeys, Writes};

use crate::finished::finished;

/// Attempts of a start that loses races to others with the same link. At most one of all that meet at a time wins.
const ATTEMPTS: usize = 12;
/// The audit log's action.
const ACTION: &str = "create-setup-session";

request! {
    /// Body of a new session.
    pub(crate) struct NewSetupSession {
        /// The fragment of the link's URL.
        required secret: LinkSecret = "secret",
        /// A secret that the browser makes and keeps. The same one again returns the same token.
        required session_secret: BrowserSecret = "session_secret",
    }
}

/// The secret of a link, parsed later: one that is none is an unknown link.
pub(crate) enum LinkSecret {}

text_field!(LinkSecret => String, |text: &str| Ok::<_, String>(text.to_owned()), {
    "type": "string", "pattern": "^tpl_[0-9A-Za-z]{38}_[0-9A-Za-z]{49}$"
});

/// 32 random bytes in base64url without padding.
pub(crate) enum BrowserSecret {}

text_field!(BrowserSecret => SessionSecret, SessionSecret::parse, {
    "type": "string", "minLength": 43, "maxLength": 43, "pattern": "^[A-Za-z0-9_-]+$"
});

/// A session on the wire.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SetupSession"))]
pub(crate) struct Body<'a> {
    /// The bearer token of the session.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^tps_[0-9A-Za-z]{38}_[0-9A-Za-z]{49}$")))]
    token: String,
    /// Id of the tenant, for `X-Tenant-ID`.
    tenant_id: TenantId,
    /// Sections that the session may use.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 3)))]
    sections: Vec<Section>,
    /// End of the session.
    expires_at: Timestamp,
    /// The SSO configuration whose domains are proven.
    sso_configuration_id: Option<SsoConfigurationId>,
    /// The party that enables the identity provider.
    enable: Enable,
    /// The page that the last step leads back to.
    return_url: Option<&'a str>,
}

/// POST: starts a session, or returns the token of the one that lives.
pub async fn start(call: Call) -> Result<Response, Failure> {
    let (secret, browser) = call.public_body(wanted)?;
    let secret = Token::parse_of(Purpose::SetupLink, &secret).ok_or(Failure::NotFound("setup link"))?;
    let token = SetupLink::session_token(&secret, &browser);
    let keys = TenantKeys::presented(secret.id());
    for attempt in 0..ATTEMPTS {
        let reads = (keys.setup_link(secret.id()).optional(), keys.tenant().optional(), keys.connection().optional());
        let (link, tenant, connection) = call.platform.table.load(reads).await?;
        let link = link.item.filter(|link| link.value.accepts(&secret)).ok_or(Failure::NotFound("setup link"))?;
        call.served(keys.id());
        match tenant.value().map(|tenant| tenant.status) {
            Some(Status::Active) => {}
            Some(Status::Suspended) => return Err(Failure::TenantSuspended),
            None => return Err(Failure::internal("a setup link without its tenant")),
        }
        let (session, after) = link.value.start(token.id(), call.now).map_err(Failure::SetupLinkEnded)?;
        let Some(after) = after else { return Ok(response(&link.value, &session, &token)) };
        let finished = finished(&call.platform.table, &after, connection.value(), call.now).await?;
        let started = Started { link: &link, session: &session, token: &token };
        match started.commit(&call, &after, finished).await {
            Ok(()) => return Ok(response(&after, &session, &token)),
            Err(CommitError::Lost | CommitError::InProgress) => call.stand_back(attempt).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(CommitError::Lost.into())
}

/// A session to write.
struct Started<'a> {
    link: &'a Stored<SetupLink>,
    session: &'a StartedSession,
    token: &'a Token,
}

impl Started<'_> {
    /// Writes the link and the credential of the session, with an audit record of each event.
    async fn commit(&self, call: &Call, opened: &SetupLink, finished: Vec<Section>) -> Result<(), CommitError> {
        let now = call.now;
        let mut events = vec![(Event::Opened(self.session.id), opened.clone())];
        let mut after = opened.clone();
        for section in finished {
            let Some(further) = after.completed(section, now) else { continue };
            events.push((Event::SectionCompleted(section), further.clone()));
            after = further;
        }
        if after.completed_at().is_some() {
            events.push((Event::Completed, after.clone()));
        }
        let credential = opened.credential(self.session, self.token);
        let grant = Grant::setup_link(opened, ACTION, call.origin().clone(), now);
        let key = TenantKeys::granted(&grant).setup_session(self.session.id);
        let writes = Writes::new().replace(self.link, &after).create(&key, &credential);
        let resource = Resource::new(Kind::SetupLink, opened.id.to_string());
        let mut before = Image::of(&View::of(&self.link.value));
        let mut images = Vec::with_capacity(events.len());
        for (event, link) in &events {
            images.push((before, Image::of(&View::after(link, *event))));
            before = Image::of(&View::of(link));
        }
        let changes = images.iter().map(|(before, after)| AuditedChange {
            resource: &resource,
            before: Some(before),
            after: Some(after),
        });
        let changes: Vec<AuditedChange<'_>> = changes.collect();
        call.platform.table.commit_all(&grant, &changes, writes, None).await.map(|_| ())
    }
}

fn wanted(request: &Request) -> Result<(String, SessionSecret), Failure> {
    let mut fields = request.fields()?;
    let NewSetupSession { secret, session_secret } = NewSetupSession::read(&mut fields);
    fields.finished(secret.zip(session_secret))
}

fn response(link: &SetupLink, session: &StartedSession, token: &Token) -> Response {
    Response::created(&Body {
        token: token.reveal(),
        tenant_id: link.id.tenant(),
        sections: link.sections.iter().copied().collect(),
        expires_at: session.expires_at,
        sso_configuration_id: link.sso_configuration_id,
        enable: link.enable,
        return_url: link.return_url.as_deref(),
    })
}
