//! `/v1/aws/…`: what is behind the connection, as it was last read: permission sets, accounts, and who has which where.
//!
//! Answered from the table. `POST /v1/aws/sync` asks for a new reading, which `sync-organizations` does in the background.

use serde::Serialize;
use trustplane_domain::connection::Connection;
use trustplane_domain::inventory::{Row, Seen, Sync, SyncFailure, SyncStatus};
use trustplane_domain::region::AccountId;
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Change, Kind, Resource};
use trustplane_runtime::{Answer, Call, Listed, Page, Reply};
use trustplane_store::{Query, Read, StoreError, Stored, Writes, keys};

use crate::config::connection;

/// A page of rows, and of when they are.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub(crate) struct Rows<T> {
    #[serde(flatten)]
    page: Listed<T>,
    last_synced_at: Option<Timestamp>,
    sync_status: SyncStatus,
    sync_failure: Option<Why>,
}

/// Why a reading was given up.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsSyncFailure"))]
struct Why {
    code: SyncFailure,
    /// The IAM action of `denied`.
    action: Option<String>,
    message: String,
}

/// A row on the wire: its fields, whatever it is.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Account(&'a trustplane_domain::inventory::Account),
    PermissionSet(&'a trustplane_domain::inventory::PermissionSet),
    Assignment(&'a trustplane_domain::inventory::Assignment),
}

/// How the reading stands.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AwsSync"))]
pub(crate) struct Standing {
    status: SyncStatus,
    requested_at: Option<Timestamp>,
    last_synced_at: Option<Timestamp>,
}

/// GET `/v1/aws/accounts`.
pub async fn accounts(call: Call) -> Result<Reply, Failure> {
    list(&call, Ok(keys::AWS_ACCOUNTS.to_owned())).await
}

/// GET `/v1/aws/permission-sets`.
pub async fn permission_sets(call: Call) -> Result<Reply, Failure> {
    list(&call, Ok(keys::AWS_PERMISSION_SETS.to_owned())).await
}

/// GET `/v1/aws/assignments`, of all accounts or of `account_id`.
pub async fn assignments(call: Call) -> Result<Reply, Failure> {
    let prefix = match call.request.query("account_id") {
        None => Ok(keys::AWS_ASSIGNMENTS.to_owned()),
        Some(account) => AccountId::parse(&account)
            .map(|account| keys::aws_assignments(account.as_str()))
            .map_err(|message| Failure::invalid("account_id", message)),
    };
    list(&call, prefix).await
}

async fn list(call: &Call, prefix: Result<String, Failure>) -> Result<Reply, Failure> {
    let page = Page::of(&call.request, prefix.as_deref().unwrap_or_default());
    let input = match (prefix, page) {
        (Ok(prefix), Ok(page)) => Ok((prefix, page)),
        (Err(one), Err(other)) => Err(one.joined(other)),
        (Err(one), _) | (_, Err(one)) => Err(one),
    };
    call.view(
        |tenant, _| vec![tenant.connection(), tenant.aws_sync()],
        Some(&|tenant, (prefix, page): &(String, Page)| page.query(Query::prefix(tenant, prefix.clone()))),
        input,
        |read, (_, page), tenant| {
            let connection = connection(read, tenant)?.value;
            let sync = kept(read, tenant)?.map(|sync| sync.value).unwrap_or_default();
            let listing = read.listing::<Seen>(tenant)?;
            let seen = listing.rows.iter().map(|row| &row.value).filter(|seen| sync.shows(seen));
            let rows = Rows {
                page: page.listed(seen.map(shown).collect(), listing.next.as_deref()),
                last_synced_at: sync.last_synced_at,
                sync_status: sync.status(),
                sync_failure: why(&sync),
            };
            Ok(Change::new(resource(&connection), Ok(Reply::ok(&rows))))
        },
    )
    .await
}

/// POST `/v1/aws/sync`: asks for a reading; the same one where one is under way.
pub async fn sync(call: Call) -> Result<Reply, Failure> {
    call.change(
        |tenant, ()| vec![tenant.connection(), tenant.aws_sync()],
        Ok(()),
        |read, (), tenant| {
            let connection = connection(read, tenant)?;
            let before = kept(read, tenant)?;
            let outcome = if connection.value.settings.configured() {
                let now = before.as_ref().map(|before| before.value.clone()).unwrap_or_default();
                let after = now.requested(call.now);
                let writes = match &before {
                    Some(before) if before.value == after => Writes::new(),
                    Some(before) => Writes::new().replace(before, &after)?,
                    None => Writes::new().create(&tenant.aws_sync(), &after)?,
                };
                Ok(Answer::new(writes, Reply::json(202, &standing(&after))))
            } else {
                Err(Failure::conflict(Conflict::NotConfigured, "no configuration is saved that could be read through"))
            };
            Ok(Change::new(resource(&connection.value), outcome))
        },
    )
    .await
}

/// `writes`, with everything forgotten that was read through settings that do not stand any more.
pub(crate) fn forgetting(
    writes: Writes,
    sync: Option<&Stored<Sync>>,
    before: &Connection,
    after: &Connection,
    now: Timestamp,
) -> Result<Writes, StoreError> {
    let forgotten =
        sync.filter(|_| before.settings != after.settings).and_then(|sync| Some((sync, sync.value.forgotten(now)?)));
    match forgotten {
        Some((sync, forgotten)) => writes.replace(sync, &forgotten),
        None => Ok(writes),
    }
}

pub(crate) fn kept(read: &mut Read, tenant: keys::Tenant) -> Result<Option<Stored<Sync>>, StoreError> {
    read.take(&tenant.aws_sync())
}

fn shown(seen: &Seen) -> Shown<'_> {
    match &seen.row {
        Row::Account(account) => Shown::Account(account),
        Row::PermissionSet(set) => Shown::PermissionSet(set),
        Row::Assignment(assignment) => Shown::Assignment(assignment),
    }
}

fn standing(sync: &Sync) -> Standing {
    Standing { status: sync.status(), requested_at: sync.requested_at, last_synced_at: sync.last_synced_at }
}

fn why(sync: &Sync) -> Option<Why> {
    Some(Why { code: sync.failure?, action: sync.denied_action.clone(), message: sync.advice()? })
}

fn resource(connection: &Connection) -> Resource {
    let instance = connection.settings.sso_instance_arn.as_ref().map_or("", |arn| arn.instance_id());
    Resource::new(Kind::Instance, instance)
}
