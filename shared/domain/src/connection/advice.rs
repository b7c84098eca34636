//! Remedies: the text to follow for each code. Most people fail to connect at the first try; this is what they read.

use super::{Code, Connection, Denial, Deployment, PolicyKind, Refusal, Settings};

/// The connection that advice is about.
pub(super) struct About<'a> {
    connection: &'a Connection,
    /// The settings under test.
    pub(super) settings: &'a Settings,
    /// Account and region of the platform.
    pub(super) deployment: &'a Deployment,
}

/// The endpoint with the templates of the role.
const TEMPLATE: &str = "POST /v1/integrations/aws-identity-center/bootstrap-template";

impl<'a> About<'a> {
    pub(super) fn of(connection: &'a Connection, deployment: &'a Deployment) -> Self {
        Self { connection, settings: &connection.settings, deployment }
    }

    pub(super) fn role(&self) -> &str {
        self.settings.role_arn.as_ref().map_or("the role", |role| role.as_str())
    }

    pub(super) fn role_name(&self) -> &str {
        self.role().rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn account(&self) -> &str {
        self.settings.role_arn.as_ref().map_or("", |role| role.account())
    }

    pub(super) fn instance(&self) -> &str {
        self.settings.sso_instance_arn.as_ref().map_or("the instance", |arn| arn.as_str())
    }

    /// The region as it is saved, in words.
    pub(super) fn region(&self) -> String {
        match &self.settings.region {
            Some(region) => format!("`{region}`"),
            None => "the platform's own region (no `region` is saved)".to_owned(),
        }
    }

    /// Compares with the region that is asked: the saved one, or the platform's where none is saved.
    pub(super) fn is_in(&self, region: &str) -> bool {
        self.settings.region.as_ref().unwrap_or(&self.deployment.region).as_str() == region
    }

    /// The code, the sentence and the remedy for a refusal of `action`.
    pub(super) fn explained(&self, action: &str, refusal: &Refusal) -> (Code, String, String) {
        let code = refusal.code(action);
        let general = self.advice(code, Some(action));
        let remedy = match (code, refusal) {
            (Code::NetworkRestricted, Refusal::Denied(denial)) => self.policy_advice(denial),
            (Code::PermissionMissing, Refusal::Denied(denial)) => match self.own_policy_advice(denial, action) {
                Some(first) => format!("{first} {general}"),
                None => general,
            },
            (Code::AssumeRoleDenied, Refusal::Denied(Denial { policy_arn: Some(arn), .. })) => {
                format!("AWS names the policy that denies it: look at `{arn}` first. {general}")
            }
            _ => general,
        };
        (code, refusal.found(action), remedy)
    }

    /// The remedy for a denial by a policy that the role's own policies cannot override.
    fn policy_advice(&self, denial: &Denial) -> String {
        let place = match (&denial.policy_arn, denial.by) {
            (Some(arn), _) => format!(
                "Open the policy that AWS names, `{arn}` (AWS Organizations > Policies, in the management account)"
            ),
            (None, Some(PolicyKind::ServiceControl)) => {
                "Find the service control policy (AWS Organizations > Policies, in the management account)".to_owned()
            }
            (None, Some(PolicyKind::ResourceControl)) => {
                "Find the resource control policy (AWS Organizations > Policies, in the management account)".to_owned()
            }
            (None, Some(PolicyKind::VpcEndpoint)) => {
                "Find the policy of the VPC endpoint that the call passed".to_owned()
            }
            (None, _) => {
                "Find the policy of the instance: its network access controls (IAM Identity Center > Settings)"
                    .to_owned()
            }
        };
        if !denial.explicit {
            return format!("{place}: none of these policies allows the action to the role. Allow it there.");
        }
        format!(
            "{place}. Two kinds are usual: one that denies regions (a condition on `aws:RequestedRegion`) and does not list {}, and \
             one that denies calls from other networks (conditions on `aws:SourceIp`, `aws:SourceVpc`, `aws:SourceVpce`). Except \
             the role from it with the condition `\"ArnNotLike\": {{\"aws:PrincipalArn\": \"{}\"}}`. CloudTrail in account {} \
             has the denied call under the check's `aws_request_id`.",
            self.region(),
            self.role(),
            self.account(),
        )
    }

    /// The remedy that comes first where AWS names a policy of the role.
    fn own_policy_advice(&self, denial: &Denial, action: &str) -> Option<String> {
        let arn = denial.policy_arn.as_ref().map(|arn| format!(" `{arn}`")).unwrap_or_default();
        Some(match (denial.by?, denial.explicit) {
            (PolicyKind::Boundary, false) => {
                format!("The role's permissions boundary does not allow `{action}`: add it there.")
            }
            (PolicyKind::Boundary, true) => {
                format!("The role's permissions boundary{arn} denies `{action}`: change it there.")
            }
            (PolicyKind::Identity, true) => {
                format!("A policy of the role{arn} has a `Deny` for `{action}`: take it out.")
            }
            _ => return None,
        })
    }

    fn partition(&self) -> String {
        self.settings.role_arn.as_ref().and_then(|role| role.partition()).map_or("aws".to_owned(), |p| p.to_string())
    }

    fn trust_relationships(&self) -> String {
        format!(
            "in account {}, open IAM > Roles > {} > Trust relationships > Edit trust policy",
            self.account(),
            self.role_name()
        )
    }

    /// The one statement that the role's trust policy has to have.
    fn trust_statement(&self) -> String {
        format!(
            "{{\"Effect\": \"Allow\", \"Principal\": {{\"AWS\": \"arn:{}:iam::{}:root\"}}, \"Action\": \"sts:AssumeRole\", {}}}",
            self.partition(),
            self.deployment.account.as_str(),
            self.condition()
        )
    }

    fn condition(&self) -> String {
        let ids: Vec<String> = self.connection.external_ids().map(|id| format!("\"{id}\"")).collect();
        format!("\"Condition\": {{\"StringEquals\": {{\"sts:ExternalId\": [{}]}}}}", ids.join(", "))
    }

    /// The remedy where the role trusts an ExternalId that is over.
    pub(super) fn trust_current(&self) -> String {
        format!(
            "If the trust policy was changed just now, test again in a minute. If not, an old one was put back: {}, and set `{}`.",
            self.trust_relationships(),
            self.condition()
        )
    }

    /// The remedy for `code`; `action` is the IAM action that was refused, where one was.
    pub(super) fn advice(&self, code: Code, action: Option<&str>) -> String {
        let (account, role, instance) = (self.account(), self.role_name(), self.instance());
        match code {
            Code::AssumeRoleDenied => format!(
                "Check, in this order: {}. (1) The role is there, and IAM shows exactly this ARN for it, its path included. \
                 (2) Its trust policy has this statement, the ids in lower case: `{}`. (3) No other statement of it denies the \
                 platform. (4) No service control policy or resource control policy of the organization (AWS Organizations > \
                 Policies, in the management account) keeps other accounts from `sts:AssumeRole`. A change of the trust policy \
                 takes some seconds to count. The templates of `{TEMPLATE}` make a role that is right in all of this.",
                self.trust_relationships(),
                self.trust_statement(),
            ),
            Code::AssumeRoleFailed => format!(
                "`RegionDisabledException`: in account {account}, open IAM > Account settings > Security Token Service (STS) > \
                 Endpoints and activate `{}`, the region of the platform. Any other error code: look it up in the API reference \
                 of `AssumeRole`, or give AWS Support the check's `aws_request_id`.",
                self.deployment.region,
            ),
            Code::StsUnreachable => format!(
                "Try again in a minute. It is AWS STS in `{}` that did not answer, where the platform runs: nothing in your \
                 account has to be changed. If it stays so, see the AWS Health Dashboard for AWS STS there.",
                self.deployment.region,
            ),
            Code::PendingExternalIdNotTrusted => format!(
                "Add the pending ExternalId beside the current one: {}, and set `{}`. Commit the rotation when this check \
                 passes; take the old id out of the policy only after that.",
                self.trust_relationships(),
                self.condition(),
            ),
            Code::CurrentExternalIdNotTrusted => "Commit the rotation (POST \
                 /v1/integrations/aws-identity-center/external-id/commit): the role trusts the new ExternalId already. To keep \
                 the old one, put it back into the trust policy and cancel the rotation."
                .to_owned(),
            Code::RoleShared => format!(
                "If both tenants are yours, nothing has to be done; a role of its own for each keeps their CloudTrail records \
                 and permissions apart. If not, somebody else's ExternalId is in the trust policy: {}, and leave only the \
                 condition `{}`.",
                self.trust_relationships(),
                self.condition(),
            ),
            Code::ExternalIdNotEnforced => format!(
                "Do this at once: {}, and let this be the only statement that allows account {} anything: `{}`. As it is, \
                 another statement has no such condition, or one that takes any id (`StringLike` with `*`, `StringEqualsIfExists`, \
                 `ForAllValues:`), and any user of this platform who knows the role's ARN could assume it. Until it is mended \
                 nothing more is asked through this role.",
                self.trust_relationships(),
                self.deployment.account.as_str(),
                self.trust_statement(),
            ),
            Code::AccountMismatch => format!(
                "In account {account}, open IAM > Roles > {role} and save the ARN that its summary shows (PUT \
                 /v1/integrations/aws-identity-center/config); do not copy one from another account and change its digits."
            ),
            Code::PartitionUnreachable => "A role can be assumed within its own partition only. Use a deployment of this \
                 platform in the role's partition (`aws-cn`, `aws-us-gov` and `aws-eusc` have accounts of their own)."
                .to_owned(),
            Code::InstanceNotFound => format!(
                "In the organization's management account or the delegated administrator's, open IAM Identity Center > \
                 Settings > Details and compare `Instance ARN` with the one that is saved; one that was deleted and made again \
                 has another ARN. If it is the same, the role is in another organization: see the organization's id in AWS \
                 Organizations > Settings there and in account {account}, and make the role in the right one. (`aws sso-admin \
                 list-instances --region-scope ALL_REGIONS` with the role's own permissions shows what the platform sees.)"
            ),
            Code::WrongRegion => "Save the configuration with the region of this check's `details.region` (PUT \
                 /v1/integrations/aws-identity-center/config). The region is the instance's primary one, which the console \
                 shows under IAM Identity Center > Settings."
                .to_owned(),
            Code::RegionNotEnabled => format!(
                "If {region} is not the instance's region, save the right one: IAM Identity Center > Settings > Details shows the \
                 primary region. If it is, enable the region for account {account}: Account > AWS Regions in the console of that \
                 account, or `aws account enable-region --region-name ... --account-id {account}` in the management account. \
                 Enabling takes minutes, in some cases hours. If the region is enabled, look for a policy that revokes sessions \
                 (a `Deny` on `aws:TokenIssueTime`) at IAM > Roles > {role} > Permissions.",
                region = self.region(),
            ),
            Code::InstanceNotVisible => "Test again in some minutes. Nothing has to be changed: a new instance takes a while to be \
                 visible in its own region."
                .to_owned(),
            Code::PlatformFault => "Nothing in your account has to be changed. The operator of this platform has to look at its \
                 clock, its credentials and the network between it and AWS; give them the time of the test and the check's \
                 `aws_request_id`."
                .to_owned(),
            Code::PermissionMissing => {
                let action = action.unwrap_or("the action");
                let resource = if needs_all(action) { "*" } else { instance };
                format!(
                    "In account {account}, open IAM > Roles > {role} > Permissions and add to a policy: `{{\"Effect\": \"Allow\", \
                     \"Action\": \"{action}\", \"Resource\": \"{resource}\"}}`. If it is there already, something denies it: a \
                     `Deny` in another policy of the role, its permissions boundary (on the same page), or a service control \
                     policy of the organization. The templates of `{TEMPLATE}` have all permissions that are needed, and no more."
                )
            }
            Code::NetworkRestricted => self.policy_advice(&Denial { explicit: true, ..Denial::default() }),
            Code::InstanceNotActive => "Wait while IAM Identity Center makes the instance, which takes minutes, and test \
                 again. One that could not be made, or is being deleted, has to be made anew (IAM Identity Center > Settings) \
                 and saved with its new ARN."
                .to_owned(),
            Code::KmsDenied => format!(
                "The instance is encrypted with a key of yours, which IAM Identity Center > Settings > Encryption names. The \
                 role has to be let use it in both places. In KMS > Customer managed keys > the key > Key policy: `{{\"Effect\": \
                 \"Allow\", \"Principal\": {{\"AWS\": \"{}\"}}, \"Action\": \"kms:Decrypt\", \"Resource\": \"*\", {via}}}`. In \
                 account {account}, in IAM > Roles > {role} > Permissions: `{{\"Effect\": \"Allow\", \"Action\": \"kms:Decrypt\", \
                 \"Resource\": \"the key's ARN\", {via}}}`.",
                self.role(),
                via = "\"Condition\": {\"StringLike\": {\"kms:ViaService\": \"sso.*.amazonaws.com\"}}",
            ),
            Code::KmsDisabled => "Enable the key that encrypts the instance: KMS > Customer managed keys > the key > Key \
                 actions > Enable."
                .to_owned(),
            Code::KmsInvalidState => "Cancel the deletion of the key that encrypts the instance (KMS > Customer managed keys > \
                 the key > Key actions > Cancel key deletion), then enable it. When the waiting period is over, what it \
                 encrypts is lost."
                .to_owned(),
            Code::KmsInvalidKeyUsage => "Give the instance a symmetric key for encryption and decryption (`SYMMETRIC_DEFAULT`, \
                 `ENCRYPT_DECRYPT`): IAM Identity Center > Settings > Encryption."
                .to_owned(),
            Code::KmsNotFound => "The key that encrypts the instance is not there any more, or not in its account and region. \
                 Choose one that is: IAM Identity Center > Settings > Encryption."
                .to_owned(),
            Code::KmsUpdateFailed => "See IAM Identity Center > Settings > Encryption: the last change of the instance's key \
                 failed. Mend the key or its policy there and try the change again."
                .to_owned(),
            Code::AccountInstance => "To manage access to the accounts of an organization, enable IAM Identity Center in the \
                 organization's management account, make the role there or in a delegated administrator's account, and save \
                 that instance's ARN. An account instance serves applications of its one account only."
                .to_owned(),
            Code::NotDelegatedAdmin => format!(
                "Make the role in the organization's management account; or let account {account} administer IAM Identity \
                 Center: in the management account, `aws organizations register-delegated-administrator --account-id {account} \
                 --service-principal sso.amazonaws.com`. If account {account} is registered already, give the role \
                 `sso:ListPermissionSets` and `organizations:ListDelegatedAdministrators`."
            ),
            Code::AwsThrottled | Code::KmsThrottled => "Try again in a minute. IAM Identity Center takes some 20 calls a \
                 second of an organization, from all its tools together: if it stays so, see what else calls it."
                .to_owned(),
            Code::AwsUnavailable => "Try again in a minute. If it stays so, see the AWS Health Dashboard for IAM Identity Center \
                 and AWS Organizations."
                .to_owned(),
            Code::AwsUnreachable => format!(
                "Try again in a minute. If it stays so, see first whether {} is right: IAM Identity Center > Settings > Details \
                 shows the instance's primary region. Then see the AWS Health Dashboard for IAM Identity Center and AWS \
                 Organizations there.",
                self.region(),
            ),
            Code::AwsRefused => "Look up the error code among the common errors in the API reference of IAM Identity Center \
                 (`OptInRequired`: the account's sign-up is not complete, or the account is closed), or give AWS Support the \
                 check's `aws_request_id`."
                .to_owned(),
        }
    }
}

/// Whether IAM knows no resource for the action ("Actions, resources, and condition keys", Service Authorization Reference).
fn needs_all(action: &str) -> bool {
    action == "sso:ListInstances" || action.starts_with("organizations:")
}
