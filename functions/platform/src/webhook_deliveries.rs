//! `/v1/webhooks/{id}/deliveries` and `/v1/webhooks/{id}/test`: attempts to send events to a webhook.

use std::rc::Rc;

use serde::Serialize;
use trustplane_domain::audit_chain::ids_at;
use trustplane_domain::timestamp::DAY;
use trustplane_domain::webhook::{Attempt, Delivery, DeliveryId, DeliveryStatus, Message, Outcome, Webhook, WebhookId};
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_outbound::{Client, Sent};
use trustplane_policy::Grant;
use trustplane_runtime::{Budget, Call, Context, Decision, Listed, Page, Planned, Request, Response, Worked, both};
use trustplane_store::{CommitError, Listing, Query, Stored, TenantKeys, Writes};

use crate::webhooks::{Named, enabled, found, named, open};

/// Time for which deliveries are shown, in milliseconds.
const SHOWN: i64 = 30 * DAY;
/// Deliveries that a filtered page examines at most.
const SCANNED: usize = 1_000;

/// A delivery of an event to a webhook.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "WebhookDelivery"))]
pub(crate) struct Body<'a> {
    /// Id of the delivery.
    id: &'a str,
    /// Id of the event, which is `webhook-id` of every attempt.
    event_id: &'a str,
    /// Name of the event.
    event_type: &'a str,
    /// State of the delivery.
    status: DeliveryStatus,
    /// The last attempts, oldest first.
    attempts: &'a [Attempt],
    /// Time of the next attempt; null where none follows.
    next_attempt_at: Option<Timestamp>,
}

/// The delivery of a test event.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "WebhookTest"))]
pub(crate) struct TestBody<'a> {
    #[serde(flatten)]
    delivery: Body<'a>,
    /// The response of the endpoint; null where there was none.
    response: Option<ResponseBody<'a>>,
}

/// The response of a webhook's address to a test event.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "WebhookTestResponse"))]
struct ResponseBody<'a> {
    /// HTTP status of the response.
    status_code: u16,
    /// Media type as the endpoint names it; null where it names none.
    content_type: Option<&'a str>,
    /// Bytes that were read, at most 1024.
    length: usize,
    /// More followed.
    truncated: bool,
    /// The beginning of the body, if it is a text or JSON; null otherwise.
    body: Option<String>,
}

/// The page and the filter of a request.
#[derive(Clone, Debug)]
struct Wanted {
    page: Page,
    status: Option<DeliveryStatus>,
}

/// GET: the deliveries of the last 30 days, those of the newest events first.
pub async fn list(call: Call) -> Result<Response, Failure> {
    let now = call.now;
    call.input(|request| both(named(request), wanted(request)))
        .reads(move |(named, wanted), keys| (named.reads(keys), named.id().map(|id| wanted.query(id, keys, now))))
        .subject(|((named, _), ()), loaded, _| named.subject(loaded.map(|(webhook, _)| webhook)))
        .decide(|((_, wanted), ()), (webhook, deliveries), _| {
            let webhook = found(webhook)?;
            let Some(listing) = deliveries else { return Err(Failure::NotFound("webhook")) };
            Ok(Response::ok(&wanted.listed(&webhook.value, &listing)))
        })
        .await
}

/// POST `/{delivery_id}/retry`: the event is sent again in the next minute, with all further attempts.
pub async fn retry(call: Call) -> Result<Response, Failure> {
    call.input(|request| Ok((named(request)?, DeliveryId::parse(request.parameter("delivery_id")))))
        .reads(|(named, delivery), keys| {
            let delivery = named.id().zip(delivery.as_ref()).map(|(id, delivery)| keys.delivery(id, delivery));
            (named.reads(keys), delivery.map(|key| key.optional()))
        })
        .subject(|((named, _), ()), loaded, _| named.subject(loaded.map(|(webhook, _)| webhook)))
        .plan(|_, (webhook, delivery), cx| {
            let webhook = found(webhook)?;
            let delivery = delivery.and_then(|slot| slot.item).ok_or(Failure::NotFound("delivery"))?;
            enabled(&webhook.value)?;
            let after = delivery.value.retried(cx.now);
            Ok(Planned::new((delivery, after)))
        })
        .then(async |(before, after): &(Stored<Delivery>, Delivery), cx: &Context<'_>, grant: &Grant| {
            // No audit record: a delivery is no event of its own.
            if cx.note(grant, Writes::new().replace(before, after)).await? {
                Ok(Worked::Done(()))
            } else {
                Err(CommitError::Lost.into())
            }
        })
        .decide(|(_, after), (), _| Ok(Decision::respond(Response::json(202, &body(&after, after.status)))))
        .await
}

/// POST `/test`: sends a `webhook.test` event once, now. Nothing of it is kept.
pub async fn test(call: Call, client: Rc<Client>) -> Result<Response, Failure> {
    let random: [u8; 10] = call.random()?;
    let id = test_id(call.now, random)?;
    call.input(named)
        .reads(Named::reads)
        .subject(|(named, ()), webhook, _| named.subject(webhook))
        .plan(|_, webhook, _| Ok(Planned::new(found(webhook)?)))
        .then(async |webhook: &Stored<Webhook>, cx: &Context<'_>, grant: &Grant| {
            cx.spend(grant, Budget::OutgoingRequests).await?;
            let secrets = open(cx.platform(), grant.tenant(), &webhook.value).await?;
            let message = Message::test(id.as_str(), grant.tenant(), webhook.value.id, cx.now);
            Ok(Worked::Done(client.send(&secrets, id.as_str(), &message.body(), cx.now).await))
        })
        .decide(|_, sent, _| Ok(Decision::respond(Response::ok(&tested(&id, sent)))))
        .await
}

impl Wanted {
    fn query(&self, id: WebhookId, keys: TenantKeys, now: Timestamp) -> Query<Delivery> {
        let (first, last) = (ids_at(now.plus_millis(-SHOWN)).0, ids_at(Timestamp::END).1);
        let rows = if self.status.is_some() { SCANNED } else { self.page.limit() };
        keys.deliveries(id).between(first, last).one_call().page(rows, self.page.after().map(str::to_owned))
    }

    /// The page on the wire. A filtered page may have fewer rows than its limit while more follow.
    fn listed<'a>(&self, webhook: &Webhook, listing: &'a Listing<Delivery>) -> Listed<Body<'a>> {
        let mut rows = listing.rows.iter();
        let (mut data, mut last) = (Vec::new(), None);
        while data.len() < self.page.limit() {
            let Some(row) = rows.next() else { break };
            last = Some(row.key.sk());
            let status = status(webhook, &row.value);
            if self.status.is_none_or(|wanted| wanted == status) {
                data.push(body(&row.value, status));
            }
        }
        let next = if rows.next().is_some() { last } else { listing.next.as_deref() };
        Listed::new(data, next)
    }
}

/// The status of a delivery: a pending one of a webhook that was disabled since is cancelled by the next sweep.
fn status(webhook: &Webhook, delivery: &Delivery) -> DeliveryStatus {
    match delivery.status {
        DeliveryStatus::Pending if !webhook.sends(delivery.made_at) => DeliveryStatus::Cancelled,
        status => status,
    }
}

fn wanted(request: &Request) -> Result<Wanted, Failure> {
    let status = match request.query("status").as_deref() {
        None => Ok(None),
        Some("pending") => Ok(Some(DeliveryStatus::Pending)),
        Some("succeeded") => Ok(Some(DeliveryStatus::Succeeded)),
        Some("failed") => Ok(Some(DeliveryStatus::Failed)),
        Some("cancelled") => Ok(Some(DeliveryStatus::Cancelled)),
        Some(_) => {
            let message = "must be `pending`, `succeeded`, `failed` or `cancelled`";
            Err(Failure::Invalid(Faults::of("status", message)))
        }
    };
    let (page, status) = both(Page::of(request), status)?;
    Ok(Wanted { page, status })
}

fn body(delivery: &Delivery, status: DeliveryStatus) -> Body<'_> {
    Body {
        id: delivery.id.as_str(),
        event_id: &delivery.event_id,
        event_type: &delivery.event_type,
        status,
        attempts: &delivery.attempts,
        next_attempt_at: delivery.next_attempt_at.filter(|_| status == DeliveryStatus::Pending),
    }
}

/// An id of this time.
fn test_id(now: Timestamp, random: [u8; 10]) -> Result<DeliveryId, Failure> {
    let (first, _) = ids_at(now);
    let digits: String = random.iter().map(|byte| char::from(b'A' + byte % 8)).collect();
    let id = first.get(..16).map(|time| format!("{time}{digits}"));
    id.and_then(|id| DeliveryId::parse(&id)).ok_or_else(|| Failure::internal("an id of a test is not a ULID"))
}

fn tested<'a>(id: &'a DeliveryId, sent: &'a Sent) -> TestBody<'a> {
    let status = if sent.outcome == Outcome::Succeeded { DeliveryStatus::Succeeded } else { DeliveryStatus::Failed };
    let response = sent.response.as_ref().map(|response| {
        let content_type = response.headers.get("content-type").and_then(|value| value.to_str().ok());
        let shown = content_type.is_some_and(is_text);
        ResponseBody {
            status_code: response.status,
            content_type,
            length: response.body.len(),
            truncated: response.truncated,
            body: shown.then(|| String::from_utf8_lossy(&response.body).into_owned()),
        }
    });
    let attempts = std::slice::from_ref(&sent.attempt);
    let delivery = Body {
        id: id.as_str(),
        event_id: id.as_str(),
        event_type: "webhook.test",
        status,
        attempts,
        next_attempt_at: None,
    };
    TestBody { delivery, response }
}

/// Reports that a body of this media type is shown: `text/*`, JSON, and types that end in `+json`.
fn is_text(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.starts_with("text/") || media_type == "application/json" || media_type.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_and_json_are_shown() {
        for shown in ["text/plain", "Text/HTML; charset=utf-8", "application/json", "application/problem+json"] {
            assert!(is_text(shown), "{shown}");
        }
        for hidden in ["", "application/octet-stream", "image/png", "application/jsonp"] {
            assert!(!is_text(hidden), "{hidden}");
        }
    }

    #[test]
    fn the_id_of_a_test_is_a_ulid_of_its_time() {
        let now = Timestamp::from_millis(1_767_323_045_678);
        let id = test_id(now, [255; 10]).unwrap();
        assert_eq!(trustplane_domain::audit_chain::time_of(id.as_str()), Some(now));
    }
}
