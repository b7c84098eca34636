//! A grant: the permission to write, with the facts that the audit record states about its holder.

use serde::{Deserialize, Serialize};
use trustplane_domain::Timestamp;
use trustplane_domain::failure::Denial;
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::setup::SetupLink;

use crate::PolicyRequest;

/// The principal that acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// A credential's or a setup link's public id, `operator`, or a function's name.
    pub id: String,
    /// The credential's name or the link's label; otherwise the same as `id`.
    pub name: String,
    /// `credential`, `setup-link`, `operator` or `system`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The credential's roles; empty for other actors.
    pub roles: Vec<String>,
}

impl Actor {
    /// Creates the actor of a setup link's sessions.
    pub(crate) fn setup_link(id: CredentialId, label: &str) -> Self {
        Self { id: id.to_string(), name: label.to_owned(), kind: "setup-link".to_owned(), roles: Vec::new() }
    }
}

/// Network origin and ids of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The service's own id, one per request.
    pub request_id: String,
    /// The client's `x-fapi-interaction-id`, if it is a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction_id: Option<String>,
    /// The client's address, as the gateway saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// The client's own description of itself, cut at 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Facts of an action or attempt, for the audit log: everything except the resource.
#[derive(Clone, Debug)]
pub struct Attribution {
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The principal that acted.
    pub actor: Actor,
    /// The action.
    pub action: String,
    /// The policies that determined the decision.
    pub determining_policies: Vec<String>,
    /// Network origin and ids of the request.
    pub origin: Origin,
    /// Time of the decision.
    pub at: Timestamp,
}

/// Permission to write in one tenant. Only [`crate::decide`] creates it for a request; operator functions and event
/// handlers create their own, and so does the function that starts the sessions of setup links.
#[derive(Clone, Debug)]
pub struct Grant(Attribution);

/// A denied attempt: permission to record the denial, and nothing else.
#[derive(Clone, Debug)]
pub struct Attempt {
    attribution: Attribution,
    resource: (&'static str, String),
}

impl Attempt {
    /// Creates the attempt for a denied request.
    pub fn of(request: &PolicyRequest<'_>, denial: &Denial) -> Self {
        let attribution = Attribution {
            tenant: request.tenant,
            actor: request.actor(),
            action: denial.action.clone(),
            determining_policies: denial.determining_policies.clone(),
            origin: request.origin.clone(),
            at: request.at,
        };
        Self { attribution, resource: denial.resource.clone() }
    }

    /// Returns the facts of the attempt.
    pub fn attribution(&self) -> &Attribution {
        &self.attribution
    }

    /// Returns the kind and id of the resource that the attempt was about.
    pub fn resource(&self) -> (&'static str, &str) {
        (self.resource.0, &self.resource.1)
    }
}

impl Grant {
    pub(crate) fn decided(
        tenant: TenantId,
        actor: Actor,
        action: &str,
        determining_policies: Vec<String>,
        origin: Origin,
        at: Timestamp,
    ) -> Self {
        Self(Attribution { tenant, actor, action: action.to_owned(), determining_policies, origin, at })
    }

    /// Creates the grant of an operator, whom IAM allowed to invoke `function`.
    pub fn operator(tenant: TenantId, function: &str, request_id: &str, at: Timestamp) -> Self {
        Self::without_policies(tenant, "operator", "operator", function, request_id, at)
    }

    /// Creates the grant of a setup link, whose secret was presented, to start a session.
    pub fn setup_link(link: &SetupLink, function: &str, origin: Origin, at: Timestamp) -> Self {
        let actor = Actor::setup_link(link.id, &link.label);
        Self::decided(link.id.tenant(), actor, function, Vec::new(), origin, at)
    }

    /// Leave for `function`, which an event invoked.
    pub fn event_handler(tenant: TenantId, function: &str, request_id: &str, at: Timestamp) -> Self {
        Self::without_policies(tenant, function, "system", function, request_id, at)
    }

    fn without_policies(
        tenant: TenantId,
        name: &str,
        kind: &str,
        function: &str,
        request_id: &str,
        at: Timestamp,
    ) -> Self {
        let actor = Actor { id: name.to_owned(), name: name.to_owned(), kind: kind.to_owned(), roles: Vec::new() };
        let origin = Origin { request_id: request_id.to_owned(), ..Origin::default() };
        Self(Attribution { tenant, actor, action: function.to_owned(), determining_policies: Vec::new(), origin, at })
    }

    /// Returns the facts of the action, for the audit log.
    pub fn attribution(&self) -> &Attribution {
        &self.0
    }

    /// Returns the tenant that it is valid for.
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// Returns the principal that acts.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// Returns the action.
    pub fn action(&self) -> &str {
        &self.0.action
    }

    /// Returns the ids of the policies that allowed it.
    pub fn determining_policies(&self) -> &[String] {
        &self.0.determining_policies
    }

    /// Returns the request's network origin and ids.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Returns the time of the decision, which is the time of the change.
    pub fn at(&self) -> Timestamp {
        self.0.at
    }
}
