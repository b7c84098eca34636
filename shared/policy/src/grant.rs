//! A grant: leave to write, and all that the audit record will say of who had it.

use serde::{Deserialize, Serialize};
use trustplane_domain::Timestamp;
use trustplane_domain::failure::Denial;
use trustplane_domain::ids::TenantId;

use crate::Asked;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// A credential's public id; `operator`; a function's name.
    pub id: String,
    /// The credential's name, or the same again.
    pub name: String,
    /// `credential`, `operator` or `system`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The credential's roles; none of others.
    pub roles: Vec<String>,
}

/// Where a request came from and what it is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Ours, one a request.
    pub request_id: String,
    /// The client's `x-fapi-interaction-id`, if it is a uuid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction_id: Option<String>,
    /// As the gateway saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// As the client said it, cut at 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Who did what, or tried to: all that the audit log says of it but the resource.
#[derive(Clone, Debug)]
pub struct Deed {
    /// The tenant it was done in.
    pub tenant: TenantId,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: String,
    /// The policies that determined the decision.
    pub determining_policies: Vec<String>,
    /// Where the request came from.
    pub origin: Origin,
    /// When it was decided.
    pub at: Timestamp,
}

/// Leave to write in one tenant. Made by [`crate::decide`] alone, or by an operator's or event function for itself.
#[derive(Clone, Debug)]
pub struct Grant(Deed);

/// A denied attempt: leave to record it, and nothing else.
#[derive(Clone, Debug)]
pub struct Attempt {
    deed: Deed,
    resource: (&'static str, String),
}

impl Attempt {
    /// What `asked` was denied for.
    pub fn of(asked: &Asked<'_>, denial: &Denial) -> Self {
        let deed = Deed {
            tenant: asked.tenant,
            actor: asked.actor(),
            action: denial.action.clone(),
            determining_policies: denial.determining_policies.clone(),
            origin: asked.origin.clone(),
            at: asked.at,
        };
        Self { deed, resource: denial.resource.clone() }
    }

    /// Who tried what.
    pub fn deed(&self) -> &Deed {
        &self.deed
    }

    /// The kind and id of what it was tried on.
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
        Self(Deed { tenant, actor, action: action.to_owned(), determining_policies, origin, at })
    }

    /// Leave for an operator, whom IAM let invoke `function`.
    pub fn operator(tenant: TenantId, function: &str, request_id: &str, at: Timestamp) -> Self {
        Self::without_policies(tenant, "operator", "operator", function, request_id, at)
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
        Self(Deed { tenant, actor, action: function.to_owned(), determining_policies: Vec::new(), origin, at })
    }

    /// Who does what, as the audit log tells it.
    pub fn deed(&self) -> &Deed {
        &self.0
    }

    /// The tenant it is good for.
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// What is done.
    pub fn action(&self) -> &str {
        &self.0.action
    }

    /// The policies that allowed it.
    pub fn determining_policies(&self) -> &[String] {
        &self.0.determining_policies
    }

    /// Where the request came from.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// When it was decided: the time of the change.
    pub fn at(&self) -> Timestamp {
        self.0.at
    }
}
