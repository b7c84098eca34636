//! `/v1/notification-contacts`: the people of a tenant whom the platform writes to. Events that are notices carry them.

use serde::Serialize;
use trustplane_domain::directory::email_address::EmailAddress;
use trustplane_domain::notification::{MAX_CONTACTS, NotificationContacts, View};
use trustplane_domain::request::List;
use trustplane_domain::{Failure, Timestamp, request};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Decision, Request, Response, Subject};
use trustplane_store::Slot;

/// The id of the resource in the audit log.
const RESOURCE: &str = "notification-contacts";

/// Notification contacts on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "NotificationContacts"))]
pub(crate) struct Body<'a> {
    /// E-mail addresses; none before the first are saved.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_CONTACTS)))]
    contacts: &'a [EmailAddress],
    /// Time of the last change; null before the first.
    updated_at: Option<Timestamp>,
}

request! {
    /// Notification contacts to save.
    pub(crate) struct SaveNotificationContacts {
        /// E-mail addresses. An empty list removes all.
        required contacts: List<EmailAddress, 0, MAX_CONTACTS> = "contacts",
    }
}

/// GET: the contacts.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| keys.notification_contacts().optional())
        .subject(|_, contacts, _| subject(contacts))
        .decide(|_, contacts, _| Ok(Response::ok(&body(contacts.value())).etag(version(&contacts))))
        .await
}

/// PUT: replaces the contacts.
pub async fn put(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .body(wanted)
        .reads(|(), keys| keys.notification_contacts().optional())
        .subject(|(_, wanted), contacts, _| subject(contacts).after(image(wanted)))
        .decide(|(_, wanted), before, cx| {
            if before.value().map_or(&[][..], |before| &before.contacts) == wanted.as_slice() {
                let response = Response::ok(&body(before.value())).etag(version(&before));
                return Ok(Decision::respond(response));
            }
            let after = NotificationContacts { contacts: wanted.clone(), updated_at: cx.now };
            let response = Response::ok(&body(Some(&after))).etag(before.next_version());
            Ok(Decision::write(before.write(&after), response))
        })
        .await
}

fn wanted(request: &Request) -> Result<Vec<EmailAddress>, Failure> {
    let mut fields = request.fields()?;
    let SaveNotificationContacts { contacts } = SaveNotificationContacts::read(&mut fields);
    fields.finished(contacts)
}

fn subject(contacts: Option<&Slot<NotificationContacts>>) -> Subject {
    let before = contacts.and_then(Slot::value).map(|contacts| image(&contacts.contacts));
    Subject::new(Kind::NotificationContacts, RESOURCE).before(before).version(contacts.map(version))
}

/// The version of the contacts; 0 before the first are saved.
fn version(contacts: &Slot<NotificationContacts>) -> u64 {
    contacts.version().unwrap_or_default()
}

fn image(contacts: &[EmailAddress]) -> Image {
    Image::of(&View { count: contacts.len() })
}

fn body(contacts: Option<&NotificationContacts>) -> Body<'_> {
    Body {
        contacts: contacts.map_or(&[], |contacts| &contacts.contacts),
        updated_at: contacts.map(|contacts| contacts.updated_at),
    }
}
