//! A Cedar request as a function makes it.

use lambda_http::Error;
use trustplane_domain::Timestamp;
use trustplane_domain::credential::{Kind as CredentialKind, Maker, NewCredential, Role};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_policy::{
    Action, Group, Kind, Origin, Policies, PolicyRequest, Principal, Proposal, Question, Resource, Sealed, decide,
};

/// Action of the request.
pub(crate) const ACTION: Action =
    Action { name: "get-identity-center-config", group: Group::Read, resource: Kind::Integration };

/// Decides whether a viewer may read the connection. Fails if it is denied.
pub(crate) fn decided(policies: &Policies) -> Result<(), Error> {
    let (tenant, at) = (TenantId::from_random([1; 16]), Timestamp::now());
    let wanted = NewCredential {
        name: "benchmark".to_owned(),
        kind: CredentialKind::Bearer,
        roles: [Role::Viewer].into(),
        expires_at: None,
    };
    let made = wanted.made(CredentialId::new(tenant, [1; 8]), None, Maker::Operator, at);
    let credential = made.map_err(|_| "no credential")?;
    let origin = Origin { source_ip: Some("203.0.113.7".to_owned()), ..Origin::default() };
    let request =
        PolicyRequest { tenant, principal: Principal::Credential(&credential), action: ACTION, origin: &origin, at };
    let question = Question::new(Resource::new(Kind::Integration, "aws-identity-center"));
    let decided = decide(policies, &request, Sealed::new(()), |()| Proposal { question, outcome: () });
    decided.map(|_| ()).map_err(|_| "a viewer is denied".into())
}
