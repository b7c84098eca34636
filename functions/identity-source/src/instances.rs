//! `/v1/instances`: the instance of a tenant's connection, and the identity source behind it.
//!
//! Facts from AWS are remembered with the connection. They are fresh for five minutes, and served for as long as AWS is away.

use serde::Serialize;
use trustplane_aws::{AccessPath, CustomerError};
use trustplane_domain::connection::{Connection, InstanceFacts, Settings};
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Grant, Kind};
use trustplane_runtime::{Budget, Call, Context, Planned, Response, Subject, Worked, both};
use trustplane_store::{Stored, Writes};

use crate::parameters;

/// Time for which what AWS said is fresh, in milliseconds.
const FRESH: i64 = 5 * 60 * SECOND;

/// An IAM Identity Center instance.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Instance"))]
struct Instance<'a> {
    /// Id of the identity store of the instance.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    identity_store_id: &'a str,
    /// Id of the instance.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    instance_id: &'a str,
    /// Name of the instance; null without one.
    alias: Option<&'a str>,
    /// ARN of the instance.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    instance_urn: &'a str,
}

/// A page of instances.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Instances"))]
pub(crate) struct Instances<'a> {
    /// The instances.
    instances: Vec<Instance<'a>>,
    /// Position of the page.
    page_info: PageInfo,
}

/// The position of a page.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PageInfo"))]
struct PageInfo {
    /// There is no second page: a connection has one instance.
    next_marker: Option<String>,
    /// Number of rows of the page.
    current_count: usize,
}

/// The identity source of an instance.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentityStoreAssociation"))]
struct Association<'a> {
    /// Id of the identity store.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    identity_store_id: &'a str,
    /// Type of the identity store.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "UserPool")))]
    identity_store_type: &'static str,
    /// `SAML_2.0` while an external identity provider is enabled, otherwise `DEFAULT`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["SAML_2.0", "DEFAULT"])))]
    authentication_type: &'static str,
    /// Origin of the users.
    #[cfg_attr(feature = "schema", schemars(extend("items" = serde_json::json!({"type": "string", "enum": ["DEFAULT", "SCIM"]}))))]
    provisioning_type: [&'static str; 1],
    /// Status of the identity store.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["ENABLED", "DISABLED"])))]
    status: &'static str,
}

/// The identity source of an instance, as a list.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentityStoreAssociations"))]
pub(crate) struct Associations<'a> {
    /// The identity source.
    identity_store_associations: [Association<'a>; 1],
}

/// An instance as it is known: from AWS now, or remembered.
pub(crate) struct Known {
    connection: Connection,
    instance: InstanceFacts,
    /// AWS could not be asked now.
    stale: bool,
}

/// GET `/v1/instances`.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(|request| both(parameters::limit(request), parameters::marker(request)))
        .reads(|_, keys| keys.connection().expected())
        .subject(|_, connection, _| Subject::new(Kind::Instance, connection.and_then(own_id).unwrap_or_default()))
        .plan(|((_, marker), ()), connection, _| {
            configured(&connection.value.settings)?;
            Ok(Planned::new((connection, marker.clone())))
        })
        .then(async |(connection, _): &(_, _), cx: &Context<'_>, grant: &Grant| known(cx, grant, connection).await)
        .decide(|(_, marker), known, cx| {
            let is_after = marker.is_none_or(|marker| known.instance.instance_id > marker);
            let instances: Vec<_> = is_after.then(|| known.instance()).into_iter().collect();
            let page_info = PageInfo { next_marker: None, current_count: instances.len() };
            Ok(known.response(&Instances { instances, page_info }, cx.now))
        })
        .await
}

/// GET `/v1/instances/{instance_id}/identity-store-associations`.
pub async fn associations(call: Call) -> Result<Response, Failure> {
    call.input(|request| parameters::id(request, "instance_id"))
        .reads(|_, keys| keys.connection().expected())
        .subject(|(id, ()), _, _| Subject::new(Kind::Instance, id.clone()))
        .plan(|(id, ()), connection, _| {
            configured(&connection.value.settings)?;
            if own_id(&connection) != Some(id) {
                return Err(Failure::NotFound("instance"));
            }
            Ok(Planned::new(connection))
        })
        .then(async |connection: &_, cx: &Context<'_>, grant: &Grant| known(cx, grant, connection).await)
        .decide(|_, known, cx| {
            let identity_store_associations = [known.association()];
            Ok(known.response(&Associations { identity_store_associations }, cx.now))
        })
        .await
}

/// Resolves the instance of a connection: from what is remembered while it is fresh, else from AWS.
async fn known<B>(
    cx: &Context<'_>,
    grant: &Grant,
    remembered: &Stored<Connection>,
) -> Result<Worked<Known, B>, Failure> {
    let Stored { value: connection, .. } = remembered;
    let known = |instance: &InstanceFacts, stale| {
        Worked::Done(Known { connection: connection.clone(), instance: instance.clone(), stale })
    };
    if connection.instance.is_none() {
        spend(cx, grant, connection).await?;
    }
    match &connection.instance {
        Some(instance) if cx.now.millis_since(instance.seen_at) < FRESH => Ok(known(instance, false)),
        Some(instance) if !may_spend(cx, grant, connection).await? => Ok(known(instance, true)),
        instance => match (fetch(cx, grant, remembered).await, instance) {
            (Ok(known), _) => Ok(Worked::Done(known)),
            (Err(error), Some(instance)) if error.is_passing() => {
                tracing::warn!(error = %error, "a remembered instance is served");
                Ok(known(instance, true))
            }
            (Err(error), _) => Err(error.into()),
        },
    }
}

/// The budgets of an operation through the connection's role. One that is not proven is tried without its ExternalId too.
fn budgets(connection: &Connection) -> &'static [Budget] {
    match connection.role_proven {
        true => &[Budget::CustomersAws],
        false => &[Budget::NegativeControl, Budget::CustomersAws],
    }
}

/// Spends one operation through the connection's role. One write, or two where the role is not proven.
pub(crate) async fn spend(cx: &Context<'_>, grant: &Grant, connection: &Connection) -> Result<(), Failure> {
    for budget in budgets(connection) {
        cx.spend(grant, *budget).await?;
    }
    Ok(())
}

/// Spends one operation, if there is one left. Other requests that count at this moment are taken for a spent budget: what is
/// remembered is served.
async fn may_spend(cx: &Context<'_>, grant: &Grant, connection: &Connection) -> Result<bool, Failure> {
    for budget in budgets(connection) {
        match cx.may_spend(grant, *budget).await {
            Ok(true) => {}
            Ok(false) | Err(Failure::Unavailable { .. }) => return Ok(false),
            Err(failure) => return Err(failure),
        }
    }
    Ok(true)
}

/// Fetches the instance from AWS, and remembers it for as long as these settings are current. What keeps it from being
/// remembered changes nothing for the client: the next request asks AWS again.
pub(crate) async fn fetch(
    cx: &Context<'_>,
    grant: &Grant,
    remembered: &Stored<Connection>,
) -> Result<Known, CustomerError> {
    let before = &remembered.value;
    let (Some(arn), Some(path)) = (&before.settings.sso_instance_arn, AccessPath::of(grant.tenant(), before)) else {
        return Err(CustomerError::instance_gone());
    };
    let seen = cx.platform().customers.instance(&path, arn, cx.now).await;
    let after = match &seen {
        Ok(instance) => cx.call().remembering(grant, before, instance.clone()).await,
        Err(error) if error.is_gone() => Connection { instance: None, ..before.clone() },
        Err(_) => before.clone(),
    };
    let writes = Writes::new().replace_if_changed(remembered, &after);
    if !writes.is_empty()
        && let Err(failure) = cx.note(grant, writes).await
    {
        tracing::warn!(cause = failure.cause().map(ToString::to_string), "an instance is not remembered");
    }
    Ok(Known { instance: seen?, connection: after, stale: false })
}

impl Known {
    fn instance(&self) -> Instance<'_> {
        Instance {
            identity_store_id: &self.instance.identity_store_id,
            instance_id: &self.instance.instance_id,
            alias: self.instance.name.as_deref(),
            instance_urn: self.connection.settings.sso_instance_arn.as_ref().map_or("", |arn| arn.as_str()),
        }
    }

    fn association(&self) -> Association<'_> {
        Association {
            identity_store_id: &self.instance.identity_store_id,
            identity_store_type: "UserPool",
            authentication_type: if self.connection.provider_enabled { "SAML_2.0" } else { "DEFAULT" },
            provisioning_type: ["DEFAULT"],
            status: if self.instance.status == "ACTIVE" { "ENABLED" } else { "DISABLED" },
        }
    }

    /// The response with this body, marked as stale where it is (RFC 9111, 5.1; RFC 7234, 5.5.3).
    fn response(&self, body: &impl Serialize, now: Timestamp) -> Response {
        let response = Response::ok(body);
        if !self.stale {
            return response;
        }
        let age = now.millis_since(self.instance.seen_at).max(0) / SECOND;
        let warning = "111 - \"Revalidation Failed: AWS could not be asked\"";
        response.header("age", age.to_string()).header("warning", warning)
    }
}

/// The id of the connection's instance.
fn own_id(connection: &Stored<Connection>) -> Option<&str> {
    connection.value.settings.sso_instance_arn.as_ref().map(|arn| arn.instance_id())
}

/// Checks that a connection is saved.
pub(crate) fn configured(settings: &Settings) -> Result<(), Failure> {
    if settings.configured() {
        Ok(())
    } else {
        Err(Failure::conflict(Conflict::NotConfigured, "There is no such instance: no connection to one is saved"))
    }
}
