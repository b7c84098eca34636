//! Actions: what Cedar is asked about. One a function, named as the function is.

/// An action and the group that the built-in policies speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// The function's name: `put-identity-center-config`.
    pub name: &'static str,
    /// Its group.
    pub group: Group,
    /// What it is done to.
    pub resource: super::Kind,
}

/// The groups of actions, each a Cedar action that the actions are members of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Looks, and changes nothing.
    Read,
    /// Changes connections, identity sources and the directory.
    Write,
    /// Approves, rejects and activates versions.
    Approve,
    /// Keys, policies and audit.
    Administer,
}

impl Group {
    /// All groups.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Approve, Self::Administer];

    /// `read`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Approve => "approve",
            Self::Administer => "administer",
        }
    }
}
