//! `/v1/aws/…`: the permission sets, accounts and assignments behind the connection, as they were last read.
//!
//! They are served from the table. `POST /v1/aws/sync` requests a new reading, which `sync-organizations` does in the
//! background.

use serde::Serialize;
use trustplane_domain::connection::{Connection, Deployment};
use trustplane_domain::inventory::{Half, Progress, Row, Seen, Sync, SyncFailure, SyncStatus};
use trustplane_domain::region::AccountId;
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::Kind;
use trustplane_runtime::Listed;
use trustplane_runtime::{Call, Decision, Page, Request, Response, Subject, both};
use trustplane_store::{Query, Slot, Stored, TenantKeys, Writes};

use crate::connection_test::deployment;

/// A page of rows, and the time of their reading.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub(crate) struct Rows<T> {
    #[serde(flatten)]
    page: Listed<T>,
    /// Time of the reading that the rows are from; null before the first.
    last_synced_at: Option<Timestamp>,
    /// State of the last reading.
    sync_status: SyncStatus,
    /// Failure of the last reading; null if it did not fail.
    sync_failure: Option<Why>,
    /// The progress of a reading that is in progress.
    progress: Option<Progress>,
}

/// The reason for which a reading was given up.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsSyncFailure"))]
struct Why {
    /// Kind of the failure.
    code: SyncFailure,
    /// The IAM action of `denied`.
    action: Option<String>,
    /// The failure and its remedy, for people.
    message: String,
}

/// A row on the wire: the fields of its kind.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Account(&'a trustplane_domain::inventory::Account),
    PermissionSet(&'a trustplane_domain::inventory::PermissionSet),
    Assignment(&'a trustplane_domain::inventory::Assignment),
}

/// The state of the reading.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsSync"))]
pub(crate) struct State {
    /// State of the reading.
    status: SyncStatus,
    /// Time of the last request; null before the first.
    requested_at: Option<Timestamp>,
    /// Time of the last complete reading; null before the first.
    last_synced_at: Option<Timestamp>,
}

/// GET `/v1/aws/accounts`.
pub async fn accounts(call: Call) -> Result<Response, Failure> {
    list(call, |_| Ok(()), |(), keys, half| keys.aws_accounts(half)).await
}

/// GET `/v1/aws/permission-sets`.
pub async fn permission_sets(call: Call) -> Result<Response, Failure> {
    list(call, |_| Ok(()), |(), keys, half| keys.aws_permission_sets(half)).await
}

/// GET `/v1/aws/assignments`, of all accounts or of `account_id`.
pub async fn assignments(call: Call) -> Result<Response, Failure> {
    let account = |request: &Request| {
        let account = request.query("account_id").map(|text| AccountId::parse(&text)).transpose();
        account.map_err(|message| Failure::invalid("account_id", message))
    };
    list(call, account, |account, keys, half| keys.aws_assignments(half, account.as_ref().map(AccountId::as_str))).await
}

async fn list<F>(
    call: Call,
    filter: impl Fn(&Request) -> Result<F, Failure>,
    query: impl Fn(&F, TenantKeys, Half) -> Query<Seen>,
) -> Result<Response, Failure> {
    call.input(|request| both(filter(request), Page::of(request)))
        .reads(|(filter, page), keys| {
            // One of the two halves is shown. Both are read, in the same round trip; a page is one call of 1 MB at most, so
            // that the response stays below Lambda's limit.
            let rows = |half| page.rows(query(filter, keys, half).one_call());
            (keys.connection().expected(), keys.aws_sync().optional(), rows(Half::First), rows(Half::Second))
        })
        .subject(|_, loaded, _| subject(loaded.map(|(connection, ..)| connection)))
        .decide(|_, (connection, sync, first, second), cx| {
            let sync = sync.value().cloned().unwrap_or_default();
            let (half, rows) = match sync.shown.map(|shown| shown.half) {
                Some(Half::Second) => (Half::Second, second),
                _ => (Half::First, first),
            };
            let page = if sync.shown.is_some() {
                rows.listed(|seen| sync.shows(half, seen).then(|| shown(seen)))
            } else {
                Listed::none()
            };
            Ok(Response::ok(&Rows {
                page,
                last_synced_at: sync.last_synced_at(),
                sync_status: sync.status(),
                sync_failure: why(&sync, &connection.value, &deployment(cx)?),
                progress: sync.progress(),
            }))
        })
        .await
}

/// POST `/v1/aws/sync`: requests a reading; the same one if one is under way.
pub async fn sync(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .reads(|(), keys| (keys.connection().expected(), keys.aws_sync().optional()))
        .subject(|_, loaded, _| subject(loaded.map(|(connection, _)| connection)))
        .decide(|_, (connection, slot), cx| {
            if !connection.value.settings.configured() {
                let message = "no configuration is saved that could be read through";
                return Err(Failure::conflict(Conflict::NotConfigured, message));
            }
            let after = slot.value().cloned().unwrap_or_default().requested(cx.now, settles_at(&connection.value));
            let writes = if slot.value() == Some(&after) { Writes::new() } else { slot.write(&after) };
            Ok(Decision::write(writes, Response::json(202, &state(&after))))
        })
        .await
}

/// Forgets everything that was read through other settings than those of `after`.
pub(crate) fn forget(sync: &Slot<Sync>, before: &Connection, after: &Connection, now: Timestamp) -> Writes {
    let sync = sync.item.as_ref().filter(|_| before.settings != after.settings);
    match sync.and_then(|sync| Some((sync, sync.value.forgotten(now)?))) {
        Some((sync, forgotten)) => Writes::new().replace(sync, &forgotten),
        None => Writes::new(),
    }
}

fn shown(seen: &Seen) -> Shown<'_> {
    match &seen.row {
        Row::Account(account) => Shown::Account(account),
        Row::PermissionSet(set) => Shown::PermissionSet(set),
        Row::Assignment(assignment) => Shown::Assignment(assignment),
    }
}

fn state(sync: &Sync) -> State {
    State { status: sync.status(), requested_at: sync.requested_at, last_synced_at: sync.last_synced_at() }
}

/// Returns the end of the time in which the denial of a role that was just saved is tried again.
fn settles_at(connection: &Connection) -> Option<Timestamp> {
    const SETTLES: i64 = 3 * 60 * SECOND;
    connection.saved_at.map(|saved_at| saved_at.plus_millis(SETTLES))
}

fn why(sync: &Sync, connection: &Connection, deployment: &Deployment) -> Option<Why> {
    let message = sync.advice(connection, deployment)?;
    Some(Why { code: sync.failure?, action: sync.denied_action().map(ToOwned::to_owned), message })
}

/// The subject of a request: the instance of the connection.
fn subject(connection: Option<&Stored<Connection>>) -> Subject {
    let instance = connection.and_then(|connection| connection.value.settings.sso_instance_arn.as_ref());
    Subject::new(Kind::Instance, instance.map_or("", |arn| arn.instance_id()))
}
