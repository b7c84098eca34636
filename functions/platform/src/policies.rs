//! `/v1/policies`: a tenant's own Cedar policies beside the built-in ones.

use std::cell::OnceCell;
use std::sync::OnceLock;

use serde::Serialize;
use serde_json::{Value, json};
use trustplane_domain::credential::Credential;
use trustplane_domain::failure::PolicyProblem;
use trustplane_domain::ids::TenantId;
use trustplane_domain::policy::{NewPolicy, PolicyId, PolicySet, SavedPolicy, shape};
use trustplane_domain::tenant::Tenant;
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_policy::{Asked, Change, Image, Kind, Policies, Resource, Schema, Sealed, decide};
use trustplane_runtime::{Answer, Call, OperatorCall, Reply, actions};
use trustplane_store::{Read, StoreError, Stored, Told, Writes, keys};

use crate::credentials::caller;

/// A policy on the wire. Nobody has written a built-in one.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Policy"))]
pub(crate) struct Body<'a> {
    id: &'a str,
    text: &'a str,
    enabled: bool,
    built_in: bool,
    updated_at: Option<Timestamp>,
    updated_by: Option<&'a str>,
    /// Only in the response to a save: the caller could not delete the policy again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A policy as policies and the audit log see it.
#[derive(Debug, Serialize)]
struct View<'a> {
    text: &'a str,
    enabled: bool,
}

/// What a request wants a policy to be; whether the text is good is only asked once the request may.
#[derive(Debug)]
struct Wanted {
    id: PolicyId,
    text: String,
    enabled: bool,
}

/// The tenant and its policies as they stand. Both are written together: the tenant says which version stands.
struct Standing {
    tenant: Stored<Tenant>,
    stored: Option<Stored<PolicySet>>,
}

/// GET: the built-in policies, then the tenant's own by their ids.
pub async fn list(call: Call) -> Result<Reply, Failure> {
    let built_in = Policies::built_in_texts().map_err(|_| Failure::Internal)?;
    call.view(
        |tenant, ()| vec![tenant.policies()],
        None,
        Ok(()),
        |read, (), tenant| {
            let set = Standing::take(read, tenant)?.set();
            let built_in = built_in.iter().map(|(id, text)| Body {
                id,
                text,
                enabled: true,
                built_in: true,
                updated_at: None,
                updated_by: None,
                warnings: Vec::new(),
            });
            let data: Vec<_> = built_in.chain(set.policies.iter().map(body)).collect();
            let reply = Reply::ok(&json!({"data": data, "next_cursor": null, "has_more": false}));
            Ok(Change::new(Resource::new(Kind::Tenant, tenant.id().to_string()), Ok(reply)))
        },
    )
    .await
}

/// PUT `/{id}`: saves one, over the one of this id if there is one. Whoever could not take it back is warned, and has their
/// way: it may be meant so.
///
/// A text is only held against the schema once the credential stands, since that costs more than all else that is done
/// for a request; so 403 is said before 400 of what is wrong with the text, but for what breaks a limit.
pub async fn put(call: Call) -> Result<Reply, Failure> {
    let checked = OnceCell::new();
    let check = |wanted: &Wanted| checked.get_or_init(|| new(wanted)).clone();
    call.change(
        |tenant, _| vec![tenant.policies()],
        wanted(&call),
        |read, wanted, tenant| {
            let standing = Standing::take(read, tenant)?;
            let set = standing.set();
            let before = set.find(&wanted.id);
            let (by, caller) = (asker(&call), caller(&call, read, tenant)?);
            let outcome = match check(wanted).and_then(|new| set.put(new, &by, call.now)) {
                Ok(after) => {
                    let warnings = warning(&call, &caller, &after, &wanted.id).into_iter().collect();
                    Ok(answer(standing.writes(tenant, &after)?, &after, &wanted.id, warnings)?)
                }
                Err(failure) => Err(failure),
            };
            let after = View { text: &wanted.text, enabled: wanted.enabled };
            Ok(Change::new(resource(&wanted.id), outcome)
                .before(before.map(image))
                .after(Some(Image::of(&after)))
                .etag(before.map(|policy| policy.version)))
        },
    )
    .await
}

/// DELETE `/{id}`.
pub async fn delete(call: Call) -> Result<Reply, Failure> {
    call.change(
        |tenant, _| vec![tenant.policies()],
        id(&call),
        |read, id, tenant| {
            let standing = Standing::take(read, tenant)?;
            let set = standing.set();
            let before = set.find(id);
            let outcome = match set.without(id) {
                Some(after) => Ok(Answer::new(standing.writes(tenant, &after)?, Reply::no_content())),
                None => Err(Failure::NotFound("policy")),
            };
            let etag = before.map(|policy| policy.version);
            Ok(Change::new(resource(id), outcome).before(before.map(image)).etag(etag))
        },
    )
    .await
}

/// `reset-policies`: `{tenant_id}`; puts all of the tenant's own policies out of force and keeps them, so that a tenant
/// that has locked itself out comes in again. Answers `{tenant_id, disabled}`, the ids of those that were in force.
pub async fn reset(call: OperatorCall) -> Result<Value, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = fields.string("tenant_id").unwrap_or_default();
    let tenant_id = fields.take("tenant_id", TenantId::parse(&tenant_id).ok_or("must be a uuid"));
    fields.finish(Faults::default())?;
    let Some(tenant_id) = tenant_id else { return Err(Failure::Internal) };

    let grant = call.grant(tenant_id);
    let part = keys::Tenant::granted(&grant);
    let mut read = call.read(&[part.tenant(), part.policies()]).await?;
    let tenant = read.take(&part.tenant()).map_err(|_| Failure::Internal)?.ok_or(Failure::NotFound("tenant"))?;
    let stored = read.take(&part.policies()).map_err(|_| Failure::Internal)?;
    let standing = Standing { tenant, stored };
    let set = standing.set();
    let disabled: Vec<&str> = set.enabled().map(|policy| policy.id.as_str()).collect();
    let after = set.disabled("operator", call.now);
    let writes = standing.writes(part, &after).map_err(|_| Failure::Internal)?;
    if !writes.is_empty() {
        let resource = Resource::new(Kind::Tenant, tenant_id.to_string());
        let (before, after) = (json!({"policies_enabled": disabled}), json!({"policies_enabled": []}));
        let (before, after) = (Image::of(&before), Image::of(&after));
        call.commit(&grant, &Told { resource: &resource, before: Some(&before), after: Some(&after) }, writes).await?;
    }
    Ok(json!({"tenant_id": tenant_id, "disabled": disabled}))
}

/// The schema of all actions, compiled at first use.
pub(crate) fn schema() -> Result<&'static Schema, Failure> {
    static SCHEMA: OnceLock<Option<Schema>> = OnceLock::new();
    let compiled = SCHEMA.get_or_init(|| {
        let schema = Schema::of(actions());
        schema.inspect_err(|error| tracing::error!(error = %error, "the schema does not compile")).ok()
    });
    compiled.as_ref().ok_or(Failure::Internal)
}

/// What is saved of a policy, if its text is good.
pub(crate) fn checked(id: PolicyId, text: String, enabled: bool) -> Result<NewPolicy, Vec<PolicyProblem>> {
    let schema = schema().map_err(|_| Vec::new())?;
    let shape = schema.validate(id.as_str(), &text)?;
    Ok(NewPolicy { id, text, holds: shape.policies, enabled })
}

impl Standing {
    pub(crate) fn take(read: &mut Read, tenant: keys::Tenant) -> Result<Self, StoreError> {
        let stored = read.take(&tenant.policies())?;
        let tenant = read.take(&tenant.tenant())?.ok_or_else(|| StoreError::missing("tenant"))?;
        Ok(Self { tenant, stored })
    }

    fn set(&self) -> PolicySet {
        self.stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default()
    }

    /// Nothing where the set is as it was.
    fn writes(&self, part: keys::Tenant, after: &PolicySet) -> Result<Writes, StoreError> {
        if *after == self.set() {
            return Ok(Writes::new());
        }
        let writes = match &self.stored {
            Some(before) => Writes::new().replace(before, after)?,
            None => Writes::new().create(&part.policies(), after)?,
        };
        writes.replace(&self.tenant, &self.tenant.value.with_policies(after.version))
    }
}

fn wanted(call: &Call) -> Result<Wanted, Failure> {
    let mut fields = call.request.fields()?;
    let text = fields.string("text");
    let enabled = fields.optional_bool("enabled");
    if enabled.is_none() {
        fields.fault("enabled", "is required");
    }
    let id = fields.take("id", PolicyId::parse(call.request.parameter("id")));
    fields.finish(Faults::default())?;
    let (Some(id), Some(text), Some(enabled)) = (id, text, enabled) else { return Err(Failure::Internal) };
    // The tenant's own policies are asked about this text: none is longer than they may be made to look through.
    let _ = shape(&text).map_err(|problem| Failure::InvalidPolicy(vec![problem]))?;
    Ok(Wanted { id, text, enabled })
}

fn new(wanted: &Wanted) -> Result<NewPolicy, Failure> {
    checked(wanted.id.clone(), wanted.text.clone(), wanted.enabled).map_err(Failure::InvalidPolicy)
}

fn id(call: &Call) -> Result<PolicyId, Failure> {
    PolicyId::parse(call.request.parameter("id")).map_err(|message| Failure::invalid("id", message))
}

/// The public id of the credential that asks.
fn asker(call: &Call) -> String {
    call.presented().map(|id| id.to_string()).unwrap_or_default()
}

fn answer(writes: Writes, after: &PolicySet, id: &PolicyId, warnings: Vec<String>) -> Result<Answer, StoreError> {
    let saved = after.find(id).ok_or_else(|| StoreError::missing("policy"))?;
    Ok(Answer::new(writes, Reply::ok(&Body { warnings, ..body(saved) }).etag(saved.version)))
}

/// What to tell whoever saves this set if by it, now, they could not delete this policy again.
fn warning(call: &Call, caller: &Credential, after: &PolicySet, id: &PolicyId) -> Option<String> {
    let saved = after.find(id)?;
    let action = actions().find(|action| action.name == "delete-policy")?;
    let policies = call.policies_with(after).ok()?;
    let origin = call.origin();
    let asked = Asked { tenant: caller.id.tenant(), credential: caller, action, origin, at: call.now };
    let deletion = Change::new(resource(id), Ok(())).before(Some(image(saved)));
    match decide(&policies, &asked, Sealed::new(()), |()| deletion) {
        Err(Failure::Forbidden(denial)) => {
            let by: Vec<String> = denial.determining_policies.iter().map(|id| format!("`{id}`")).collect();
            let why = if by.is_empty() { "no policy permits it".to_owned() } else { format!("by {}", by.join(", ")) };
            Some(format!(
                "this key could not delete this policy again ({why}): if no other can, an operator has to reset the policies"
            ))
        }
        _ => None,
    }
}

fn resource(id: &PolicyId) -> Resource {
    Resource::new(Kind::Policy, id.as_str())
}

fn image(policy: &SavedPolicy) -> Image {
    Image::of(&View { text: &policy.text, enabled: policy.enabled })
}

fn body(policy: &SavedPolicy) -> Body<'_> {
    Body {
        id: policy.id.as_str(),
        text: &policy.text,
        enabled: policy.enabled,
        built_in: false,
        updated_at: Some(policy.updated_at),
        updated_by: Some(&policy.updated_by),
        warnings: Vec::new(),
    }
}
