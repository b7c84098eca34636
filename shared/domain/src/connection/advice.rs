//! What to do about each thing that a test finds wrong. Most people fail to connect at the first try; this is what they read.

use super::{Code, Settings};
use crate::ids::ExternalId;
use crate::region::AccountId;

/// What advice is about.
pub(super) struct About<'a> {
    /// The settings under test.
    pub(super) settings: &'a Settings,
    /// The account that the platform runs in.
    pub(super) platform: &'a AccountId,
    /// The tenant's current ExternalId.
    pub(super) external_id: ExternalId,
    /// The one that is to take its place, while rotating.
    pub(super) external_id_pending: Option<ExternalId>,
}

/// Where our own texts for the role come from.
const TEMPLATE: &str = "POST /v1/integrations/aws-identity-center/bootstrap-template";

impl About<'_> {
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

    fn partition(&self) -> String {
        self.settings.role_arn.as_ref().and_then(|role| role.partition()).map_or("aws".to_owned(), |p| p.to_string())
    }

    fn trust_relationships(&self) -> String {
        format!("in account {}, open IAM > Roles > {} > Trust relationships", self.account(), self.role_name())
    }

    fn condition(&self) -> String {
        let ids: Vec<String> = [Some(self.external_id), self.external_id_pending]
            .into_iter()
            .flatten()
            .map(|id| format!("\"{id}\""))
            .collect();
        format!("\"Condition\": {{\"StringEquals\": {{\"sts:ExternalId\": [{}]}}}}", ids.join(", "))
    }

    /// What to do about `code`; `action` is the IAM action that was refused, where one was.
    pub(super) fn advice(&self, code: Code, action: Option<&str>) -> String {
        let (account, role, instance) = (self.account(), self.role_name(), self.instance());
        match code {
            Code::AssumeRoleDenied => format!(
                "Check, in this order: {}. (1) A role of exactly this ARN exists, its path included. (2) `Principal` is \
                 `{{\"AWS\": \"arn:{}:iam::{}:root\"}}` and `Action` is `sts:AssumeRole`. (3) The condition is \
                 `{}`, the ids in lower case. (4) No service control policy or resource control policy of the organization \
                 keeps other accounts from `sts:AssumeRole`. A change of the trust policy takes some seconds to count. The \
                 templates of `{TEMPLATE}` make a role that is right in all of this.",
                self.trust_relationships(),
                self.partition(),
                self.platform.as_str(),
                self.condition(),
            ),
            Code::AssumeRoleFailed => format!(
                "Look up the error code in the documentation of `sts:AssumeRole`. `RegionDisabledException`: activate STS \
                 for {} in account {account} (IAM > Account settings).",
                self.region(),
            ),
            Code::StsUnreachable => format!(
                "Try again in a minute. If it stays so, see whether {} is a region that exists and whether the AWS Health \
                 Dashboard reports trouble of AWS STS there.",
                self.region(),
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
                 and permissions apart. If not, somebody else's ExternalId is in the trust policy: {}, and leave only `{}`.",
                self.trust_relationships(),
                self.condition(),
            ),
            Code::ExternalIdNotEnforced => format!(
                "Do this at once: {}, and give the statement that trusts account {} the condition `{}`. Without it, whoever \
                 uses this platform and knows the role's ARN comes in. Look for a second statement that trusts the account \
                 without a condition. Until it is mended nothing more is asked through this role.",
                self.trust_relationships(),
                self.platform.as_str(),
                self.condition(),
            ),
            Code::AccountMismatch => format!(
                "Save the ARN of the role as IAM shows it, in account {account}; do not copy one from another account and \
                 change its digits."
            ),
            Code::PartitionUnreachable => "A role can be assumed within its own partition only. Use a deployment of this \
                 platform in the role's partition (`aws-cn`, `aws-us-gov` and `aws-eusc` have accounts of their own)."
                .to_owned(),
            Code::InstanceNotFound => format!(
                "Copy the ARN from IAM Identity Center > Settings > Details of the account that owns the instance. If the \
                 instance was deleted and made again, it has another ARN now. If the role is in another organization than the \
                 instance, make it in the right one (its account is {account})."
            ),
            Code::WrongRegion => "Save the configuration with the region of this check's `details.region` (PUT \
                 /v1/integrations/aws-identity-center/config). The region is the instance's primary one, which the console \
                 shows under IAM Identity Center > Settings."
                .to_owned(),
            Code::PermissionMissing => {
                let action = action.unwrap_or("the action");
                let resource = if needs_all(action) { "*" } else { instance };
                format!(
                    "Add to a permission policy of role `{role}` in account {account}: `{{\"Effect\": \"Allow\", \"Action\": \
                     \"{action}\", \"Resource\": \"{resource}\"}}`. If it is there already, a permissions boundary of the role \
                     or a service control policy of the organization denies it. The templates of `{TEMPLATE}` have all \
                     permissions that are needed, and no more."
                )
            }
            Code::NetworkRestricted => format!(
                "Find the policy that denies calls by where they come from (conditions on `aws:SourceIp`, `aws:SourceVpc`, \
                 `aws:SourceVpce`): the instance's network access controls, a service control policy or a resource control \
                 policy. Except the role with a condition such as `\"ArnNotLike\": {{\"aws:PrincipalArn\": \"{}\"}}`.",
                self.role(),
            ),
            Code::InstanceNotActive => "Wait while IAM Identity Center makes the instance, which takes minutes, and test \
                 again. One that could not be made, or is being deleted, has to be made anew (IAM Identity Center > Settings) \
                 and saved with its new ARN."
                .to_owned(),
            Code::KmsDenied => format!(
                "The instance is encrypted with a key of yours. Let role `{role}` use it twice over: in the key's policy \
                 (`kms:Decrypt` for `{}`) and in the role's own policies (`kms:Decrypt` on the key's ARN, with the condition \
                 `\"StringLike\": {{\"kms:ViaService\": \"sso.*.amazonaws.com\"}}`).",
                self.role(),
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
            Code::AwsUnavailable | Code::AwsUnreachable => "Try again in a minute. If it stays so, see the AWS Health Dashboard \
                 for IAM Identity Center and AWS Organizations."
                .to_owned(),
            Code::AwsRefused => "Look up the error code in the API reference of IAM Identity Center, or give AWS Support the \
                 check's `aws_request_id`."
                .to_owned(),
        }
    }
}

/// Whether IAM knows no resource for the action ("Actions, resources, and condition keys", Service Authorization Reference).
fn needs_all(action: &str) -> bool {
    action == "sso:ListInstances" || action.starts_with("organizations:")
}
