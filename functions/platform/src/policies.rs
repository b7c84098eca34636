//! `/v1/policies`: a tenant's own Cedar policies beside the built-in ones.

use std::sync::OnceLock;
use trustplane_domain::{request, text_field};

use serde::Serialize;
use serde_json::json;
use trustplane_domain::ids::TenantId;
use trustplane_domain::policy::{NewPolicy, PolicyId, PolicySet, SavedPolicy};
use trustplane_domain::tenant::Tenant;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::{
    Image, Kind, Policies, PolicyRequest, Principal, Proposal, Question, Resource, Schema, Sealed, decide,
};
use trustplane_runtime::{Call, Context, Decision, Listed, OperatorCall, Request, Response, Subject, actions};
use trustplane_store::{Reads, Slot, Stored, TenantKeys, Writes};

use crate::tenants::tenant_id;

/// A policy. A built-in one has no author.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Policy"))]
pub(crate) struct Body<'a> {
    /// Id of the policy. Those of built-in policies begin with `built-in.`.
    id: &'a str,
    /// Text of the policy, in Cedar.
    text: &'a str,
    /// True if requests are decided with the policy.
    enabled: bool,
    /// True if the policy is part of the service, so that nobody can change it.
    built_in: bool,
    /// Time of the last change; null for a built-in policy.
    updated_at: Option<Timestamp>,
    /// Id of the credential that made the last change; null for a built-in policy.
    updated_by: Option<&'a str>,
    /// Only in the response to a save: the caller could not delete the policy again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A policy as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PolicyImage"))]
pub(crate) struct View<'a> {
    text: &'a str,
    enabled: bool,
}

/// A tenant whose policies an operator disabled, as the audit log sees it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PoliciesResetImage"))]
pub(crate) struct ResetView<'a> {
    /// Ids of the enabled policies.
    policies_enabled: &'a [&'a str],
}

/// GET: the built-in policies, then the tenant's own by their ids.
pub async fn list(call: Call) -> Result<Response, Failure> {
    let built_in = Policies::built_in_texts().map_err(Failure::internal)?;
    call.no_input()
        .reads(|(), keys| set(keys))
        .subject(|_, _, cx| tenant(cx.keys.id()))
        .decide(|_, Set { policies, .. }, _| {
            let built_in = built_in.iter().map(|(id, text)| built_in_body(id, text));
            let data: Vec<_> = built_in.chain(policies.policies.iter().map(body)).collect();
            Ok(Response::ok(&Listed::new(data, None)))
        })
        .await
}

/// GET `/schema`: the Cedar schema with its comments.
pub async fn show_schema(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .subject(|_, _, cx| tenant(cx.keys.id()))
        .decide(|_, (), cx| Ok(Response::text(cx.call().media_type(), trustplane_policy::schema(actions()))))
        .await
}

/// GET `/{id}`: a policy of the tenant with its `ETag`, or a built-in one, which has no versions.
pub async fn show(call: Call) -> Result<Response, Failure> {
    let built_in = Policies::built_in_texts().map_err(Failure::internal)?;
    call.input(named)
        .reads(|_, keys| set(keys))
        .subject(|(named, ()), set, _| match named {
            Named::Own(id) => subject(id, set),
            Named::BuiltIn(id) => Subject::new(Kind::Policy, id),
        })
        .decide(|(named, ()), set, _| match named {
            Named::Own(id) => {
                let policy = set.policies.find(id).ok_or(Failure::NotFound("policy"))?;
                Ok(Response::ok(&body(policy)).etag(policy.version))
            }
            Named::BuiltIn(id) => {
                let found = built_in.iter().find(|(other, _)| other == id).ok_or(Failure::NotFound("policy"))?;
                Ok(Response::ok(&built_in_body(&found.0, &found.1)))
            }
        })
        .await
}

/// PUT `/{id}`: creates or replaces a policy. A caller who could not delete it again is warned and not stopped, since it
/// may be meant so.
pub async fn put(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .body(policy)
        .reads(|(), keys| set(keys))
        .subject(|(_, policy), set, _| {
            let after = View { text: &policy.text, enabled: policy.enabled };
            subject(&policy.id, set).after(Image::of(&after))
        })
        .decide(|(_, policy), set, cx| {
            let after = set.policies.put(policy.clone(), &cx.caller.id.to_string(), cx.now)?;
            let saved = after.find(&policy.id).ok_or_else(|| Failure::internal("a saved policy is not in its set"))?;
            let warnings = warning(cx, &after, saved).into_iter().collect();
            let response = Response::ok(&Body { warnings, ..body(saved) }).etag(saved.version);
            // The policies of a tenant are one item, so a client that saves several at once meets itself.
            Ok(Decision::write(set.writes(cx.tenant, &after), response).may_lose_race())
        })
        .await
}

/// DELETE `/{id}`.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    call.input(id)
        .reads(|_, keys| set(keys))
        .subject(|(id, ()), set, _| subject(id, set))
        .decide(|(id, ()), set, cx| {
            let after = set.policies.without(id).ok_or(Failure::NotFound("policy"))?;
            Ok(Decision::write(set.writes(cx.tenant, &after), Response::no_content()).may_lose_race())
        })
        .await
}

/// `reset-policies`: `{tenant_id}`; disables all of the tenant's own policies and keeps them, so that a tenant that has
/// locked itself out can sign in again. Returns `{tenant_id, disabled}`, the ids of those that were enabled.
pub async fn reset(call: OperatorCall) -> Result<Response, Failure> {
    let mut fields = call.fields()?;
    let tenant_id = tenant_id(&mut fields);
    let tenant_id = fields.finished(tenant_id)?;
    let reads = |keys: TenantKeys| (keys.tenant(), set(keys));
    call.change(tenant_id, reads, |(stored, set), _| {
        let disabled: Vec<&str> = set.policies.enabled().map(|policy| policy.id.as_str()).collect();
        let after = set.policies.disabled("operator", call.now);
        let response = Response::ok(&json!({"tenant_id": tenant_id, "disabled": disabled}));
        let (before, enabled) = (ResetView { policies_enabled: &disabled }, ResetView { policies_enabled: &[] });
        let decision = Decision::write(set.writes(&stored, &after), response).after(Image::of(&enabled));
        Ok((tenant(tenant_id).before(Image::of(&before)), decision))
    })
    .await
}

/// The schema of all actions, compiled at first use.
pub(crate) fn schema() -> Result<&'static Schema, Failure> {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    match SCHEMA.get() {
        Some(schema) => Ok(schema),
        None => {
            let schema = Schema::of(actions()).map_err(Failure::internal)?;
            Ok(SCHEMA.get_or_init(|| schema))
        }
    }
}

/// The id of a policy to save. A policy named `schema` could not be read: its path is that of the schema.
fn new_id(text: &str) -> Result<PolicyId, &'static str> {
    if text == "schema" { Err("is the path of the schema: choose another id") } else { PolicyId::parse(text) }
}

/// The policy to save.
///
/// # Errors
/// [`Failure::InvalidPolicy`] for a text that breaks a limit or does not fit the schema.
pub(crate) fn checked(id: PolicyId, text: String, enabled: bool) -> Result<NewPolicy, Failure> {
    let shape = schema()?.validate(id.as_str(), &text).map_err(Failure::InvalidPolicy)?;
    Ok(NewPolicy { id, text, holds: shape.policies, enabled })
}

/// The tenant's own policies.
struct Set {
    slot: Slot<PolicySet>,
    policies: PolicySet,
}

fn set(keys: TenantKeys) -> impl Reads<Loaded = Set> {
    keys.policies().optional().map(|slot| Set { policies: slot.value().cloned().unwrap_or_default(), slot })
}

impl Set {
    /// The set and the tenant, which names its version; nothing where the set is as it was.
    fn writes(&self, tenant: &Stored<Tenant>, after: &PolicySet) -> Writes {
        if *after == self.policies {
            return Writes::new();
        }
        let tenant = Writes::new().replace(tenant, &tenant.value.with_policies(after.version));
        self.slot.write(after).and(tenant)
    }
}

fn tenant(id: TenantId) -> Subject {
    Subject::new(Kind::Tenant, id.to_string())
}

/// The policy of this id, with its image and version if there is one.
fn subject(id: &PolicyId, set: Option<&Set>) -> Subject {
    let before = set.and_then(|set| set.policies.find(id));
    Subject::from(resource(id)).before(before.map(image)).version(before.map(|policy| policy.version))
}

/// The policy that a path names.
#[derive(Debug)]
enum Named {
    Own(PolicyId),
    BuiltIn(String),
}

fn named(request: &Request) -> Result<Named, Failure> {
    let text = request.parameter("id");
    if PolicyId::is_built_in(text) { Ok(Named::BuiltIn(text.to_owned())) } else { id(request).map(Named::Own) }
}

fn id(request: &Request) -> Result<PolicyId, Failure> {
    PolicyId::parse(request.parameter("id")).map_err(|message| Failure::invalid("id", message))
}

request! {
    /// Body of a save.
    pub(crate) struct SavePolicy {
        /// The policy in Cedar.
        required text: PolicyText = "text",
        /// True if the policy takes part in decisions.
        required enabled: bool = "enabled",
    }
}

/// A policy in Cedar, which is parsed later.
pub(crate) enum PolicyText {}

text_field!(PolicyText => String, |text: &str| Ok::<_, String>(text.to_owned()), {
    "type": "string",
    "maxLength": trustplane_domain::policy::TEXT_LIMIT,
    "examples": [
        "forbid (principal, action in Trustplane::Action::\"write\", resource) when { context.weekday == \"Sunday\" };"
    ]
});

/// Reads `{text, enabled}`. Validating the text costs more than all else in a request.
fn policy(request: &Request) -> Result<NewPolicy, Failure> {
    let mut fields = request.fields()?;
    let SavePolicy { text, enabled } = SavePolicy::read(&mut fields);
    let id = fields.take("id", new_id(request.parameter("id")));
    let ((id, text), enabled) = fields.finished(id.zip(text).zip(enabled))?;
    checked(id, text, enabled)
}

/// The warning that the caller could not delete the saved policy again, if that is so.
fn warning(cx: &Context<'_>, after: &PolicySet, saved: &SavedPolicy) -> Option<String> {
    let action = actions().find(|action| action.name == "delete-policy")?;
    let policies = cx.call().policies_with(after).ok()?;
    let principal = Principal::Credential(&cx.credential.value);
    let request = PolicyRequest { tenant: cx.keys.id(), principal, action, origin: cx.call().origin(), at: cx.now };
    let question = Question { before: Some(image(saved)), ..Question::new(resource(&saved.id)) };
    match decide(&policies, &request, Sealed::new(()), |()| Proposal { question, outcome: () }) {
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

fn built_in_body<'a>(id: &'a str, text: &'a str) -> Body<'a> {
    Body { id, text, enabled: true, built_in: true, updated_at: None, updated_by: None, warnings: Vec::new() }
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
