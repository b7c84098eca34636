//! `shared/policy/permissions.md`: role by action by resource, as the built-in policies decide it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use trustplane_domain::Timestamp;
use trustplane_domain::credential::{Credential, Kind, Maker, NewCredential, Role};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::setup::{Enable, Section, SetupLink, StartedSession};
use trustplane_domain::token::{Purpose, Token};
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
         A session of a setup link has the actions of the sections of its link, where the last column names them.\n\n\
         | action | resource | viewer | editor | approver | admin | setup session |\n|---|---|---|---|---|---|---|\n",
    );
    for action in actions() {
        let _ = write!(text, "| `{}` | `{}` |", action.name, action.resource.as_str());
        for role in ROLES {
            text.push_str(if may(&policies, action, role) { " yes |" } else { " - |" });
        }
        let sections: Vec<String> = Section::ALL
            .into_iter()
            .filter(|section| setup_may(&policies, action, *section))
            .map(|section| format!("`{}`", section.as_str()))
            .collect();
        text.push_str(&if sections.is_empty() { " - |".to_owned() } else { format!(" {} |", sections.join(", ")) });
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
    permits(policies, action, &credential, Question::new(Resource::new(action.resource, "example")))
}

/// Returns true if a session of a link with this section alone may take the action, on the SSO configuration of its link.
fn setup_may(policies: &Policies, action: Action, section: Section) -> bool {
    let (tenant, at) = (TenantId::from_random([0; 16]), Timestamp::from_millis(0));
    let secret = Token::of(Purpose::SetupLink, CredentialId::new(tenant, [0; 8]), [0; 32]);
    let link = SetupLink {
        id: secret.id(),
        secret_hash: secret.hash(),
        label: "example".to_owned(),
        sections: BTreeSet::from([section]),
        sso_configuration_id: None,
        created_at: at,
        created_by: "operator".to_owned(),
        expires_at: at,
        max_sessions: 1,
        allow_changes: false,
        enable: Enable::Customer,
        return_url: None,
        sessions: Vec::new(),
        progress: BTreeMap::new(),
        revoked_at: None,
        expiry_noticed: false,
    };
    let session = StartedSession { id: secret.id(), started_at: at, expires_at: at };
    let credential = link.credential(&session, &secret);
    let question = Question::new(Resource::new(action.resource, "example"));
    permits(policies, action, &credential, Question { own_configuration: Some(true), ..question })
}

fn permits(policies: &Policies, action: Action, credential: &Credential, question: Question) -> bool {
    let principal = Principal::Credential(credential);
    let (tenant, at) = (credential.id.tenant(), credential.created_at);
    let request = PolicyRequest { tenant, principal, action, origin: &Origin::default(), at };
    decide(policies, &request, Sealed::new(()), |()| Proposal { question, outcome: () }).is_ok()
}
