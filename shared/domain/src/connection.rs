//! A tenant's connection: which IAM Identity Center instance it has and how we get there.

use serde::{Deserialize, Serialize};

use crate::arn::{InstanceArn, RoleArn};
use crate::ids::ExternalId;
use crate::region::{AccountId, Region};
use crate::{Faults, Timestamp};

/// The connection as it is kept. Every tenant has one from its first moment, since its ExternalId is there before
/// anything is configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// What the customer saved.
    #[serde(default)]
    pub settings: Settings,
    /// How often the settings were saved: the version that `ETag` and `If-Match` speak of. 0: never.
    pub config_version: u64,
    /// What the customer's role must trust.
    pub external_id: ExternalId,
    /// The one that takes its place once the customer's role trusts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id_pending: Option<ExternalId>,
    /// What AWS last said of the instance; none after the settings changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceFacts>,
    /// Whether the identity store's external provider is enabled: kept here, so that a read of the identity source is
    /// one item.
    #[serde(default)]
    pub provider_enabled: bool,
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

/// What AWS said of the instance, for one version of the settings.
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
    /// When AWS said so.
    pub seen_at: Timestamp,
}

impl Connection {
    /// A new tenant's connection: nothing saved.
    pub fn new(external_id: ExternalId) -> Self {
        Self {
            settings: Settings::default(),
            config_version: 0,
            external_id,
            external_id_pending: None,
            instance: None,
            provider_enabled: false,
        }
    }

    /// This connection with `settings`. What was seen through other settings is forgotten.
    #[must_use]
    pub fn saved(&self, settings: Settings) -> Self {
        let instance = self.instance.clone().filter(|_| settings == self.settings);
        Self { settings, config_version: self.config_version + 1, instance, ..self.clone() }
    }
}

impl Settings {
    /// Reads the three fields as clients send them: an empty string is an absent value. All faults are told at once.
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

    /// Whether both ARNs are there.
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
            seen_at: Timestamp::from_millis(0),
        });
        let again = connection.saved(settings);
        assert_eq!((again.config_version, again.instance.is_some()), (2, true));
        let moved = again.saved(parse(INSTANCE, ROLE, "eu-west-1").unwrap());
        assert_eq!((moved.config_version, moved.instance), (3, None));
    }
}
