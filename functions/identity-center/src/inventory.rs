//! `/v1/aws/…`: the permission sets, accounts and assignments behind the connection, as they were last read.
//!
//! They are served from the table. `POST /v1/aws/sync` requests a new reading, which `sync-organizations` does in the
//! background.

use serde::Serialize;
use trustplane_domain::connection::Connection;
use trustplane_domain::inventory::{Row, Seen, Sync, SyncFailure, SyncStatus};
use trustplane_domain::region::AccountId;
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::Kind;
use trustplane_runtime::Listed;
use trustplane_runtime::{Call, Decision, Page, Request, Response, Subject, both};
use trustplane_store::{Query, Slot, Stored, TenantKeys, Writes};

/// A page of rows, and the time of their reading.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub(crate) struct Rows<T> {
    #[serde(flatten)]
    page: Listed<T>,
    last_synced_at: Option<Timestamp>,
    sync_status: SyncStatus,
    sync_failure: Option<Why>,
}

/// The reason for which a reading was given up.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsSyncFailure"))]
struct Why {
    code: SyncFailure,
    /// The IAM action of `denied`.
    action: Option<String>,
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

/// The progress of the reading.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsSync"))]
pub(crate) struct Progress {
    status: SyncStatus,
    requested_at: Option<Timestamp>,
    last_synced_at: Option<Timestamp>,
}

/// GET `/v1/aws/accounts`.
pub async fn accounts(call: Call) -> Result<Response, Failure> {
    list(call, |_| Ok(()), |(), keys| keys.aws_accounts()).await
}

/// GET `/v1/aws/permission-sets`.
pub async fn permission_sets(call: Call) -> Result<Response, Failure> {
    list(call, |_| Ok(()), |(), keys| keys.aws_permission_sets()).await
}

/// GET `/v1/aws/assignments`, of all accounts or of `account_id`.
pub async fn assignments(call: Call) -> Result<Response, Failure> {
    let account = |request: &Request| {
        let account = request.query("account_id").map(|text| AccountId::parse(&text)).transpose();
        account.map_err(|message| Failure::invalid("account_id", message))
    };
    list(call, account, |account, keys| keys.aws_assignments(account.as_ref().map(AccountId::as_str))).await
}

async fn list<F>(
    call: Call,
    filter: impl Fn(&Request) -> Result<F, Failure>,
    query: impl Fn(&F, TenantKeys) -> Query<Seen>,
) -> Result<Response, Failure> {
    call.input(|request| both(filter(request), Page::of(request)))
        .reads(|(filter, page), keys| {
            (keys.connection().expected(), keys.aws_sync().optional(), page.rows(query(filter, keys)))
        })
        .subject(|_, loaded, _| subject(loaded.map(|(connection, ..)| connection)))
        .decide(|_, (_, sync, rows), _| {
            let sync = sync.value().cloned().unwrap_or_default();
            Ok(Response::ok(&Rows {
                page: rows.listed(|seen| sync.shows(seen).then(|| shown(seen))),
                last_synced_at: sync.last_synced_at,
                sync_status: sync.status(),
                sync_failure: why(&sync),
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
            let after = slot.value().cloned().unwrap_or_default().requested(cx.now);
            let writes = if slot.value() == Some(&after) { Writes::new() } else { slot.write(&after) };
            Ok(Decision::write(writes, Response::json(202, &progress(&after))))
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

fn progress(sync: &Sync) -> Progress {
    Progress { status: sync.status(), requested_at: sync.requested_at, last_synced_at: sync.last_synced_at }
}

fn why(sync: &Sync) -> Option<Why> {
    Some(Why { code: sync.failure?, action: sync.denied_action.clone(), message: sync.advice()? })
}

/// The subject of a request: the instance of the connection.
fn subject(connection: Option<&Stored<Connection>>) -> Subject {
    let instance = connection.and_then(|connection| connection.value.settings.sso_instance_arn.as_ref());
    Subject::new(Kind::Instance, instance.map_or("", |arn| arn.instance_id()))
}
