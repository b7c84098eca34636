//! `shared/policy/permissions.md`: role by action by resource, as the built-in policies decide it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use trustplane_domain::Timestamp;
use trustplane_domain::credential::{Kind, Maker, NewCredential, Role};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_functions::actions;
use trustplane_policy::{
    Action, Origin, Policies, PolicyRequest, Principal, Proposal, Question, Resource, Sealed, decide,
};

const ROLES: [Role; 4] = [Role::Viewer, Role::Editor, Role::Approver, Role::Admin];

/// The table.
pub(crate) fn permissions() -> Result<String, String> {
    let policies = Policies::built_in().map_err(|error| error.to_string())?;
    let mut text = String::from(
        "# What each role may do\n\nAs the built-in policies decide it. Written by `cargo catalogue`.\n\n\
         | action | resource | viewer | editor | approver | admin |\n|---|---|---|---|---|---|\n",
    );
    for action in actions() {
        let _ = write!(text, "| `{}` | `{}` |", action.name, action.resource.as_str());
        for role in ROLES {
            text.push_str(if may(&policies, action, role) { " yes |" } else { " - |" });
        }
        text.push('\n');
    }
    Ok(text)
}

fn may(policies: &Policies, action: Action, role: Role) -> bool {
    let (tenant, at) = (TenantId::from_random([0; 16]), Timestamp::from_millis(0));
    let roles = BTreeSet::from([role]);
    let wanted = NewCredential { name: "example".to_owned(), kind: Kind::Bearer, roles, expires_at: None };
    let Ok(credential) = wanted.made(CredentialId::new(tenant, [0; 8]), None, Maker::Operator, at) else {
        return false;
    };
    let request =
        PolicyRequest { tenant, principal: Principal::Credential(&credential), action, origin: &Origin::default(), at };
    let question = Question::new(Resource::new(action.resource, "example"));
    decide(policies, &request, Sealed::new(()), |()| Proposal { question, outcome: () }).is_ok()
}
