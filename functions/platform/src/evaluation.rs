//! POST `/v1/policies/evaluate`: the decision of the policies, without the request.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};
use trustplane_domain::credential::{Credential, Kind as CredentialKind, Maker, NewCredential, Role};
use trustplane_domain::failure::PolicyProblem;
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::nearest::unknown;
use trustplane_domain::policy::{PolicyId, PolicySet, TEXT_LIMIT};
use trustplane_domain::{Failure, Fields, Timestamp};
use trustplane_policy::{Action, Image, Kind, Origin, PolicyRequest, Question, Resource, Verdict, evaluate as ask};
use trustplane_runtime::{Call, Context, Request, Response, Subject, actions};

use crate::policies::{checked, schema};

/// Bytes of a name or an id that is asked about at most. Policies look through what they are asked about, and may be made
/// to look long.
const NAME_LIMIT: usize = 1024;
/// Bytes of a resource before or after, as JSON, at most: room for a policy's text, which is the longest there is.
const IMAGE_LIMIT: usize = TEXT_LIMIT + 4 * 1024;
/// Kinds of a credential that a principal can be described with.
const KINDS: [CredentialKind; 3] = [CredentialKind::Bearer, CredentialKind::AccessKey, CredentialKind::Temporary];

/// The verdict on the wire. It holds the ids twice: as this API names them, and as JITSudo does.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Evaluation"))]
pub(crate) struct Body<'a> {
    permitted: bool,
    determining_policies: &'a [String],
    notices: &'a [String],
    errors: &'a [String],
    matching_policy_ids: &'a [String],
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    reason: String,
}

/// The question, and the circumstances in which it is asked.
#[derive(Debug)]
struct Asking {
    principal: Principal,
    action: Action,
    question: Question,
    source_ip: Option<String>,
    at: Timestamp,
    /// A draft in place of the saved set.
    draft: Option<Vec<Draft>>,
}

/// The principal of the question.
#[derive(Debug)]
enum Principal {
    /// One of the tenant's credentials.
    Known(CredentialId),
    /// A credential that is only described.
    Described { wanted: NewCredential, created_at: Timestamp },
}

/// A policy that is evaluated and not saved.
#[derive(Debug)]
struct Draft {
    id: PolicyId,
    text: String,
    enabled: bool,
}

/// POST: evaluates the policies, regardless of whether the credential and the tenant are active.
pub async fn evaluate(call: Call) -> Result<Response, Failure> {
    call.input(|request| question(request, call.now))
        .reads(|question, keys| {
            let credential = match question.principal {
                Principal::Known(id) => Some(keys.credential(id).optional()),
                Principal::Described { .. } => None,
            };
            (keys.policies().optional(), credential)
        })
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .decide(|(question, ()), (saved, credential), cx| {
            let credential = credential.and_then(|slot| slot.item).map(|stored| stored.value);
            let credential = question.principal.credential(credential, cx.keys.id())?;
            Ok(Response::ok(&body(&question.ask(saved.value(), &credential, cx)?)))
        })
        .await
}

impl Principal {
    /// The stored credential, or the described one.
    fn credential(&self, stored: Option<Credential>, tenant: TenantId) -> Result<Credential, Failure> {
        match self {
            Self::Known(_) => stored.ok_or(Failure::NotFound("credential")),
            Self::Described { wanted, created_at } => {
                let id = CredentialId::new(tenant, [0; 8]);
                Ok(wanted.clone().made(id, None, Maker::Operator, *created_at)?)
            }
        }
    }
}

impl Asking {
    fn ask(&self, saved: Option<&PolicySet>, credential: &Credential, cx: &Context<'_>) -> Result<Verdict, Failure> {
        let draft = self.draft.as_ref().map(|drafts| drafted(drafts, cx.now)).transpose()?;
        let set = draft.as_ref().or(saved).cloned().unwrap_or_default();
        let policies = cx.call().policies_with(&set).map_err(Failure::internal)?;
        let origin = Origin { source_ip: self.source_ip.clone(), ..Origin::default() };
        let principal = trustplane_policy::Principal::Credential(credential);
        let request =
            PolicyRequest { tenant: cx.keys.id(), principal, action: self.action, origin: &origin, at: self.at };
        ask(&policies, schema()?, &request, &self.question).map_err(|error| Failure::invalid("resource", error))
    }
}

/// The set of these drafts, if each is valid and all fit together.
fn drafted(drafts: &[Draft], now: Timestamp) -> Result<PolicySet, Failure> {
    let (mut set, mut problems) = (PolicySet::default(), Vec::new());
    for Draft { id, text, enabled } in drafts {
        match checked(id.clone(), text.clone(), *enabled) {
            Ok(policy) => set = set.put(policy, "nobody", now)?,
            Err(Failure::InvalidPolicy(found)) => problems.extend(
                found
                    .into_iter()
                    .map(|problem| PolicyProblem { message: format!("`{id}`: {}", problem.message), ..problem }),
            ),
            Err(failure) => return Err(failure),
        }
    }
    if problems.is_empty() { Ok(set) } else { Err(Failure::InvalidPolicy(problems)) }
}

fn body(verdict: &Verdict) -> Body<'_> {
    let ids = || {
        let ids: Vec<String> = verdict.determining_policies.iter().map(|id| format!("`{id}`")).collect();
        ids.join(", ")
    };
    let reason = match (verdict.permitted, verdict.errors.is_empty()) {
        (true, _) => format!("permitted by {}", ids()),
        (false, false) => format!("a policy that cannot be evaluated denies: {}", ids()),
        (false, true) if verdict.determining_policies.is_empty() => "no policy permits it".to_owned(),
        (false, true) => format!("forbidden by {}", ids()),
    };
    Body {
        permitted: verdict.permitted,
        determining_policies: &verdict.determining_policies,
        notices: &verdict.notices,
        errors: &verdict.errors,
        matching_policy_ids: &verdict.determining_policies,
        reason,
    }
}

/// Reads `{principal, action, resource, context?, policies?}`.
fn question(request: &Request, now: Timestamp) -> Result<Asking, Failure> {
    let mut fields = request.fields()?;
    let action = fields.string("action");
    let action = action.and_then(|name| {
        let found = actions().find(|action| action.name == name);
        let names = actions().map(|action| action.name);
        fields.take("action", found.ok_or_else(|| unknown(&name, names)))
    });
    let principal = principal(&mut fields, now);
    let question = resource(&mut fields, action);
    let mut context = Fields::of(fields.optional_object("context").unwrap_or_default());
    let at = time(&mut context, "now").unwrap_or(now);
    let own_version = context.optional_bool("own_version");
    let source_ip = context.optional_string("source_ip").and_then(|text| {
        let address = text.parse::<std::net::IpAddr>().map(|_| text).map_err(|_| "must be an IP address");
        context.take("source_ip", address)
    });
    fields.adopt("context", context);
    let draft = fields.value("policies").map(|list| drafts(&mut fields, list));
    let ((action, principal), question) = fields.finished(action.zip(principal).zip(question))?;
    let question = Question { own_version, ..question };
    Ok(Asking { principal, action, question, source_ip, at, draft })
}

/// The id of one of the tenant's credentials, also as `{id}`; or `{roles?, name?, kind?, created_at?, expires_at?}`.
fn principal(fields: &mut Fields, now: Timestamp) -> Option<Principal> {
    let mut described = match fields.value("principal") {
        None => {
            fields.fault("principal", "is required");
            return None;
        }
        Some(Value::String(id)) => Fields::of(Map::from_iter([("id".to_owned(), Value::from(id))])),
        Some(Value::Object(object)) => Fields::of(object),
        Some(_) => {
            fields.fault("principal", "must be the id of a credential, or an object");
            return None;
        }
    };
    for field in ["name", "kind", "roles", "created_at", "expires_at"] {
        if described.has("id") && described.has(field) {
            described.fault(field, "must not be sent with `id`: the stored credential is evaluated as it is");
        }
    }
    let id = described.optional_string("id").and_then(|text| {
        described.take("id", CredentialId::parse(&text).ok_or("must be the public id of a credential"))
    });
    let kind = described.optional_string("kind").and_then(|name| {
        let found = KINDS.into_iter().find(|kind| kind.as_str() == name);
        described.take("kind", found.ok_or_else(|| unknown(&name, KINDS.map(CredentialKind::as_str))))
    });
    let roles = described.optional_strings("roles").unwrap_or_default();
    let known: BTreeSet<Role> = roles.iter().filter_map(|name| Role::parse(name)).collect();
    if known.len() != roles.len() {
        described.fault("roles", "must be some of `admin`, `approver`, `editor`, `viewer`, each once");
    }
    let name = described.optional_string("name").unwrap_or_default();
    if name.len() > NAME_LIMIT {
        described.fault("name", format!("has at most {NAME_LIMIT} bytes"));
    }
    let created_at = time(&mut described, "created_at").unwrap_or(now);
    let expires_at = time(&mut described, "expires_at");
    fields.adopt("principal", described);
    let wanted = NewCredential { name, kind: kind.unwrap_or(CredentialKind::Bearer), roles: known, expires_at };
    Some(id.map_or(Principal::Described { wanted, created_at }, Principal::Known))
}

/// `{type, id, before?, after?}`: `before` and `after` with the attributes that the schema gives this type.
fn resource(fields: &mut Fields, action: Option<Action>) -> Option<Question> {
    let Some(object) = fields.optional_object("resource") else {
        fields.fault("resource", "is required");
        return None;
    };
    let mut described = Fields::of(object);
    let kind = described.string("type").and_then(|name| {
        let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
        described.take("type", found.ok_or_else(|| unknown(&name, Kind::ALL.map(Kind::as_str))))
    });
    if let (Some(kind), Some(action)) = (kind, action)
        && kind != action.resource
    {
        described.fault("type", format!("must be `{}` for this action", action.resource.as_str()));
    }
    let id = described.string("id").unwrap_or_default();
    if id.len() > NAME_LIMIT {
        described.fault("id", format!("has at most {NAME_LIMIT} bytes"));
    }
    let mut image = |name| {
        let attributes = described.optional_object(name)?;
        if Value::from_iter(attributes.clone()).to_string().len() > IMAGE_LIMIT {
            described.fault(name, format!("has at most {} KiB", IMAGE_LIMIT / 1024));
        }
        if attributes.values().any(has_fraction) {
            described.fault(name, "must have whole numbers only, as Cedar has");
        }
        Some(Image::of(&attributes))
    };
    let (before, after) = (image("before"), image("after"));
    fields.adopt("resource", described);
    Some(Question { before, after, ..Question::new(Resource::new(kind?, id)) })
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_i64().is_none(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn drafts(fields: &mut Fields, list: Value) -> Vec<Draft> {
    let Value::Array(items) = list else {
        fields.fault("policies", "must be a list of objects");
        return Vec::new();
    };
    let mut drafts: Vec<Draft> = Vec::new();
    for (place, item) in items.into_iter().enumerate() {
        let part = format!("policies.{place}");
        let Value::Object(object) = item else {
            fields.fault(&part, "must be an object");
            continue;
        };
        let mut described = Fields::of(object);
        let id = described.string("id");
        let id = id.and_then(|id| described.take("id", PolicyId::parse(&id)));
        if drafts.iter().any(|other| Some(&other.id) == id.as_ref()) {
            described.fault("id", "stands in the list twice");
        }
        let text = described.string("text");
        let enabled = described.optional_bool("enabled").unwrap_or(true);
        fields.adopt(&part, described);
        if let (Some(id), Some(text)) = (id, text) {
            drafts.push(Draft { id, text, enabled });
        }
    }
    drafts
}

fn time(fields: &mut Fields, field: &str) -> Option<Timestamp> {
    let text = fields.optional_string(field)?;
    fields.take(field, Timestamp::parse(&text).ok_or("must be an RFC 3339 time"))
}
