//! `/v1/webhooks`: addresses that a tenant's admins have events sent to.

use std::rc::Rc;

use futures_util::future::try_join_all;
use serde::Serialize;
use trustplane_aws::Purpose;
use trustplane_domain::ids::TenantId;
use trustplane_domain::request;
use trustplane_domain::request::Whole;
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::webhook::{
    DisabledReason, EventPattern, MAX_WEBHOOKS, SealedSecrets, Secrets, SigningSecret, State, View, Webhook, WebhookId,
};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_outbound::Settings;
use trustplane_policy::{Grant, Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Listed, Planned, Platform, Request, Response, Subject, Worked};
use trustplane_store::{CommitError, Reads, Stored, TenantKeys, Writes};

use crate::webhook_request::{Wanted, wanted_new, wanted_update};

/// The longest overlap of a replaced signing secret with the new one, in seconds: a week.
const MAX_OVERLAP: i64 = 604_800;

/// A webhook.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Webhook"))]
pub(crate) struct Body<'a> {
    /// Id of the webhook.
    id: WebhookId,
    /// The URL that was saved.
    #[cfg_attr(feature = "schema", schemars(length(max = 2048), regex(pattern = "^[Hh][Tt][Tt][Pp][Ss]://")))]
    url: &'a str,
    /// Events that are sent: `*`, a resource type such as `policy.*`, or names of events.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::webhook_request::MAX_PATTERNS)))]
    events: &'a [EventPattern],
    /// Description for people; null without one.
    description: Option<&'a str>,
    /// True if events are sent.
    enabled: bool,
    /// Time since which it is disabled; null while it is enabled.
    disabled_at: Option<Timestamp>,
    /// Reason why it is disabled; null while it is enabled.
    disabled_reason: Option<DisabledReason>,
    /// Time of the first failed attempt after the last success; null where none failed since.
    failing_since: Option<Timestamp>,
    /// Time of its creation.
    created_at: Timestamp,
    /// Time of the last change.
    updated_at: Timestamp,
}

/// A webhook with a new signing secret. The secret is null in the response to a retry.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MadeWebhook"))]
pub(crate) struct MadeBody<'a> {
    #[serde(flatten)]
    webhook: Body<'a>,
    /// The signing secret, once.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")))]
    secret: Option<String>,
}

/// A webhook after an update, with a signing secret if the origin changed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "UpdatedWebhook"))]
pub(crate) struct UpdatedBody<'a> {
    #[serde(flatten)]
    webhook: Body<'a>,
    /// A new signing secret, once, if the origin of the URL changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")))]
    secret: Option<String>,
}

request! {
    /// Body of a rotation of the signing secret.
    pub(crate) struct WebhookSecretRotation {
        /// Seconds for which deliveries are signed with the previous secret too.
        optional overlap: Whole<0, MAX_OVERLAP> = "overlap_seconds" default 0,
    }
}

/// The id in the path. Any other text is an id that no webhook has.
#[derive(Debug)]
pub(crate) struct Named {
    text: String,
    id: Option<WebhookId>,
}

/// Opened secrets, and those that take their place.
struct Changed {
    /// The secrets as they were read, to notice a change in between.
    before: SealedSecrets,
    after: SealedSecrets,
    secrets: Secrets,
    /// The new signing secret, if there is one.
    fresh: Option<SigningSecret>,
}

/// POST: creates a webhook. Its signing secret is shown this once.
pub async fn create(call: Call, settings: Rc<Settings>) -> Result<Response, Failure> {
    let (id, secret) = (WebhookId::new(call.now, call.random()?), SigningSecret::from_random(call.random()?));
    let rules = settings.rules();
    call.no_input()
        .body(|request| wanted_new(request, &rules))
        .reads(|(), keys| keys.webhook_count().optional())
        .subject(|(_, wanted), _, _| subject_of(id).after(wanted.image()))
        .plan(|(_, wanted), count, _| {
            if count.value().is_some_and(|count| count.children >= MAX_WEBHOOKS) {
                let message = format!("A tenant has at most {MAX_WEBHOOKS} webhooks: delete one");
                return Err(Failure::conflict(Conflict::Limit, message));
            }
            Ok(Planned::new(wanted.clone()).after(wanted.image()))
        })
        .then(async |wanted: &Wanted, cx: &Context<'_>, grant: &Grant| {
            let secrets = Secrets { url: wanted.url.clone(), secret: secret.clone(), previous: None };
            let sealed = seal(cx.platform(), grant.tenant(), id, &secrets).await?;
            Ok(Worked::Done((sealed, secrets)))
        })
        .decide(|wanted, (sealed, secrets), cx| {
            let webhook = wanted.made(id, sealed.clone(), cx.now);
            let writes = Writes::new().create(&cx.keys.webhook(id), &webhook);
            let writes = writes.one_more(&cx.keys.webhook_count(), MAX_WEBHOOKS);
            let response = |secret| Response::created(&MadeBody { webhook: body(&webhook, secrets), secret }).etag(1);
            let decision = Decision::write(writes, response(Some(secrets.secret.reveal())));
            Ok(decision.keeping(response(None)).after(image(&webhook)))
        })
        .await
}

/// GET: all webhooks, in order of creation. They are at most ten, so the page is the last.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| keys.webhooks())
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .plan(|_, webhooks, _| Ok(Planned::new(webhooks.rows)))
        .then(async |rows: &Vec<Stored<Webhook>>, cx: &Context<'_>, grant: &Grant| {
            let opened = rows.iter().map(|row| open(cx.platform(), grant.tenant(), &row.value));
            Ok(Worked::Done(try_join_all(opened).await?))
        })
        .decide(|rows, opened, _| {
            let data = rows.iter().zip(opened).map(|(row, secrets)| body(&row.value, secrets)).collect();
            Ok(Decision::respond(Response::ok(&Listed::new(data, None))))
        })
        .await
}

/// GET `/{id}`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(named)
        .reads(Named::reads)
        .subject(|(named, ()), webhook, _| named.subject(webhook))
        .plan(|_, webhook, _| Ok(Planned::new(found(webhook)?)))
        .then(async |webhook: &Stored<Webhook>, cx: &Context<'_>, grant: &Grant| {
            Ok(Worked::Done(open(cx.platform(), grant.tenant(), &webhook.value).await?))
        })
        .decide(|webhook, secrets, _| {
            Ok(Decision::respond(Response::ok(&body(&webhook.value, secrets)).etag(webhook.version)))
        })
        .await
}

/// PUT `/{id}`. Another origin gets a new signing secret, which is shown this once.
pub async fn put(call: Call, settings: Rc<Settings>) -> Result<Response, Failure> {
    let fresh = SigningSecret::from_random(call.random()?);
    let rules = settings.rules();
    call.input(named)
        .body(|request| wanted_update(request, &rules))
        .reads(Named::reads)
        .subject(|(named, _), webhook, _| named.subject(webhook))
        .plan(|(_, wanted), webhook, cx| {
            let before = found(webhook)?;
            let after = image(&wanted.applied(&before.value, before.value.sealed.clone(), cx.now));
            Ok(Planned::new((before, wanted.clone())).after(after))
        })
        .then(async |(before, wanted): &(Stored<Webhook>, Wanted), cx: &Context<'_>, grant: &Grant| {
            let opened = open(cx.platform(), grant.tenant(), &before.value).await?;
            let secrets = opened.moved(wanted.url.clone(), fresh.clone());
            changed(cx, grant, &before.value, opened, secrets).await
        })
        .decide(|(before, wanted), changed, cx| {
            changed.check(&before)?;
            let after = wanted.applied(&before.value, changed.after.clone(), cx.now);
            let secret = changed.fresh.as_ref().map(SigningSecret::reveal);
            let version = if after == before.value { before.version } else { before.version + 1 };
            let response = Response::ok(&UpdatedBody { webhook: body(&after, &changed.secrets), secret });
            let writes = Writes::new().replace_if_changed(&before, &after);
            Ok(Decision::write(writes, response.etag(version)).after(image(&after)))
        })
        .await
}

/// DELETE `/{id}`: pending deliveries are cancelled.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    call.input(named)
        .reads(Named::reads)
        .subject(|(named, ()), webhook, _| named.subject(webhook))
        .decide(|_, webhook, cx| {
            let writes = Writes::new().remove(&found(webhook)?).one_less(&cx.keys.webhook_count());
            Ok(Decision::write(writes, Response::no_content()))
        })
        .await
}

/// POST `/{id}/rotate-secret`: deliveries are signed with both secrets for `overlap_seconds`.
pub async fn rotate_secret(call: Call) -> Result<Response, Failure> {
    let fresh = SigningSecret::from_random(call.random()?);
    call.input(named)
        .body(overlap)
        .reads(Named::reads)
        .subject(|(named, _), webhook, _| named.subject(webhook))
        .plan(|(_, overlap), webhook, _| {
            let before = found(webhook)?;
            let after = image(&before.value);
            Ok(Planned::new((before, *overlap)).after(after))
        })
        .then(async |(before, overlap): &(Stored<Webhook>, i64), cx: &Context<'_>, grant: &Grant| {
            let opened = open(cx.platform(), grant.tenant(), &before.value).await?;
            let secrets = opened.rotated(fresh.clone(), cx.now.plus_millis(*overlap), cx.now);
            changed(cx, grant, &before.value, opened, secrets).await
        })
        .decide(|(before, _), changed, cx| {
            changed.check(&before)?;
            let after = Webhook { sealed: changed.after.clone(), updated_at: cx.now, ..before.value.clone() };
            let response = |secret| {
                let body = MadeBody { webhook: body(&after, &changed.secrets), secret };
                Response::ok(&body).etag(before.version + 1)
            };
            let decision = Decision::write(
                Writes::new().replace(&before, &after),
                response(Some(changed.secrets.secret.reveal())),
            );
            Ok(decision.keeping(response(None)))
        })
        .await
}

/// Decrypts the secrets of a webhook. One call to KMS.
pub(crate) async fn open(platform: &Platform, tenant: TenantId, webhook: &Webhook) -> Result<Secrets, Failure> {
    let sealed = webhook.sealed.as_ciphertext();
    let opened = platform.seal()?.open_item(Purpose::Webhook, tenant, webhook.id, sealed).await;
    let opened = opened.map_err(|error| Failure::unavailable(1, error))?;
    serde_json::from_slice(&opened).map_err(|error| Failure::internal(error.to_string()))
}

async fn seal(
    platform: &Platform,
    tenant: TenantId,
    id: WebhookId,
    secrets: &Secrets,
) -> Result<SealedSecrets, Failure> {
    let text = serde_json::to_vec(secrets).map_err(|error| Failure::internal(error.to_string()))?;
    let sealed = platform.seal()?.seal_item(Purpose::Webhook, tenant, id, &text).await;
    sealed.map(SealedSecrets::from_ciphertext).map_err(|error| Failure::unavailable(1, error))
}

/// Encrypts secrets that differ from those that were opened.
async fn changed<B>(
    cx: &Context<'_>,
    grant: &Grant,
    webhook: &Webhook,
    opened: Secrets,
    secrets: Secrets,
) -> Result<Worked<Changed, B>, Failure> {
    let before = webhook.sealed.clone();
    let after = if secrets == opened {
        before.clone()
    } else {
        seal(cx.platform(), grant.tenant(), webhook.id, &secrets).await?
    };
    let fresh = (secrets.secret != opened.secret).then(|| secrets.secret.clone());
    Ok(Worked::Done(Changed { before, after, secrets, fresh }))
}

impl Changed {
    /// Checks that the secrets are still those that were opened.
    fn check(&self, webhook: &Stored<Webhook>) -> Result<(), Failure> {
        if webhook.value.sealed == self.before { Ok(()) } else { Err(CommitError::Lost.into()) }
    }
}

impl Named {
    /// The id, if it has the form of one.
    pub(crate) fn id(&self) -> Option<WebhookId> {
        self.id
    }

    /// The reads of the webhook.
    pub(crate) fn reads(&self, keys: TenantKeys) -> impl Reads<Loaded = Option<Stored<Webhook>>> + use<> {
        self.id.map(|id| keys.webhook(id))
    }

    /// The subject of a request about the webhook.
    pub(crate) fn subject(&self, webhook: Option<&Option<Stored<Webhook>>>) -> Subject {
        Subject::new(Kind::Webhook, self.text.clone()).stored(webhook.and_then(Option::as_ref), image)
    }
}

/// The webhook of a path.
pub(crate) fn found(webhook: Option<Stored<Webhook>>) -> Result<Stored<Webhook>, Failure> {
    webhook.ok_or(Failure::NotFound("webhook"))
}

/// Parses the id of the path.
#[expect(clippy::unnecessary_wraps, reason = "the parser of an input")]
pub(crate) fn named(request: &Request) -> Result<Named, Failure> {
    let text = request.parameter("id").to_owned();
    Ok(Named { id: WebhookId::parse(&text), text })
}

fn subject_of(id: WebhookId) -> Subject {
    Subject::new(Kind::Webhook, id.to_string())
}

/// The image of a webhook.
pub(crate) fn image(webhook: &Webhook) -> Image {
    Image::of(&View::of(webhook))
}

fn body<'a>(webhook: &'a Webhook, secrets: &'a Secrets) -> Body<'a> {
    let (failing_since, disabled) = match webhook.state {
        State::Enabled { failing_since, .. } => (failing_since, None),
        State::Disabled { since, reason } => (None, Some((since, reason))),
    };
    Body {
        id: webhook.id,
        url: secrets.url.as_str(),
        events: &webhook.events,
        description: webhook.description.as_deref(),
        enabled: webhook.is_enabled(),
        disabled_at: disabled.map(|(since, _)| since),
        disabled_reason: disabled.map(|(_, reason)| reason),
        failing_since,
        created_at: webhook.created_at,
        updated_at: webhook.updated_at,
    }
}

/// Checks that a webhook is enabled.
pub(crate) fn enabled(webhook: &Webhook) -> Result<(), Failure> {
    if webhook.is_enabled() {
        return Ok(());
    }
    Err(Failure::conflict(Conflict::WrongState, "The webhook is disabled: enable it first"))
}

/// `overlap_seconds` in milliseconds.
fn overlap(request: &Request) -> Result<i64, Failure> {
    let mut fields = request.optional_fields()?;
    let WebhookSecretRotation { overlap } = WebhookSecretRotation::read(&mut fields);
    Ok(fields.finished(overlap)? * SECOND)
}
