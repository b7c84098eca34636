//! `/v1/setup-links`: links to the setup page.

use serde::Serialize;
use trustplane_domain::connection::Connection;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::ids::CredentialId;
use trustplane_domain::setup::{Enable, Section, SetupLink, StartedSession, View};
use trustplane_domain::token::{Purpose, Token};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Grant, Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Listed, Page, Planned, Request, Response, Subject, Worked};
use trustplane_store::{Reads, Stored, TenantKeys, Writes};

use crate::finished::is_finished;
use crate::link_request::Wanted;

/// The warning of a link whose sections are all complete.
const FINISHED: &str =
    "all sections are complete already: the link ends with its first session, which has nothing to do";
/// Advice where a section is complete because its settings work.
const CHANGES: &str =
    "`allow_changes` lets the sessions of a link change a connection or an identity provider that works";

/// A link on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SetupLink"))]
pub(crate) struct Body<'a> {
    /// Id of the link.
    id: CredentialId,
    /// The person that it is for.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))]
    label: &'a str,
    /// Sections that its sessions may use.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 3)))]
    sections: Vec<Section>,
    /// The SSO configuration whose domains are proven; null without the section `domains`.
    sso_configuration_id: Option<SsoConfigurationId>,
    /// Time of creation.
    created_at: Timestamp,
    /// The id of the credential that created it.
    created_by: &'a str,
    /// End of the time in which it starts sessions.
    expires_at: Timestamp,
    /// Number of sessions that it may start.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = trustplane_domain::setup::link::MAX_SESSIONS)))]
    max_sessions: u8,
    /// True if its sessions may change a tested connection or an enabled identity provider.
    allow_changes: bool,
    /// The party that enables the identity provider.
    enable: Enable,
    /// The page that the last step leads back to.
    return_url: Option<&'a str>,
    /// Sessions that were started, in order.
    #[cfg_attr(feature = "schema", schemars(length(max = trustplane_domain::setup::link::MAX_SESSIONS)))]
    sessions: Vec<SessionBody>,
    /// Time at which the last section was completed; null before.
    completed_at: Option<Timestamp>,
    /// Time of revocation; null before.
    revoked_at: Option<Timestamp>,
    /// The sections, each with the time at which a session completed it.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 3)))]
    progress: Vec<ProgressBody>,
}

/// A session of a link on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "StartedSetupSession"))]
struct SessionBody {
    /// Id of the session.
    id: CredentialId,
    /// Time of its start.
    started_at: Timestamp,
    /// End of the session.
    expires_at: Timestamp,
}

/// The progress of a section on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SetupProgress"))]
struct ProgressBody {
    /// The section.
    section: Section,
    /// Time of completion; null before.
    completed_at: Option<Timestamp>,
}

/// A link on the wire, with its URL. Null in the response to a retry.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MadeSetupLink"))]
pub(crate) struct MadeBody<'a> {
    #[serde(flatten)]
    link: Body<'a>,
    /// The URL to send to the person, once. Whoever opens it acts for the tenant.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "/setup#tpl_[0-9A-Za-z]{38}_[0-9A-Za-z]{49}$")))]
    url: Option<String>,
    /// Only if all sections are complete already: the link has nothing to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
}

/// The id in the path. Any other text is an id that no link has.
#[derive(Debug)]
struct Named {
    text: String,
    id: Option<CredentialId>,
}

/// POST: creates a link. Its URL is shown this once.
pub async fn create(call: Call) -> Result<Response, Failure> {
    let (id, random) = (call.random()?, call.random()?);
    let secret = |cx: &Context<'_>| Token::of(Purpose::SetupLink, CredentialId::new(cx.keys.id(), id), random);
    let made = |wanted: &Wanted, cx: &Context<'_>| wanted.made(&secret(cx), cx.credential.value.id, cx.now);
    // The configuration that the body names is a key, so that the body is parsed before anything is read.
    call.input(Wanted::parse)
        .reads(|wanted, keys| {
            let path = wanted.sso_configuration_id.map(|id| keys.sso_configuration_path(id).optional());
            (keys.connection().expected(), path)
        })
        .subject(|(wanted, ()), _, cx| {
            let link = made(wanted, cx);
            Subject::new(Kind::SetupLink, link.id.to_string()).after(image(&link))
        })
        .plan(|(wanted, ()), (connection, path), cx| {
            if path.is_some_and(|path| path.item.is_none()) {
                return Err(Failure::invalid("sso_configuration_id", "there is no such SSO configuration"));
            }
            if wanted.needs_connection() && !connection.value.passed_before(cx.now) {
                let message = "no connection passed a test: add the section `aws-identity-center`, or test one first";
                return Err(Failure::conflict(Conflict::NotConfigured, message));
            }
            let link = made(wanted, cx);
            let after = image(&link);
            Ok(Planned::new((link, connection)).after(after))
        })
        .then(async |(link, connection): &(SetupLink, Stored<Connection>), cx: &Context<'_>, _: &Grant| {
            Ok(Worked::Done(is_finished(&cx.platform().table, link, &connection.value, cx.now).await?))
        })
        .decide(|(link, _), is_finished, cx| {
            let writes = Writes::new().create(&cx.keys.setup_link(link.id), &link);
            let changes = !link.allow_changes && link.sections.iter().any(|section| *section != Section::Domains);
            let warnings = || match (*is_finished, changes) {
                (true, true) => vec![FINISHED, CHANGES],
                (true, false) => vec![FINISHED],
                (false, _) => Vec::new(),
            };
            let response = |url| Response::created(&MadeBody { link: body(&link), url, warnings: warnings() }).etag(1);
            let decision = Decision::write(writes, response(Some(url(cx, &secret(cx)))));
            Ok(decision.keeping(response(None)).after(image(&link)))
        })
        .await
}

/// GET: a page of links in the order of their ids, with those that have ended.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(page)
        .reads(|(limit, after), keys| {
            let after = after.map(|id| keys.setup_link(id).sk().to_owned());
            keys.setup_links().page(*limit, after).lenient()
        })
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .decide(|_, listing, cx| {
            let links = cx.keys.setup_links();
            let next = listing.next.as_deref().and_then(|sk| sk.strip_prefix(links.prefix()));
            let readable = listing.rows.iter().filter_map(|row| {
                row.as_ref().inspect_err(|key| tracing::error!(%key, "a setup link cannot be read")).ok()
            });
            Ok(Response::ok(&Listed::new(readable.map(|row| body(&row.value)).collect(), next)))
        })
        .await
}

/// GET `/{id}`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(named)
        .reads(Named::reads)
        .subject(|(named, ()), link, _| named.subject(link))
        .decide(|_, link, _| {
            let link = found(link)?;
            Ok(Response::ok(&body(&link.value)).etag(link.version))
        })
        .await
}

/// DELETE `/{id}`: revokes a link, which can still be read. Its sessions end in the same transaction. A link that is revoked
/// already stays as it is.
pub async fn revoke(call: Call) -> Result<Response, Failure> {
    call.input(named)
        .reads(Named::reads)
        .subject(|(named, ()), link, _| named.subject(link))
        .decide(|_, link, cx| {
            let before = found(link)?;
            let Some(after) = before.value.revoked(cx.now) else {
                return Ok(Decision::respond(Response::no_content()).after(image(&before.value)));
            };
            let sessions = after.sessions.iter().map(|session| cx.keys.setup_session(session.id));
            let writes = sessions.fold(Writes::new().replace(&before, &after), |writes, key| writes.delete(&key));
            Ok(Decision::write(writes, Response::no_content()).after(image(&after)))
        })
        .await
}

impl Named {
    fn reads(&self, keys: TenantKeys) -> impl Reads<Loaded = Option<Stored<SetupLink>>> + use<> {
        self.id.map(|id| keys.setup_link(id))
    }

    fn subject(&self, link: Option<&Option<Stored<SetupLink>>>) -> Subject {
        Subject::new(Kind::SetupLink, self.text.clone()).stored(link.and_then(Option::as_ref), image)
    }
}

fn found(link: Option<Stored<SetupLink>>) -> Result<Stored<SetupLink>, Failure> {
    link.ok_or(Failure::NotFound("setup link"))
}

#[expect(clippy::unnecessary_wraps, reason = "the parser of an input")]
fn named(request: &Request) -> Result<Named, Failure> {
    let text = request.parameter("id").to_owned();
    Ok(Named { id: CredentialId::parse(&text), text })
}

/// The limit, and the link that the last page ended with.
fn page(request: &Request) -> Result<(usize, Option<CredentialId>), Failure> {
    let page = Page::of(request)?;
    let after = page.after().map(|after| {
        CredentialId::parse(after)
            .ok_or_else(|| Failure::invalid("cursor", "must be the `next_cursor` of another page"))
    });
    Ok((page.limit(), after.transpose()?))
}

/// The address of the setup page with the secret in its fragment, which browsers do not send.
fn url(cx: &Context<'_>, secret: &Token) -> String {
    let base =
        cx.platform().setup_base().map_or_else(|| format!("https://{}", cx.request().domain_name), str::to_owned);
    format!("{base}/setup#{}", secret.reveal())
}

/// The image of a link.
pub(crate) fn image(link: &SetupLink) -> Image {
    Image::of(&View::of(link))
}

fn body(link: &SetupLink) -> Body<'_> {
    let progress =
        |section: &Section| ProgressBody { section: *section, completed_at: link.progress.get(section).copied() };
    let session = |session: &StartedSession| SessionBody {
        id: session.id,
        started_at: session.started_at,
        expires_at: session.expires_at,
    };
    Body {
        id: link.id,
        label: &link.label,
        sections: link.sections.iter().copied().collect(),
        sso_configuration_id: link.sso_configuration_id,
        created_at: link.created_at,
        created_by: &link.created_by,
        expires_at: link.expires_at,
        max_sessions: link.max_sessions,
        allow_changes: link.allow_changes,
        enable: link.enable,
        return_url: link.return_url.as_deref(),
        sessions: link.sessions.iter().map(session).collect(),
        completed_at: link.completed_at(),
        revoked_at: link.revoked_at,
        progress: link.sections.iter().map(progress).collect(),
    }
}
