//! `/v1/instances`: the instance of a tenant's connection, and the identity source behind it.
//!
//! What AWS says is remembered with the connection and answered from for five minutes, and for as long as AWS is away.

use serde::Serialize;
use trustplane_aws::{CustomerError, Way};
use trustplane_domain::connection::{Connection, InstanceFacts, Settings};
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::{Conflict, Failure, Faults};
use trustplane_policy::{Change, Grant, Kind, Resource};
use trustplane_runtime::{Call, Permitted, Reply};
use trustplane_store::{Read, StoreError, Stored, Writes, keys};

use crate::parameters;

/// How long an answer of AWS is good, in milliseconds.
const FRESH: i64 = 5 * 60 * SECOND;

/// An instance on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Instance"))]
struct Instance<'a> {
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    identity_store_id: &'a str,
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    instance_id: &'a str,
    alias: Option<&'a str>,
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    instance_urn: &'a str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Instances"))]
pub(crate) struct Instances<'a> {
    instances: Vec<Instance<'a>>,
    page_info: PageInfo,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PageInfo"))]
struct PageInfo {
    /// There is no second page: a connection has one instance.
    next_marker: Option<String>,
    current_count: usize,
}

/// An identity source on the wire.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentityStoreAssociation"))]
struct Association<'a> {
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    identity_store_id: &'a str,
    #[cfg_attr(feature = "schema", schemars(extend("const" = "UserPool")))]
    identity_store_type: &'static str,
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["SAML_2.0", "DEFAULT"])))]
    authentication_type: &'static str,
    #[cfg_attr(feature = "schema", schemars(extend("items" = serde_json::json!({"type": "string", "enum": ["DEFAULT", "SCIM"]}))))]
    provisioning_type: [&'static str; 1],
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ENABLED", "DISABLED"])))]
    status: &'static str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentityStoreAssociations"))]
pub(crate) struct Associations<'a> {
    identity_store_associations: [Association<'a>; 1],
}

/// What is known of an instance, and when that was seen if AWS could not be asked now.
struct Known {
    connection: Connection,
    instance: InstanceFacts,
    stale: bool,
}

/// GET `/v1/instances`.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let mut faults = Faults::default();
    let (_, marker) = (parameters::limit(&call, &mut faults), parameters::marker(&call, &mut faults));
    let known = known(&call, faults.into_result().map(|()| None)).await?;
    let Known { connection, instance, .. } = &known;
    let after_marker = marker.is_none_or(|marker| instance.instance_id > marker);
    let instances: Vec<Instance<'_>> = after_marker
        .then(|| Instance {
            identity_store_id: &instance.identity_store_id,
            instance_id: &instance.instance_id,
            alias: instance.name.as_deref(),
            instance_urn: connection.settings.sso_instance_arn.as_ref().map_or("", |arn| arn.as_str()),
        })
        .into_iter()
        .collect();
    let page_info = PageInfo { next_marker: None, current_count: instances.len() };
    Ok(known.reply(&call, Reply::ok(&Instances { instances, page_info })))
}

/// GET `/v1/instances/{instance_id}/identity-store-associations`.
pub async fn associations(call: Call) -> Result<Reply, Failure> {
    let mut faults = Faults::default();
    let instance_id = parameters::id(&call, "instance_id", &mut faults);
    let known = known(&call, faults.into_result().map(|()| instance_id)).await?;
    let association = Association {
        identity_store_id: &known.instance.identity_store_id,
        identity_store_type: "UserPool",
        authentication_type: if known.connection.provider_enabled { "SAML_2.0" } else { "DEFAULT" },
        provisioning_type: ["DEFAULT"],
        status: if known.instance.status == "ACTIVE" { "ENABLED" } else { "DISABLED" },
    };
    Ok(known.reply(&call, Reply::ok(&Associations { identity_store_associations: [association] })))
}

/// What is known of the instance `wanted`, or of whichever the connection has.
async fn known(call: &Call, wanted: Result<Option<String>, Failure>) -> Result<Known, Failure> {
    let Permitted { grant, change, .. } = call
        .permit(&|tenant: keys::Tenant, _| vec![tenant.connection()], None, &wanted, |read, wanted, tenant| {
            let connection = take_connection(read, tenant)?;
            let settings = &connection.value.settings;
            let own = settings.sso_instance_arn.as_ref().map(|arn| arn.instance_id().to_owned());
            let outcome = match (wanted, configured(settings)) {
                (_, Err(failure)) => Err(failure),
                (Some(wanted), _) if own.as_ref() != Some(wanted) => Err(Failure::NotFound("instance")),
                _ => Ok(connection),
            };
            let id = wanted.clone().or(own).unwrap_or_default();
            Ok(Change::new(Resource::new(Kind::Instance, id), outcome))
        })
        .await?;
    let remembered = change.outcome?;
    if let Some(instance) = remembered.value.instance.clone()
        && call.now.millis_since(instance.seen_at) < FRESH
    {
        return Ok(Known { connection: remembered.value, instance, stale: false });
    }
    match look(call, &grant, &remembered).await {
        Ok((connection, instance)) => Ok(Known { connection, instance, stale: false }),
        Err(error) => match remembered.value.instance.clone() {
            Some(instance) if error.is_passing() => {
                // Logged, and not said: there is an answer.
                let _ = call.customer_failure(&error);
                Ok(Known { connection: remembered.value, instance, stale: true })
            }
            _ => Err(call.customer_failure(&error)),
        },
    }
}

/// Asks AWS, and remembers what it says: for as long as these settings stand. A failure to remember is not one to
/// answer: the next request asks again.
pub(crate) async fn look(
    call: &Call,
    grant: &Grant,
    remembered: &Stored<Connection>,
) -> Result<(Connection, InstanceFacts), CustomerError> {
    let before = &remembered.value;
    let (Some(arn), Some(way)) = (&before.settings.sso_instance_arn, Way::of(grant.tenant(), before)) else {
        return Err(CustomerError::InstanceGone);
    };
    let seen = call.platform.customers.instance(&way, arn, call.now).await;
    let after = match &seen {
        Ok(instance) => call.remembering(grant, before, instance.clone()).await,
        Err(CustomerError::InstanceGone) => Connection { instance: None, ..before.clone() },
        Err(_) => return seen.map(|instance| (before.clone(), instance)),
    };
    if after != *before
        && let Ok(writes) = Writes::new().replace(remembered, &after)
    {
        let _ = call.note(grant, writes).await;
    }
    seen.map(|instance| (after, instance))
}

impl Known {
    /// The reply, said to be old where it is (RFC 9111, 5.1; RFC 7234, 5.5.3).
    fn reply(&self, call: &Call, reply: Reply) -> Reply {
        if !self.stale {
            return reply;
        }
        let age = call.now.millis_since(self.instance.seen_at).max(0) / SECOND;
        reply.header("age", age.to_string()).header("warning", "111 - \"Revalidation Failed: AWS could not be asked\"")
    }
}

/// Whether there is a connection to look through.
pub(crate) fn configured(settings: &Settings) -> Result<(), Failure> {
    if settings.configured() {
        Ok(())
    } else {
        Err(Failure::conflict(Conflict::NotConfigured, "There is no such instance: no connection to one is saved"))
    }
}

pub(crate) fn take_connection(read: &mut Read, tenant: keys::Tenant) -> Result<Stored<Connection>, StoreError> {
    // A tenant is made in one transaction with its connection.
    read.take(&tenant.connection())?.ok_or_else(|| StoreError::missing("connection"))
}
