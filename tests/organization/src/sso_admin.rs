//! SSO Admin, the administration API of IAM Identity Center: instances, permission sets, assignments.
//!
//! Sources: the API reference of IAM Identity Center, the SDKs' models, and its page of the Service Authorization
//! Reference for the resources of each action. Observed on AWS, but not documented: ListInstances shows the
//! organization's instance to a member account, and reads of its permission sets are denied; an account instance
//! returns a `ValidationException` for the operations about permission sets.

mod input;

use serde_json::{Value, json};

use self::input::{
    ListInstances, OfInstance, OfPermissionSet, OfPrincipal, account_id, instance_arn, invalid, is_latest, paged,
    permission_set_arn,
};
use std::sync::Arc;

use crate::Service;
use crate::assignments::Assignment;
use crate::fixture::{CREATED, Customer, Instance, PermissionSet, Status};
use crate::oddity::Oddity;
use crate::role::{Caller, denied};
use crate::scenario::{KmsReason, Scenario};
use crate::state::State;
use crate::wire::{Failure, constraint, input, missing};

pub(crate) fn call(
    state: &State,
    caller: &Caller,
    region: &str,
    operation: &str,
    body: &[u8],
) -> Result<Value, Failure> {
    let desk = Desk { state, caller, region, customer: state.customer_of(caller) };
    match operation {
        "ListInstances" => desk.list_instances(input(body)?),
        "DescribeInstance" => desk.describe_instance(input(body)?),
        "ListPermissionSets" => desk.list_permission_sets(input(body)?),
        "DescribePermissionSet" => desk.describe_permission_set(input(body)?),
        "ListAccountAssignments" => desk.list_account_assignments(input(body)?),
        "ListAccountAssignmentsForPrincipal" => desk.list_account_assignments_for_principal(input(body)?),
        "ListAccountsForProvisionedPermissionSet" => desk.list_accounts_for_permission_set(input(body)?),
        "ListPermissionSetsProvisionedToAccount" => desk.list_permission_sets_of_account(input(body)?),
        _ => Err(Failure::unknown_operation(Service::SsoAdmin, operation)),
    }
}

/// A request with its caller, and the resources that exist for the caller.
struct Desk<'a> {
    state: &'a State,
    caller: &'a Caller,
    region: &'a str,
    customer: Option<Arc<Customer>>,
}

impl Desk<'_> {
    fn list_instances(&self, request: ListInstances) -> Result<Value, Failure> {
        let all_regions = match request.region_scope.as_deref() {
            None | Some("CURRENT_REGION") => false,
            Some("ALL_REGIONS") => true,
            Some(other) => {
                let members = "satisfy enum value set: [ALL_REGIONS, CURRENT_REGION]";
                return Err(invalid(constraint(other, "regionScope", members)));
            }
        };
        self.state.authorize(self.caller, self.region, "sso:ListInstances", &["*"])?;
        let instances: Vec<_> = self
            .visible_instances()
            .filter(|instance| all_regions || self.is_listed_here(instance))
            .map(facts)
            .collect();
        let query = format!("ListInstances {all_regions}");
        paged("Instances", &instances, request.max_results, request.next_token.as_deref(), &query)
    }

    fn describe_instance(&self, request: OfInstance) -> Result<Value, Failure> {
        let arn = instance_arn(request.instance_arn.as_deref())?;
        let instance = self.instance("DescribeInstance", arn, &[])?;
        self.key_refuses("DescribeInstance", instance)?;
        let mut facts = facts(instance);
        let encryption = match &instance.customer_key {
            None => json!({"KeyType": "AWS_OWNED_KMS_KEY", "EncryptionStatus": "ENABLED"}),
            Some(key) => {
                let mut encryption = json!({
                    "KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": key.arn, "EncryptionStatus": key.status });
                if let (Some(reason), Some(encryption)) = (key.status_reason, encryption.as_object_mut()) {
                    encryption.insert("EncryptionStatusReason".into(), reason.into());
                }
                encryption
            }
        };
        if let Some(facts) = facts.as_object_mut() {
            facts.insert("EncryptionConfigurationDetails".into(), encryption);
            facts.insert("PermissionSetsEnabled".into(), self.is_of_organization(instance).into());
        }
        Ok(facts)
    }

    fn list_permission_sets(&self, request: OfInstance) -> Result<Value, Failure> {
        let arn = instance_arn(request.instance_arn.as_deref())?;
        let customer = self.administer("ListPermissionSets", arn, &[])?;
        let sets: Vec<_> = customer.permission_sets.iter().map(|set| set.arn.clone()).collect();
        paged("PermissionSets", &sets, request.max_results, request.next_token.as_deref(), "ListPermissionSets")
    }

    fn describe_permission_set(&self, request: OfPermissionSet) -> Result<Value, Failure> {
        let arn = instance_arn(request.instance_arn.as_deref())?;
        let set_arn = permission_set_arn(request.permission_set_arn.as_deref())?;
        let customer = self.administer("DescribePermissionSet", arn, &[set_arn])?;
        let set = permission_set(customer, set_arn)?;
        Ok(json!({ "PermissionSet": {
            "Name": set.name,
            "PermissionSetArn": set.arn,
            "Description": set.description,
            "CreatedDate": CREATED,
            "SessionDuration": set.session_duration,
        }}))
    }

    fn list_account_assignments(&self, request: OfPermissionSet) -> Result<Value, Failure> {
        let arn = instance_arn(request.instance_arn.as_deref())?;
        let account = account_id(request.account_id.as_deref())?;
        let set_arn = permission_set_arn(request.permission_set_arn.as_deref())?;
        let customer = self.administer("ListAccountAssignments", arn, &[&account_arn(account), set_arn])?;
        permission_set(customer, set_arn)?;
        known_account(customer, account)?;
        let assignments: Vec<_> = customer.assignments.of_pair(account, set_arn).into_iter().map(assignment).collect();
        let query = format!("ListAccountAssignments {account} {set_arn}");
        paged("AccountAssignments", &assignments, request.max_results, request.next_token.as_deref(), &query)
    }

    fn list_account_assignments_for_principal(&self, request: OfPrincipal) -> Result<Value, Failure> {
        let arn = instance_arn(request.instance_arn.as_deref())?;
        let principal = request.principal_id.ok_or_else(|| invalid(missing("principalId")))?;
        let kind = request.principal_type.ok_or_else(|| invalid(missing("principalType")))?;
        if !["USER", "GROUP"].contains(&kind.as_str()) {
            return Err(invalid(constraint(&kind, "principalType", "satisfy enum value set: [USER, GROUP]")));
        }
        let account = request.filter.and_then(|filter| filter.account_id);
        let customer = self.administer("ListAccountAssignmentsForPrincipal", arn, &[])?;
        let assignments: Vec<_> = customer
            .assignments
            .all()
            .filter(|assignment| assignment.principal.id == principal && assignment.principal.kind == kind)
            .filter(|assignment| account.as_deref().is_none_or(|account| account == assignment.account))
            .map(assignment)
            .collect();
        let query = format!("ListAccountAssignmentsForPrincipal {principal} {kind} {account:?}");
        paged("AccountAssignments", &assignments, request.max_results, request.next_token.as_deref(), &query)
    }

    fn list_accounts_for_permission_set(&self, request: OfPermissionSet) -> Result<Value, Failure> {
        let arn = instance_arn(request.instance_arn.as_deref())?;
        let set_arn = permission_set_arn(request.permission_set_arn.as_deref())?;
        let latest = is_latest(request.provisioning_status.as_deref())?;
        let customer = self.administer("ListAccountsForProvisionedPermissionSet", arn, &[set_arn])?;
        permission_set(customer, set_arn)?;
        // Every permission set is provisioned immediately.
        let accounts = if latest { customer.assignments.accounts_of(set_arn) } else { Vec::new() };
        let query = format!("ListAccountsForProvisionedPermissionSet {set_arn} {latest}");
        paged("AccountIds", &accounts, request.max_results, request.next_token.as_deref(), &query)
    }

    fn list_permission_sets_of_account(&self, request: OfPermissionSet) -> Result<Value, Failure> {
        let arn = instance_arn(request.instance_arn.as_deref())?;
        let account = account_id(request.account_id.as_deref())?;
        let latest = is_latest(request.provisioning_status.as_deref())?;
        let customer = self.administer("ListPermissionSetsProvisionedToAccount", arn, &[&account_arn(account)])?;
        known_account(customer, account)?;
        let sets = if latest { customer.assignments.sets_of(account) } else { Vec::new() };
        let query = format!("ListPermissionSetsProvisionedToAccount {account} {latest}");
        paged("PermissionSets", &sets, request.max_results, request.next_token.as_deref(), &query)
    }

    /// Iterates over the instances of the caller's account and of its organization.
    fn visible_instances(&self) -> impl Iterator<Item = &Instance> {
        self.customer
            .iter()
            .flat_map(|customer| &customer.instances)
            .filter(|instance| instance.owner == self.caller.account || self.is_of_organization(instance))
    }

    fn is_listed_here(&self, instance: &Instance) -> bool {
        let is_here = instance.primary_region == self.region || instance.replica == Some(self.region);
        is_here && self.caller.oddity() != Some(Oddity::InstanceNew)
    }

    fn is_of_organization(&self, instance: &Instance) -> bool {
        self.customer.as_ref().is_some_and(|customer| customer.is_organization_instance(instance))
    }

    /// Returns the instance, if it is visible and the caller is allowed this operation on it and on `others`.
    fn instance(&self, operation: &str, arn: &str, others: &[&str]) -> Result<&Instance, Failure> {
        let action = format!("sso:{operation}");
        let resources: Vec<_> = [arn].into_iter().chain(others.iter().copied()).collect();
        self.state.authorize(self.caller, self.region, &action, &resources)?;
        self.visible_instances()
            .find(|instance| instance.arn == arn && self.is_listed_here(instance))
            .ok_or_else(|| denied(self.caller, &action, arn, NOT_HERE))
    }

    /// Returns the customer, if the caller can administer its organization's instance.
    fn administer(&self, operation: &str, arn: &str, others: &[&str]) -> Result<&Customer, Failure> {
        let instance = self.instance(operation, arn, others)?;
        let not_here = || denied(self.caller, &format!("sso:{operation}"), arn, NOT_HERE);
        let customer = self.customer.as_ref().ok_or_else(not_here)?;
        if !customer.is_organization_instance(instance) {
            return Err(invalid(
                "This operation is not supported for account instances of IAM Identity Center.".into(),
            ));
        }
        if !customer.administers_identity_center(&self.caller.account) {
            return Err(not_here());
        }
        if instance.primary_region != self.region {
            return Err(invalid("This operation is available in the primary Region of the instance only.".into()));
        }
        if instance.status != Status::Active {
            return Err(invalid(format!("The instance {arn} is not in the ACTIVE state.")));
        }
        self.key_refuses(operation, instance)?;
        Ok(customer)
    }

    /// Returns KMS's refusal, if the caller's scenario has one, or its role may not use the key of the instance.
    fn key_refuses(&self, operation: &str, instance: &Instance) -> Result<(), Failure> {
        if let (Some(key), None) = (&instance.customer_key, self.caller.scenario()) {
            let decrypts = self.state.authorize(self.caller, self.region, "kms:Decrypt", &[key.arn]);
            return decrypts.map_err(|denied| denied.with_reason("KMS_AccessDeniedException"));
        }
        if let Some(failure) = self.caller.oddity().and_then(|oddity| oddity.key_refuses(self.caller, operation)) {
            return Err(failure);
        }
        let Some(Scenario::Kms(reason)) = self.caller.scenario() else {
            return Ok(());
        };
        let (code, reason, message) = match reason {
            KmsReason::AccessDenied => (
                "AccessDeniedException",
                "KMS_AccessDeniedException",
                "The caller is not allowed to use the KMS key of this instance.",
            ),
            KmsReason::Disabled => {
                ("ValidationException", "KMS_DisabledException", "The KMS key of this instance is disabled.")
            }
            KmsReason::InvalidState => (
                "ValidationException",
                "KMS_InvalidStateException",
                "The KMS key of this instance is in a state in which it cannot be used.",
            ),
            KmsReason::InvalidKeyUsage => (
                "ValidationException",
                "KMS_InvalidKeyUsageException",
                "The KMS key of this instance is not one for this use.",
            ),
            // The model of DescribeInstance has no ResourceNotFoundException. Its encryption details contain the reason
            // instead.
            KmsReason::NotFound if operation == "DescribeInstance" => return Ok(()),
            KmsReason::NotFound => {
                ("ResourceNotFoundException", "KMS_NotFoundException", "The KMS key of this instance was not found.")
            }
            KmsReason::Throttled => ("ThrottlingException", "KMS_ThrottlingException", "KMS is throttling requests."),
            KmsReason::UpdateFailed => return Ok(()),
        };
        Err(Failure::new(code, message).with_reason(reason))
    }
}

/// AWS's wording if the caller's policies allow the action, but the resource belongs to another account or does not
/// exist.
const NOT_HERE: &str = "because the resource does not exist in this Region, no resource-based policies allow access, or a \
                        resource-based policy explicitly denies access";

fn facts(instance: &Instance) -> Value {
    let mut facts = json!({
        "InstanceArn": instance.arn,
        "IdentityStoreId": instance.identity_store_id,
        "IdentityStoreArn": format!("arn:aws:identitystore::{}:identitystore/{}", instance.owner, instance.identity_store_id),
        "OwnerAccountId": instance.owner,
        "CreatedDate": CREATED,
        "Status": instance.status.as_str(),
        "PrimaryRegion": instance.primary_region,
        "Regions": [{
            "RegionName": instance.primary_region,
            "Status": "ACTIVE",
            "AddedDate": CREATED,
            "IsPrimaryRegion": true,
        }],
    });
    if let Some(facts) = facts.as_object_mut() {
        if let Some(name) = instance.name {
            facts.insert("Name".into(), name.into());
        }
        if let Some(reason) = instance.status_reason {
            facts.insert("StatusReason".into(), reason.into());
        }
    }
    facts
}

fn assignment(assignment: Assignment<'_>) -> Value {
    json!({
        "AccountId": assignment.account,
        "PermissionSetArn": assignment.permission_set_arn,
        "PrincipalType": assignment.principal.kind,
        "PrincipalId": assignment.principal.id,
    })
}

fn account_arn(account: &str) -> String {
    format!("arn:aws:sso:::account/{account}")
}

fn permission_set<'a>(customer: &'a Customer, arn: &str) -> Result<&'a PermissionSet, Failure> {
    customer.permission_sets.iter().find(|set| set.arn == arn).ok_or_else(|| {
        Failure::new("ResourceNotFoundException", format!("PermissionSet with ARN {arn} was not found."))
    })
}

fn known_account(customer: &Customer, account: &str) -> Result<(), Failure> {
    customer
        .account(account)
        .map(|_| ())
        .ok_or_else(|| Failure::new("ResourceNotFoundException", format!("Account with id {account} was not found.")))
}
