//! Roles, with trust and permissions, and their sessions.

use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

use crate::fixture::{PLATFORM_ACCOUNT, REGION};
use crate::iam::{Decision, Policy, Request, decide};
use crate::oddity::Oddity;
use crate::scenario::Scenario;
use crate::state::State;
use crate::wire::Failure;

/// Default permissions of a role: the read actions that the service's documentation asks a customer to grant.
pub const READ_ACTIONS: [&str; 13] = [
    "organizations:DescribeAccount",
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListDelegatedServicesForAccount",
    "sso:DescribeInstance",
    "sso:DescribePermissionSet",
    "sso:ListAccountAssignments",
    "sso:ListAccountAssignmentsForPrincipal",
    "sso:ListAccountsForProvisionedPermissionSet",
    "sso:ListInstances",
    "sso:ListPermissionSets",
    "sso:ListPermissionSetsProvisionedToAccount",
];

/// The parts of a role's ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoleArn<'a> {
    pub(crate) account: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> RoleArn<'a> {
    pub(crate) fn parse(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        if parts.next() != Some("arn") || !parts.next()?.starts_with("aws") || parts.next() != Some("iam") {
            return None;
        }
        if parts.next() != Some("") {
            return None;
        }
        let account = parts.next()?;
        let name = parts.next()?.strip_prefix("role/")?.rsplit('/').next()?;
        let is_name = |name: &str| {
            (1..=64).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
        };
        (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) && is_name(name))
            .then_some(Self { account, name })
    }
}

/// A role.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) trust: Policy,
    pub(crate) permissions: Vec<Policy>,
    /// Longest duration of a session, in seconds.
    pub(crate) max_session_duration: u32,
}

impl Role {
    /// Creates a role that trusts the platform's account with these ExternalIds (`None`: any, or none) and has the read
    /// permissions.
    pub(crate) fn trusting_platform(external_ids: Option<Vec<String>>) -> Self {
        Self {
            trust: Policy::trusting(PLATFORM_ACCOUNT, external_ids),
            permissions: vec![Policy::allowing(READ_ACTIONS)],
            max_session_duration: 3600,
        }
    }
}

/// Returns the ExternalIds that the path of a role names: `arn:aws:iam::123456789012:role/tenant/{ExternalId}`. Such a role exists
/// without registration and trusts the platform with them alone, so that any tenant of a local stack can be connected.
pub(crate) fn named_external_ids(arn: &str) -> Option<Vec<String>> {
    let (_, names) = arn.split_once(":role/tenant/")?;
    Some(names.split('/').map(str::to_owned).collect())
}

/// Returns the role's unique id, which is the same at every start.
pub(crate) fn role_id(role_arn: &str) -> String {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = digest(&SHA256, role_arn.as_bytes());
    let letters = hash.as_ref().iter().take(17).filter_map(|byte| BASE32.get(usize::from(byte % 32)));
    format!("AROA{}", letters.map(|letter| char::from(*letter)).collect::<String>())
}

/// Credentials that AssumeRole issued.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) secret_access_key: String,
    pub(crate) token: String,
    pub(crate) expires: OffsetDateTime,
    pub(crate) caller: Caller,
}

/// A caller: a session of a role. The platform's functions are a session too.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: String,
    /// The ARN in GetCallerIdentity.
    pub(crate) arn: String,
    pub(crate) user_id: String,
    pub(crate) role_arn: String,
    /// The policy given to AssumeRole, which restricts the role's permissions.
    pub(crate) session_policy: Option<Policy>,
    /// True for the platform's own functions, with credentials from outside.
    pub(crate) is_platform: bool,
    /// Time of the AssumeRole.
    pub(crate) opened_at: OffsetDateTime,
}

impl Caller {
    /// Creates the caller for the platform's functions. On AWS, they have a role's session too.
    pub(crate) fn platform() -> Self {
        let role_arn = format!("arn:aws:iam::{PLATFORM_ACCOUNT}:role/trustplane-functions");
        Self {
            account: PLATFORM_ACCOUNT.into(),
            arn: format!("arn:aws:sts::{PLATFORM_ACCOUNT}:assumed-role/trustplane-functions/local"),
            user_id: format!("{}:local", role_id(&role_arn)),
            role_arn,
            session_policy: None,
            is_platform: true,
            opened_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    /// Returns the role's scenario, if it has one.
    pub(crate) fn scenario(&self) -> Option<Scenario> {
        Scenario::of_role(&self.role_arn)
    }

    /// Returns the unusual behaviour of the role's scenario.
    pub(crate) fn oddity(&self) -> Option<Oddity> {
        self.scenario().and_then(|scenario| scenario.oddity())
    }
}

impl State {
    /// Returns the role with this ARN: the registered one, the one whose path names its ExternalIds, or the scenario's.
    pub(crate) fn role(&self, arn: &str) -> Option<Role> {
        if let Some(role) = self.roles.get(arn) {
            return Some(role.clone());
        }
        if let Some(named) = named_external_ids(arn) {
            return Some(Role::trusting_platform(Some(named)));
        }
        let external_ids = || Some(self.external_ids.iter().cloned().collect());
        match Scenario::of_role(arn)? {
            Scenario::NoTrust => None,
            Scenario::ExternalIdNotEnforced => Some(Role::trusting_platform(None)),
            Scenario::MissingPermission(missing) => {
                let allowed = READ_ACTIONS.into_iter().filter(|action| !action.eq_ignore_ascii_case(&missing));
                Some(Role { permissions: vec![Policy::allowing(allowed)], ..Role::trusting_platform(external_ids()) })
            }
            _ => Some(Role::trusting_platform(external_ids())),
        }
    }

    /// Authorizes an action on each of these resources, by the caller's policies.
    ///
    /// # Errors
    /// `AccessDeniedException`, with AWS's wording ("Troubleshoot access denied error messages", IAM User Guide).
    pub(crate) fn authorize(
        &self,
        caller: &Caller,
        region: &str,
        action: &str,
        resources: &[&str],
    ) -> Result<(), Failure> {
        if caller.is_platform {
            return Ok(());
        }
        let permissions = self.role(&caller.role_arn).map(|role| role.permissions).unwrap_or_default();
        let mut context = context(caller, region);
        if action.starts_with("kms:") {
            context.push(("kms:viaservice", format!("sso.{region}.amazonaws.com")));
        }
        for resource in resources {
            let request = Request {
                action,
                resource,
                account: &caller.account,
                arns: &[&caller.arn, &caller.role_arn],
                context: &context,
            };
            let because = match decide(&permissions, &request) {
                Decision::ExplicitlyDenied => "with an explicit deny in an identity-based policy".to_owned(),
                Decision::NotAllowed => {
                    format!("because no identity-based policy allows the {action} action")
                }
                Decision::Allowed => match caller.session_policy.as_ref().map(|policy| policy.decide(&request)) {
                    Some(Decision::ExplicitlyDenied) => "with an explicit deny in a session policy".to_owned(),
                    Some(Decision::NotAllowed) => {
                        format!("because no session policy allows the {action} action")
                    }
                    Some(Decision::Allowed) | None => continue,
                },
            };
            return Err(denied(caller, action, resource, &because));
        }
        if let Some(failure) = caller.oddity().and_then(|oddity| oddity.denies(caller, action, resources)) {
            return Err(failure);
        }
        let resource = resources.first().copied().unwrap_or("*");
        match caller.scenario() {
            // The instance's network access controls, which do not cover ListInstances.
            Some(Scenario::NetworkRestricted) if resource.contains(":sso:::instance/") => {
                Err(denied(caller, action, resource, "with an explicit deny in a resource-based policy"))
            }
            Some(Scenario::NetworkRestrictedByPolicy) => {
                Err(denied(caller, action, resource, "with an explicit deny in a service control policy"))
            }
            _ => Ok(()),
        }
    }
}

/// Creates an `AccessDeniedException` with AWS's wording.
pub(crate) fn denied(caller: &Caller, action: &str, resource: &str, because: &str) -> Failure {
    let message =
        format!("User: {} is not authorized to perform: {action} on resource: {resource} {because}", caller.arn);
    Failure::new("AccessDeniedException", message)
}

/// Returns the condition keys of a request to another service than STS.
fn context(caller: &Caller, region: &str) -> Vec<(&'static str, String)> {
    vec![
        ("aws:requestedregion", if region.is_empty() { REGION } else { region }.to_owned()),
        ("aws:principalaccount", caller.account.clone()),
        ("aws:principalarn", caller.role_arn.clone()),
        // The stand-in listens on loopback without TLS. A policy that requires TLS holds as it would on AWS.
        ("aws:securetransport", "true".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arns() {
        let arn = RoleArn::parse("arn:aws:iam::123456789012:role/a/b/Reader").unwrap();
        assert_eq!((arn.account, arn.name), ("123456789012", "Reader"));
        for wrong in [
            "arn:aws:iam::12345678901:role/Reader",
            "arn:aws:iam::123456789012:user/Reader",
            "arn:aws:iam:us-east-1:123456789012:role/Reader",
            "arn:aws:sts::123456789012:assumed-role/Reader/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a b",
            "role/Reader",
        ] {
            assert_eq!(RoleArn::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_role_of_a_tenant_names_its_external_ids() {
        let named = named_external_ids("arn:aws:iam::123456789012:role/tenant/new/old");
        assert_eq!(named, Some(vec!["new".to_owned(), "old".to_owned()]));
        assert_eq!(named_external_ids("arn:aws:iam::123456789012:role/Reader"), None);
    }

    #[test]
    fn role_ids_look_like_aws_s() {
        let id = role_id("arn:aws:iam::123456789012:role/Reader");
        assert_eq!(id.len(), 21);
        assert_eq!(id, role_id("arn:aws:iam::123456789012:role/Reader"));
        assert_ne!(id, role_id("arn:aws:iam::123456789012:role/Writer"));
    }
}
