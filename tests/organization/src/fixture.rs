//! Fixed accounts, instances, permission sets and assignments: two customers' organizations, and the platform's own
//! account, which belongs to neither.

use crate::assignments::{Assignments, Principal};

/// The platform's own account. Customers' roles trust its principal.
pub const PLATFORM_ACCOUNT: &str = "000000000000";
/// The region of everything, unless a scenario uses another one.
pub const REGION: &str = "us-east-1";

/// The demo customer's management account.
pub const MANAGEMENT_ACCOUNT: &str = "123456789012";
/// A member account of the demo customer, delegated to administer IAM Identity Center.
pub const DELEGATED_ACCOUNT: &str = "222233334444";
/// A member account of the demo customer, without special properties.
pub const MEMBER_ACCOUNT: &str = "111122223333";
/// The demo customer's organization instance of IAM Identity Center.
pub const INSTANCE_ARN: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef0";
/// The identity store of [`INSTANCE_ARN`].
pub const IDENTITY_STORE_ID: &str = "d-1234567890";
/// The role in the demo customer's management account that integration examples use.
pub const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/JitsudoIdentityCenterRole";

/// The other customer's management account.
pub const OTHER_MANAGEMENT_ACCOUNT: &str = "444455556666";
/// A member account of the other customer.
pub const OTHER_MEMBER_ACCOUNT: &str = "555566667777";
/// The other customer's organization instance of IAM Identity Center.
pub const OTHER_INSTANCE_ARN: &str = "arn:aws:sso:::instance/ssoins-7223fe9db2c6a018";
/// The identity store of [`OTHER_INSTANCE_ARN`].
pub const OTHER_IDENTITY_STORE_ID: &str = "d-9067f2a3c1";
/// ARN of a role in the other customer's management account.
pub const OTHER_ROLE_ARN: &str = "arn:aws:iam::444455556666:role/IdentityCenterReader";

/// Creation time of everything in the fixture: 2024-03-14T09:26:53Z, in Unix seconds.
pub(crate) const CREATED: f64 = 1_710_408_413.0;

/// The service principal of IAM Identity Center, for delegated administration.
pub(crate) const SSO_PRINCIPAL: &str = "sso.amazonaws.com";

/// One customer of the platform: an organization and its resources.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) organization_id: &'static str,
    pub(crate) accounts: Vec<Account>,
    pub(crate) instances: Vec<Instance>,
    pub(crate) permission_sets: Vec<PermissionSet>,
    pub(crate) assignments: Assignments,
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    pub(crate) is_management: bool,
    pub(crate) is_suspended: bool,
    /// The services that it administers as a delegated administrator.
    pub(crate) delegated_services: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) arn: &'static str,
    pub(crate) identity_store_id: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) name: Option<&'static str>,
    pub(crate) status: Status,
    pub(crate) status_reason: Option<&'static str>,
    pub(crate) primary_region: &'static str,
    /// Another region that the instance is replicated to.
    pub(crate) replica: Option<&'static str>,
    /// The customer's own key that encrypts the instance, with the state of the encryption.
    pub(crate) customer_key: Option<CustomerKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    CreateInProgress,
    CreateFailed,
    DeleteInProgress,
    Active,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateFailed => "CREATE_FAILED",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::Active => "ACTIVE",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct CustomerKey {
    pub(crate) arn: &'static str,
    pub(crate) status: &'static str,
    pub(crate) status_reason: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct PermissionSet {
    pub(crate) arn: String,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) session_duration: &'static str,
}

impl Customer {
    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    pub(crate) fn management_account(&self) -> Option<&Account> {
        self.accounts.iter().find(|account| account.is_management)
    }

    /// Returns true if the account can administer the organization's instance.
    pub(crate) fn administers_identity_center(&self, account: &str) -> bool {
        self.account(account)
            .is_some_and(|account| account.is_management || account.delegated_services.contains(&SSO_PRINCIPAL))
    }

    /// Returns true if an instance is the organization's, not an account's own.
    pub(crate) fn is_organization_instance(&self, instance: &Instance) -> bool {
        self.account(instance.owner).is_some_and(|account| account.is_management)
    }
}

/// Returns the customers.
pub(crate) fn customers() -> Vec<Customer> {
    vec![demo(), other()]
}

pub(crate) fn demo() -> Customer {
    let member = |id, name, email| Account {
        id,
        name,
        email,
        is_management: false,
        is_suspended: false,
        delegated_services: Vec::new(),
    };
    let permission_sets: Vec<_> = [
        ("AdministratorAccess", "Everything, for emergencies", "PT1H"),
        ("AuditorAccess", "Configuration and logs, read only", "PT8H"),
        ("BillingAccess", "Invoices and budgets", "PT8H"),
        ("DataEngineer", "Data lake and pipelines", "PT8H"),
        ("DatabaseAdministrator", "Databases and their backups", "PT4H"),
        ("DeveloperAccess", "What a product team builds with", "PT8H"),
        ("IncidentResponder", "What is needed on call", "PT2H"),
        ("NetworkAdministrator", "Networks, DNS and firewalls", "PT4H"),
        ("PowerUserAccess", "Everything but identities", "PT4H"),
        ("SecurityEngineer", "Findings, keys and guardrails", "PT4H"),
        ("SupportUser", "Support cases and service health", "PT8H"),
        ("ViewOnlyAccess", "Names of resources, nothing in them", "PT12H"),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (name, description, session_duration))| PermissionSet {
        arn: permission_set_arn(INSTANCE_ARN, n),
        name,
        description,
        session_duration,
    })
    .collect();
    let mut assignments = Assignments::default();
    for (account, set, kind, id) in [
        (MANAGEMENT_ACCOUNT, 0, "GROUP", ADMINISTRATORS),
        (MANAGEMENT_ACCOUNT, 1, "GROUP", AUDITORS),
        (MANAGEMENT_ACCOUNT, 2, "USER", CONTROLLER),
        (MEMBER_ACCOUNT, 0, "GROUP", ADMINISTRATORS),
        (MEMBER_ACCOUNT, 1, "GROUP", AUDITORS),
        (MEMBER_ACCOUNT, 5, "GROUP", DEVELOPERS),
        (MEMBER_ACCOUNT, 6, "USER", RESPONDER),
        (DELEGATED_ACCOUNT, 0, "GROUP", ADMINISTRATORS),
        (DELEGATED_ACCOUNT, 1, "GROUP", AUDITORS),
        (DELEGATED_ACCOUNT, 9, "GROUP", ADMINISTRATORS),
        ("333344445555", 1, "GROUP", AUDITORS),
        ("333344445555", 5, "GROUP", DEVELOPERS),
        ("333344445555", 5, "USER", RESPONDER),
        ("333344445555", 11, "USER", CONTROLLER),
    ] {
        assignments.add(account, &permission_set_arn(INSTANCE_ARN, set), Principal { kind, id: id.into() });
    }
    Customer {
        organization_id: "o-a1b2c3d4e5",
        accounts: vec![
            Account {
                is_management: true,
                ..member(MANAGEMENT_ACCOUNT, "Example Management", "aws-management@example.com")
            },
            member(MEMBER_ACCOUNT, "Example Workloads", "aws-workloads@example.com"),
            Account {
                delegated_services: vec![SSO_PRINCIPAL],
                ..member(DELEGATED_ACCOUNT, "Example Identity", "aws-identity@example.com")
            },
            member("333344445555", "Example Sandbox", "aws-sandbox@example.com"),
            Account {
                delegated_services: vec!["config.amazonaws.com", "securityhub.amazonaws.com"],
                ..member("666677778888", "Example Security", "aws-security@example.com")
            },
            Account { is_suspended: true, ..member("777788889999", "Example Closed", "aws-closed@example.com") },
        ],
        instances: vec![Instance {
            arn: INSTANCE_ARN,
            identity_store_id: IDENTITY_STORE_ID,
            owner: MANAGEMENT_ACCOUNT,
            name: Some("example"),
            status: Status::Active,
            status_reason: None,
            primary_region: REGION,
            replica: None,
            customer_key: None,
        }],
        permission_sets,
        assignments,
    }
}

fn other() -> Customer {
    let mut assignments = Assignments::default();
    let user = Principal { kind: "USER", id: "9067f2a3c1-6d1b6f0e-2c3d-4e5f-8a9b-0c1d2e3f4a5b".into() };
    assignments.add(OTHER_MEMBER_ACCOUNT, &permission_set_arn(OTHER_INSTANCE_ARN, 0), user);
    Customer {
        organization_id: "o-z9y8x7w6v5",
        accounts: vec![
            Account {
                id: OTHER_MANAGEMENT_ACCOUNT,
                name: "Other Management",
                email: "aws@other.example",
                is_management: true,
                is_suspended: false,
                delegated_services: Vec::new(),
            },
            Account {
                id: OTHER_MEMBER_ACCOUNT,
                name: "Other Workloads",
                email: "aws-workloads@other.example",
                is_management: false,
                is_suspended: false,
                delegated_services: Vec::new(),
            },
        ],
        instances: vec![Instance {
            arn: OTHER_INSTANCE_ARN,
            identity_store_id: OTHER_IDENTITY_STORE_ID,
            owner: OTHER_MANAGEMENT_ACCOUNT,
            name: None,
            status: Status::Active,
            status_reason: None,
            primary_region: REGION,
            replica: None,
            customer_key: None,
        }],
        permission_sets: vec![PermissionSet {
            arn: permission_set_arn(OTHER_INSTANCE_ARN, 0),
            name: "OtherAdministrators",
            description: "The other customer's administrators",
            session_duration: "PT1H",
        }],
        assignments,
    }
}

const ADMINISTRATORS: &str = "1234567890-0a1b2c3d-1111-4a4a-8b8b-0123456789ab";
const AUDITORS: &str = "1234567890-0a1b2c3d-2222-4a4a-8b8b-0123456789ab";
const DEVELOPERS: &str = "1234567890-0a1b2c3d-3333-4a4a-8b8b-0123456789ab";
const CONTROLLER: &str = "1234567890-0a1b2c3d-4444-4a4a-8b8b-0123456789ab";
const RESPONDER: &str = "1234567890-0a1b2c3d-5555-4a4a-8b8b-0123456789ab";

pub(crate) fn permission_set_arn(instance_arn: &str, n: usize) -> String {
    let instance = instance_arn.rsplit('/').next().unwrap_or_default();
    format!("arn:aws:sso:::permissionSet/{instance}/ps-{:016x}", 0x5e1f_0000_a1b2_0000_u64 + n as u64)
}
