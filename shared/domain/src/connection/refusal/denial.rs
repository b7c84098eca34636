//! Denials: the policy that denied a call, as far as AWS's message names it.

use serde::{Deserialize, Serialize};

/// A denied call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// The kind of policy, where AWS names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PolicyKind>,
    /// True for a `Deny` statement, false for a missing `Allow`.
    #[serde(default)]
    pub explicit: bool,
    /// The ARN of the policy, which AWS names within one account or organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_arn: Option<String>,
    /// The IAM action in AWS's message; may be another one than was called, such as `kms:Decrypt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// A kind of policy ("Troubleshoot access denied error messages", IAM User Guide).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// A policy of the role.
    Identity,
    /// The role's permissions boundary.
    Boundary,
    /// A policy of the session.
    Session,
    /// A policy of the resource, such as the instance's network access controls.
    Resource,
    /// A service control policy of the organization.
    ServiceControl,
    /// A resource control policy of the organization.
    ResourceControl,
    /// The policy of a VPC endpoint.
    VpcEndpoint,
    /// The role's trust policy.
    Trust,
}

impl PolicyKind {
    /// All kinds with AWS's words for them, in lower case.
    const WORDS: [(&'static str, Self); 8] = [
        ("identity-based policy", Self::Identity),
        ("permissions boundary", Self::Boundary),
        ("session policy", Self::Session),
        ("resource-based policy", Self::Resource),
        ("service control policy", Self::ServiceControl),
        ("resource control policy", Self::ResourceControl),
        ("vpc endpoint policy", Self::VpcEndpoint),
        ("role trust policy", Self::Trust),
    ];

    /// AWS's words for this kind.
    pub fn words(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("policy", |(words, _)| words)
    }

    /// The kind whose words `text` begins with, and the rest of the text.
    fn at_start(text: &str) -> Option<(Self, &str)> {
        let text = ["a ", "an ", "the "].iter().find_map(|article| text.strip_prefix(article)).unwrap_or(text);
        Self::WORDS.iter().find_map(|(words, kind)| Some((*kind, text.strip_prefix(words)?)))
    }
}

impl Denial {
    /// Reads AWS's message. A message of another form gives a denial without detail.
    pub fn of_message(message: &str) -> Self {
        // ASCII lower case keeps byte positions, so that the ARN can be cut out of the original.
        let lower = message.to_ascii_lowercase();
        let after = |marker: &str| lower.find(marker).and_then(|at| lower.get(at + marker.len()..));
        let action = after("not authorized to perform: ")
            .and_then(|rest| message.get(message.len() - rest.len()..))
            .and_then(|rest| rest.split(|c: char| c.is_whitespace() || c == ',').next())
            .filter(|action| action.contains(':'))
            .map(|action| action.trim_end_matches(['.', ';']).to_owned());
        if let Some((kind, rest)) = after("explicit deny in ").and_then(PolicyKind::at_start) {
            let original = message.get(message.len() - rest.len()..).unwrap_or_default();
            let arn = original.strip_prefix(':').map(|rest| rest.trim().trim_end_matches('.'));
            let policy_arn = arn.filter(|arn| arn.starts_with("arn:")).and_then(|arn| arn.split_whitespace().next());
            return Self { by: Some(kind), explicit: true, policy_arn: policy_arn.map(ToOwned::to_owned), action };
        }
        if let Some((kind, rest)) = after("because no ").and_then(PolicyKind::at_start)
            && rest.trim_start().starts_with("allows")
        {
            return Self { by: Some(kind), explicit: false, policy_arn: None, action };
        }
        Self { action, ..Self::default() }
    }

    /// Reports a policy that the role's own policies cannot override.
    pub fn is_by_others(&self) -> bool {
        match self.by {
            Some(PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint) => true,
            Some(PolicyKind::Resource) => self.explicit,
            Some(PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session | PolicyKind::Trust) | None => false,
        }
    }

    /// Reports a policy of the account that calls: not of the resource, nor of its organization.
    pub(super) fn is_by_callers_account(&self) -> bool {
        matches!(
            self.by,
            Some(
                PolicyKind::Identity
                    | PolicyKind::Boundary
                    | PolicyKind::Session
                    | PolicyKind::ServiceControl
                    | PolicyKind::VpcEndpoint
            )
        )
    }

    /// Reports a policy of the organization.
    pub fn is_by_organization(&self) -> bool {
        matches!(self.by, Some(PolicyKind::ServiceControl | PolicyKind::ResourceControl))
    }

    /// One sentence on the denial of `action`.
    pub(in crate::connection) fn found(&self, action: &str) -> String {
        let Some(kind) = self.by else { return format!("The role may not `{action}`.") };
        let words = kind.words();
        let named = self.policy_arn.as_ref().map(|arn| format!(" (`{arn}`)")).unwrap_or_default();
        if self.explicit {
            format!("A {words}{named} explicitly denies `{action}` to the role.")
        } else {
            format!("No {words} allows `{action}` to the role.")
        }
    }
}
