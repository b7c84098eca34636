//! Actions that Cedar decides about. Each function has one, with the same name.

use trustplane_domain::credential::Role;

use crate::setup;

/// An action, and its group in the built-in policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// The function's name: `put-identity-center-config`.
    pub name: &'static str,
    /// Its group.
    pub group: Group,
    /// The kind of resource that it acts on.
    pub resource: super::Kind,
}

impl Action {
    /// Returns the names of its groups in Cedar: that of its roles, and one per section of the setup page that has it.
    pub(crate) fn groups(self) -> impl Iterator<Item = String> {
        std::iter::once(self.group.as_str().to_owned()).chain(setup::sections_of(self.name).map(setup::group))
    }
}

/// Groups of actions. Each is a Cedar action that has the actions as members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Reads, and changes nothing.
    Read,
    /// Changes connections, identity sources and the directory.
    Write,
    /// Approves, rejects and activates versions.
    Approve,
    /// Manages credentials, policies and the audit log.
    Administer,
}

impl Group {
    /// All groups.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Approve, Self::Administer];

    /// Returns the role with the fewest permissions that may do this by the built-in policies.
    pub fn least_role(self) -> Role {
        match self {
            Self::Read => Role::Viewer,
            Self::Write => Role::Editor,
            Self::Approve => Role::Approver,
            Self::Administer => Role::Admin,
        }
    }

    /// Returns the name in Cedar: `read`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Approve => "approve",
            Self::Administer => "administer",
        }
    }
}
