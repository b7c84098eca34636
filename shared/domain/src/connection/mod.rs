//! A tenant's connection: which IAM Identity Center instance it has and how we get there.

mod advice;
mod bootstrap;
mod judge;
mod manual;
mod observed;
pub mod refusal;
mod report;
mod rotation;
mod saved_version;
mod schedule;

use serde::{Deserialize, Serialize};

pub use self::bootstrap::{Bootstrap, CLOUDFORMATION};
pub use self::judge::judge;
pub use self::observed::{Described, Listed, Observed, Said};
pub use self::refusal::{Actor, Denial, KmsReason, PolicyKind, Refusal};
pub use self::report::{Check, CheckId, CheckStatus, Code, Health, LastAnswered, Report};
pub use self::saved_version::SavedVersion;
pub use self::schedule::{HealthChange, MAX_HISTORY};
use crate::arn::{InstanceArn, RoleArn};
use crate::ids::{ExternalId, TenantId};
use crate::region::{AccountId, Region};
use crate::{Faults, Timestamp};

/// The connection as it is kept. Every tenant has one from its first moment, since its ExternalId is there before
/// anything is configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The saved settings.
    #[serde(default)]
    pub settings: Settings,
    /// Time at which the settings were last saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<Timestamp>,
    /// Number of times that the settings were saved: the version that `ETag` and `If-Match` speak of. 0: never.
    pub config_version: u64,
    /// The ExternalId that the customer's role must trust.
    pub external_id: ExternalId,
    /// The one that takes its place once the customer's role trusts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id_pending: Option<ExternalId>,
    /// The one before the current one: tried where the others are denied, since a trust policy counts only some time after it
    /// was changed, and may be an older one that is deployed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id_retired: Option<ExternalId>,
    /// Number of changes of the ExternalIds: the version of their `ETag`.
    #[serde(default)]
    pub external_id_version: u64,
    /// The outcome of the last test of these settings that AWS answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Time of that test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_verified_at: Option<Timestamp>,
    /// The role that is claimed for this tenant across all tenants, once a test came in through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_role: Option<RoleArn>,
    /// True once STS denied the role to callers without an ExternalId of this tenant. Nothing is asked through another role
    /// before that is tried.
    #[serde(default)]
    pub role_proven: bool,
    /// The instance as AWS last described it; none after the settings changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceFacts>,
    /// True if the identity store's external provider is enabled: kept here, so that a read of the identity source is
    /// one item.
    #[serde(default)]
    pub provider_enabled: bool,
    /// Time of the next check by the schedule; none before the first test of these settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_check_at: Option<Timestamp>,
    /// Tests in a row that AWS did not answer.
    #[serde(default)]
    pub unanswered_checks: u32,
    /// Changes of health, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_history: Vec<HealthChange>,
}

/// The three settings. Each may be absent; all that are present fit together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso_instance_arn: Option<InstanceArn>,
    /// The role in the customer's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<RoleArn>,
    /// The instance's home region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
}

/// The instance as AWS described it, for one version of the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// `ssoins-…`.
    pub instance_id: String,
    /// `d-…`.
    pub identity_store_id: String,
    /// The account that owns the instance.
    pub owner_account: String,
    /// The name its owner gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `ACTIVE`, `CREATE_IN_PROGRESS`, `DELETE_IN_PROGRESS`, `CREATE_FAILED`.
    pub status: String,
    /// The regions it is in, the primary one first; none where AWS named none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Its kind; known once a test has asked AWS Organizations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<InstanceKind>,
    /// Time of AWS's answer.
    pub seen_at: Timestamp,
}

/// The owner of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceKind {
    /// The organization's: it grants access to its accounts.
    Organization,
    /// One account's own, which has no permission sets.
    Account,
}

/// The claim of a role by the tenant that a test let in first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleClaim {
    /// The tenant that holds it.
    pub tenant_id: TenantId,
    /// Since when.
    pub claimed_at: Timestamp,
}

/// Account and region of the platform itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// Its account, which roles trust.
    pub account: AccountId,
    /// Its region, whose STS it asks.
    pub region: Region,
}

/// The explanation of a refusal: its code, a sentence on what happened, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code, as in a test report.
    pub code: Code,
    /// One sentence.
    pub found: String,
    /// The remedy.
    pub remedy: String,
}

impl Connection {
    /// Explains a refusal of `action`, an IAM action, in the words of the connection test.
    pub fn explain(&self, deployment: &Deployment, action: &str, refusal: &Refusal) -> Explanation {
        let (code, found, remedy) = advice::About::of(self, deployment).explained(action, refusal);
        Explanation { code, found, remedy }
    }

    /// A new tenant's connection: nothing saved.
    pub fn new(external_id: ExternalId) -> Self {
        Self {
            settings: Settings::default(),
            saved_at: None,
            config_version: 0,
            external_id,
            external_id_pending: None,
            external_id_retired: None,
            external_id_version: 0,
            health: None,
            last_verified_at: None,
            claimed_role: None,
            role_proven: false,
            instance: None,
            provider_enabled: false,
            next_check_at: None,
            unanswered_checks: 0,
            health_history: Vec::new(),
        }
    }

    /// This connection with `settings`. What was seen through other settings is forgotten, and so is how they fared.
    #[must_use]
    pub fn saved(&self, settings: Settings) -> Self {
        let config_version = self.config_version + 1;
        if settings == self.settings {
            return Self { config_version, ..self.clone() };
        }
        let claimed_role = self.claimed_role.clone().filter(|claimed| settings.role_arn.as_ref() == Some(claimed));
        let role_proven = self.role_proven && settings.role_arn == self.settings.role_arn;
        Self {
            settings,
            config_version,
            claimed_role,
            role_proven,
            instance: None,
            health: None,
            last_verified_at: None,
            next_check_at: None,
            unanswered_checks: 0,
            health_history: Vec::new(),
            ..self.clone()
        }
    }

    /// This connection with nothing saved; `None` where nothing is. The ExternalIds stay: they are the tenant's.
    pub fn removed(&self) -> Option<Self> {
        let nothing = Settings::default();
        (self.settings != nothing).then(|| self.saved(nothing))
    }

    /// The role whose claim `after` gives up.
    pub fn released_by(&self, after: &Self) -> Option<&RoleArn> {
        self.claimed_role.as_ref().filter(|claimed| after.claimed_role.as_ref() != Some(claimed))
    }

    /// This connection after a test of its settings that ended with `report`. An instance that AWS does not list is
    /// forgotten. A test with an unavailable check leaves health and time of the last test as they were.
    #[must_use]
    pub fn tested(&self, report: &Report) -> Self {
        let gone = report.failed_with(Code::InstanceNotFound);
        let instance = self.instance.clone().filter(|_| !gone);
        let role_proven = match report.status(CheckId::ExternalIdEnforced) {
            Some(CheckStatus::Pass) => true,
            Some(CheckStatus::Fail) if report.failed_with(Code::ExternalIdNotEnforced) => false,
            _ => self.role_proven,
        };
        let health = report.health();
        Self {
            instance,
            role_proven,
            health: health.or(self.health),
            last_verified_at: health.map(|_| report.checked_at).or(self.last_verified_at),
            ..self.clone()
        }
        .checked(self.health, health, report.checked_at)
    }
}

impl InstanceFacts {
    /// These facts, seen anew, with what only a test finds out and was known of the same instance before.
    #[must_use]
    pub fn after(self, known: Option<&Self>) -> Self {
        let same =
            known.filter(|known| known.instance_id == self.instance_id && known.owner_account == self.owner_account);
        Self { kind: self.kind.or_else(|| same.and_then(|known| known.kind)), ..self }
    }
}

impl Settings {
    /// Reads the three fields as clients send them: an empty string is an absent value. All faults are reported at once.
    ///
    /// Region and ARNs must be of one partition, and the role may not be in `platform`, the account this runs in:
    /// there a caller could borrow our own permissions.
    pub fn parse(sso_instance_arn: &str, role_arn: &str, region: &str, platform: &AccountId) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let instance =
            present(sso_instance_arn).and_then(|text| faults.take("sso_instance_arn", InstanceArn::parse(text)));
        let role = present(role_arn).and_then(|text| faults.take("role_arn", RoleArn::parse(text)));
        let region = present(region).and_then(|text| faults.take("region", Region::parse(text)));

        if role.as_ref().is_some_and(|role| role.account() == platform.as_str()) {
            faults.add("role_arn", "must be in an account of yours, not in the platform's own");
        }
        let partition = region.as_ref().map(Region::partition);
        let of_instance = instance.as_ref().and_then(InstanceArn::partition);
        let of_role = role.as_ref().and_then(RoleArn::partition);
        if let Some(partition) = &partition {
            for (field, other) in [("sso_instance_arn", &of_instance), ("role_arn", &of_role)] {
                if let Some(other) = other.as_ref().filter(|other| *other != partition) {
                    faults.add(field, format!("is of partition `{other}`, but the region is of `{partition}`"));
                }
            }
        }
        if let (Some(of_instance), Some(of_role)) = (&of_instance, &of_role)
            && of_instance != of_role
        {
            faults.add("role_arn", format!("is of partition `{of_role}`, but the instance is of `{of_instance}`"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { sso_instance_arn: instance, role_arn: role, region })
    }

    /// Reports settings with both ARNs.
    pub fn configured(&self) -> bool {
        self.sso_instance_arn.is_some() && self.role_arn.is_some()
    }
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef0";
    const ROLE: &str = "arn:aws:iam::123456789012:role/JitsudoIdentityCenterRole";

    fn parse(instance: &str, role: &str, region: &str) -> Result<Settings, Vec<(String, String)>> {
        let platform = AccountId::parse("000000000000").unwrap();
        Settings::parse(instance, role, region, &platform)
            .map_err(|faults| faults.iter().map(|(field, message)| (field.to_owned(), message.to_owned())).collect())
    }

    #[test]
    fn the_documented_example_is_configured() {
        assert!(parse(INSTANCE, ROLE, "us-east-1").unwrap().configured());
    }

    #[test]
    fn empty_is_absent() {
        assert_eq!(parse("", "", "").unwrap(), Settings::default());
        assert!(!parse(INSTANCE, "", "us-east-1").unwrap().configured());
        assert!(parse(INSTANCE, ROLE, "").unwrap().configured());
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = parse("x", "y", "z").unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["region", "role_arn", "sso_instance_arn"]);
    }

    #[test]
    fn partitions_must_agree() {
        assert_eq!(parse(INSTANCE, ROLE, "cn-north-1").unwrap_err().len(), 2);
        let china = ROLE.replace("arn:aws:", "arn:aws-cn:");
        assert_eq!(parse(INSTANCE, &china, "").unwrap_err()[0].0, "role_arn");
        let instance = INSTANCE.replace("arn:aws:", "arn:aws-cn:");
        assert!(parse(&instance, &china, "cn-north-1").is_ok());
    }

    #[test]
    fn the_platforms_own_account_is_refused() {
        let own = ROLE.replace("123456789012", "000000000000");
        assert_eq!(parse(INSTANCE, &own, "us-east-1").unwrap_err()[0].0, "role_arn");
    }

    #[test]
    fn facts_are_forgotten_with_the_settings_they_were_seen_through() {
        let settings = parse(INSTANCE, ROLE, "us-east-1").unwrap();
        let mut connection = Connection::new(ExternalId::from_random([1; 16])).saved(settings.clone());
        connection.instance = Some(InstanceFacts {
            instance_id: "ssoins-0123456789abcdef0".to_owned(),
            identity_store_id: "d-1234567890".to_owned(),
            owner_account: "123456789012".to_owned(),
            name: None,
            status: "ACTIVE".to_owned(),
            regions: Vec::new(),
            kind: Some(InstanceKind::Organization),
            seen_at: Timestamp::from_millis(0),
        });
        connection.health = Some(Health::Healthy);
        connection.claimed_role = settings.role_arn.clone();
        let again = connection.saved(settings);
        assert_eq!((again.config_version, again.instance.is_some(), again.health), (2, true, Some(Health::Healthy)));
        assert_eq!(again.released_by(&again), None);
        let moved = again.saved(parse(INSTANCE, ROLE, "eu-west-1").unwrap());
        assert_eq!((moved.config_version, moved.instance.as_ref(), moved.health), (3, None, None));
        assert_eq!((again.released_by(&moved), moved.claimed_role.is_some()), (None, true));
        let removed = moved.removed().unwrap();
        assert_eq!((removed.config_version, removed.settings.configured()), (4, false));
        assert_eq!((removed.external_id, removed.claimed_role.as_ref()), (moved.external_id, None));
        assert_eq!(moved.released_by(&removed), moved.claimed_role.as_ref());
        assert_eq!(removed.removed(), None);
    }

    #[test]
    fn what_a_test_found_out_stays_known_of_the_same_instance() {
        let facts = |owner: &str, kind| InstanceFacts {
            instance_id: "ssoins-0123456789abcdef0".to_owned(),
            identity_store_id: "d-1234567890".to_owned(),
            owner_account: owner.to_owned(),
            name: None,
            status: "ACTIVE".to_owned(),
            regions: Vec::new(),
            kind,
            seen_at: Timestamp::from_millis(0),
        };
        let known = facts("123456789012", Some(InstanceKind::Organization));
        assert_eq!(facts("123456789012", None).after(Some(&known)).kind, Some(InstanceKind::Organization));
        assert_eq!(facts("111122223333", None).after(Some(&known)).kind, None);
        assert_eq!(facts("123456789012", None).after(None).kind, None);
    }
}
