//! The body of a question to the policies.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use trustplane_domain::credential::{Kind as CredentialKind, NewCredential, Role};
use trustplane_domain::ids::CredentialId;
use trustplane_domain::nearest::unknown;
use trustplane_domain::policy::{PolicyId, TEXT_LIMIT};
use trustplane_domain::request::{DateTime, FieldType};
use trustplane_domain::{Failure, Fields, Timestamp, request, text_field};
use trustplane_policy::{Action, Image, Kind, Question, Resource};
use trustplane_runtime::{Request, actions};

use super::{Asking, Draft, Principal};
use crate::policies::PolicyText;

/// Bytes of a name or an id that is asked about at most. Policies look through what they are asked about, and may be made
/// to look long.
const NAME_LIMIT: usize = 1024;
/// Bytes of a resource before or after, as JSON, at most: room for a policy's text, which is the longest there is.
const IMAGE_LIMIT: usize = TEXT_LIMIT + 4 * 1024;
/// Kinds of a credential that a principal can be described with.
const KINDS: [CredentialKind; 3] = [CredentialKind::Bearer, CredentialKind::AccessKey, CredentialKind::Temporary];

request! {
    /// A question to the policies.
    pub(crate) struct EvaluatePolicies {
        /// The public id of one of the tenant's credentials, or a credential that is described.
        required principal: Principal = "principal",
        /// The action, by the name of its operation.
        required action: ActionName = "action",
        /// The resource of the action.
        required resource: EvaluatedResource = "resource",
        /// The circumstances of the request.
        optional context: EvaluationContext = "context",
        /// Policies to evaluate in place of the tenant's own.
        optional policies: Drafts = "policies",
    }
}

request! {
    /// A credential: one of the tenant's by its `id` alone, or one that is described by the other fields.
    pub(crate) struct EvaluatedPrincipal {
        /// The public id.
        optional id: PublicId = "id",
        /// Its name.
        optional name: Bounded = "name",
        /// Its kind, by default `bearer`.
        optional kind: KindName = "kind",
        /// Its roles, each once.
        optional roles: Roles = "roles",
        /// The time of its creation, by default now.
        optional created_at: DateTime = "created_at",
        /// The time of its expiry.
        optional expires_at: DateTime = "expires_at",
    }
}

request! {
    /// A resource, and what it is before and after the change.
    pub(crate) struct EvaluatedResource {
        /// The type of the action's resources.
        required kind: ResourceType = "type",
        /// The id of the resource.
        required id: Bounded = "id",
        /// The resource before the change, with the attributes that the schema gives its type.
        optional before: Attributes = "before",
        /// The resource after the change, with the attributes that the schema gives its type.
        optional after: Attributes = "after",
    }
}

request! {
    /// Circumstances of a request.
    pub(crate) struct EvaluationContext {
        /// The time of the request, by default now.
        optional now: DateTime = "now",
        /// The address that the request comes from.
        optional source_ip: Address = "source_ip",
        /// True if the version was submitted by the caller: for the approval and rejection of versions.
        optional own_version: bool = "own_version",
    }
}

request! {
    /// A policy that is evaluated and not saved.
    pub(crate) struct EvaluatedPolicy {
        /// Its id, once in the list.
        required id: DraftId = "id",
        /// The policy in Cedar.
        required text: PolicyText = "text",
        /// True if the policy takes part in decisions.
        optional enabled: bool = "enabled" default true,
    }
}

/// The name of an action.
enum ActionName {}

text_field!(ActionName => Action, |name: &str| {
    let found = actions().find(|action| action.name == name);
    found.ok_or_else(|| unknown(name, actions().map(|action| action.name)))
}, {"type": "string", "examples": ["put-identity-center-config"]});

/// The public id of a credential.
enum PublicId {}

text_field!(PublicId => CredentialId, |text: &str| {
    CredentialId::parse(text).ok_or("must be the public id of a credential")
}, {"type": "string"});

/// A text of bounded length.
enum Bounded {}

text_field!(Bounded => String, |text: &str| match text.len() {
    0..=NAME_LIMIT => Ok(text.to_owned()),
    _ => Err(format!("has at most {NAME_LIMIT} bytes")),
}, {"type": "string", "maxLength": NAME_LIMIT});

/// The kind of a credential.
enum KindName {}

text_field!(KindName => CredentialKind, |name: &str| {
    let found = KINDS.into_iter().find(|kind| kind.as_str() == name);
    found.ok_or_else(|| unknown(name, KINDS.map(CredentialKind::as_str)))
}, {"type": "string", "enum": KINDS.map(CredentialKind::as_str)});

/// The type of a resource.
enum ResourceType {}

text_field!(ResourceType => Kind, |name: &str| {
    let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
    found.ok_or_else(|| unknown(name, Kind::ALL.map(Kind::as_str)))
}, {"type": "string", "examples": ["integration"]});

/// The address of a client.
enum Address {}

text_field!(Address => String, |text: &str| {
    text.parse::<std::net::IpAddr>().map(|_| text.to_owned()).map_err(|_| "must be an IP address")
}, {"type": "string"});

/// The id of a policy.
enum DraftId {}

text_field!(DraftId => PolicyId, PolicyId::parse, {"type": "string"});

/// Roles, each once.
enum Roles {}

trustplane_domain::schema!(Roles, {"type": "array", "items": {"enum": ["admin", "approver", "editor", "viewer"]}});

impl FieldType for Roles {
    type Value = BTreeSet<Role>;

    fn take(fields: &mut Fields, name: &str) -> Option<BTreeSet<Role>> {
        let roles = fields.optional_strings(name)?;
        let known: BTreeSet<Role> = roles.iter().filter_map(|name| Role::parse(name)).collect();
        if known.len() != roles.len() {
            fields.fault(name, "must be some of `admin`, `approver`, `editor`, `viewer`, each once");
        }
        Some(known)
    }
}

/// Attributes of a resource.
enum Attributes {}

trustplane_domain::schema!(Attributes, {"type": "object"});

impl FieldType for Attributes {
    type Value = Image;

    fn take(fields: &mut Fields, name: &str) -> Option<Image> {
        let attributes = fields.optional_object(name)?;
        if Value::from_iter(attributes.clone()).to_string().len() > IMAGE_LIMIT {
            fields.fault(name, format!("has at most {} KiB", IMAGE_LIMIT / 1024));
        }
        if attributes.values().any(has_fraction) {
            fields.fault(name, "must have whole numbers only, as Cedar has");
        }
        Some(Image::of(&attributes))
    }
}

/// Policies in place of the tenant's own.
struct Drafts(Vec<Draft>);

impl FieldType for Drafts {
    type Value = Self;

    fn take(fields: &mut Fields, name: &str) -> Option<Self> {
        let Value::Array(items) = fields.value(name)? else {
            fields.fault(name, "must be a list of objects");
            return None;
        };
        let mut drafts: Vec<Draft> = Vec::new();
        for (place, item) in items.into_iter().enumerate() {
            let part = format!("{name}.{place}");
            let Value::Object(object) = item else {
                fields.fault(&part, "must be an object");
                continue;
            };
            let mut described = Fields::of(object);
            let EvaluatedPolicy { id, text, enabled } = EvaluatedPolicy::read(&mut described);
            if drafts.iter().any(|other| Some(&other.id) == id.as_ref()) {
                described.fault("id", "is in the list twice");
            }
            fields.adopt(&part, described);
            if let (Some(id), Some(text)) = (id, text) {
                drafts.push(Draft { id, text, enabled: enabled.unwrap_or(true) });
            }
        }
        Some(Self(drafts))
    }
}

impl FieldType for Principal {
    type Value = EvaluatedPrincipal;

    fn take(fields: &mut Fields, name: &str) -> Option<EvaluatedPrincipal> {
        let mut described = match fields.value(name)? {
            Value::String(id) => Fields::of(Map::from_iter([("id".to_owned(), Value::from(id))])),
            Value::Object(object) => Fields::of(object),
            _ => {
                fields.fault(name, "must be the id of a credential, or an object");
                return None;
            }
        };
        for field in ["name", "kind", "roles", "created_at", "expires_at"] {
            if described.has("id") && described.has(field) {
                described.fault(field, "must not be sent with `id`: the stored credential is evaluated as it is");
            }
        }
        let principal = EvaluatedPrincipal::read(&mut described);
        fields.adopt(name, described);
        Some(principal)
    }
}

#[cfg(feature = "schema")]
mod schemas {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Drafts, EvaluatedPolicy, EvaluatedPrincipal, Principal, PublicId};

    impl JsonSchema for Principal {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "Principal".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let id = generator.subschema_for::<PublicId>();
            let described = generator.subschema_for::<EvaluatedPrincipal>();
            json_schema!({"oneOf": [id, described]})
        }
    }

    impl JsonSchema for Drafts {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "Drafts".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "array", "items": generator.subschema_for::<EvaluatedPolicy>()})
        }
    }
}

/// Reads a question. All its faults are reported at once.
pub(super) fn question(request: &Request, now: Timestamp) -> Result<Asking, Failure> {
    let mut fields = request.fields()?;
    let EvaluatePolicies { principal, action, resource, context, policies } = EvaluatePolicies::read(&mut fields);
    if let (Some(EvaluatedResource { kind: Some(kind), .. }), Some(action)) = (&resource, action)
        && *kind != action.resource
    {
        fields.fault("resource.type", format!("must be `{}` for this action", action.resource.as_str()));
    }
    let EvaluationContext { now: at, source_ip, own_version } =
        context.unwrap_or(EvaluationContext { now: None, source_ip: None, own_version: None });
    let principal = principal.map(|principal| principal.described(now));
    let resource = resource.and_then(|EvaluatedResource { kind, id, before, after }| {
        Some(Question { own_version, before, after, ..Question::new(Resource::new(kind?, id?)) })
    });
    let ((action, principal), question) = fields.finished(action.zip(principal).zip(resource))?;
    let draft = policies.map(|Drafts(drafts)| drafts);
    Ok(Asking { principal, action, question, source_ip, at: at.unwrap_or(now), draft })
}

impl EvaluatedPrincipal {
    fn described(self, now: Timestamp) -> Principal {
        let Self { id, name, kind, roles, created_at, expires_at } = self;
        let wanted = NewCredential {
            name: name.unwrap_or_default(),
            kind: kind.unwrap_or(CredentialKind::Bearer),
            roles: roles.unwrap_or_default(),
            expires_at,
        };
        let created_at = created_at.unwrap_or(now);
        id.map_or(Principal::Described { wanted, created_at }, Principal::Known)
    }
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_i64().is_none(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
