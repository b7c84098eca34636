//! The two ARNs of a connection: an IAM Identity Center instance and an IAM role.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::aws_input::{Wanted, recognized};
use crate::region::{AccountId, Partition};

/// ARN of an IAM Identity Center instance:
/// `arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9.-]{16,}`, at most 1224 characters.
///
/// AWS's own pattern (`InstanceArn` of the IAM Identity Center API) has exactly 16 characters at the end. The example
/// that JITSudo documents has 17, so longer ids are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceArn(String);

/// ARN of an IAM role: `arn:<partition>:iam::<12 digits>:role/<path><name>`. The path has printable ASCII, at most 512
/// characters with its slashes; the name has at most 64 of `[A-Za-z0-9_+=,.@-]` (IAM API, `CreateRole`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn(String);

const INSTANCE_ARN_MAX: usize = 1224;
const ROLE_PATH_MAX: usize = 512;
const ROLE_NAME_MAX: usize = 64;

crate::text_field!(InstanceArn => Self, InstanceArn::parse, {
    "type": "string",
    "maxLength": INSTANCE_ARN_MAX,
    "examples": ["arn:aws:sso:::instance/ssoins-0123456789abcdef0"]
});

impl InstanceArn {
    /// Parses an instance's ARN. The error describes the format.
    pub fn parse(text: &str) -> Result<Self, String> {
        const WRONG: &str = "must be the ARN of an IAM Identity Center instance such as `arn:aws:sso:::instance/ssoins-0123456789abcdef`";
        if text.len() > INSTANCE_ARN_MAX {
            return Err("must be at most 1224 characters".to_owned());
        }
        let id = resource(text, "sso", |region, account| region.is_empty() && account.is_empty())
            .and_then(|resource| resource.strip_prefix("instance/"));
        let fits = id.and_then(|id| id.strip_prefix("sso").unwrap_or(id).strip_prefix("ins-")).is_some_and(|unique| {
            unique.len() >= 16 && unique.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        });
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(recognized(text, Wanted::Instance).unwrap_or_else(|| WRONG.to_owned()))
        }
    }

    /// Returns the id after `instance/`: `ssoins-0123456789abcdef`.
    pub fn instance_id(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, id)| id)
    }

    /// Returns the partition.
    pub fn partition(&self) -> Option<Partition> {
        partition(&self.0)
    }

    /// Returns the whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

crate::text_field!(RoleArn => Self, RoleArn::parse, {
    "type": "string", "examples": ["arn:aws:iam::123456789012:role/JitsudoIdentityCenterRole"]
});

impl RoleArn {
    /// Parses a role's ARN. The error says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::checked(text).map_err(|wrong| recognized(text, Wanted::Role).unwrap_or_else(|| wrong.to_owned()))
    }

    fn checked(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "must be the ARN of an IAM role such as `arn:aws:iam::123456789012:role/TrustplaneRole`";
        let resource = resource(text, "iam", |region, account| region.is_empty() && AccountId::parse(account).is_ok())
            .ok_or(WRONG)?;
        let path_and_name = resource.strip_prefix("role").filter(|rest| rest.starts_with('/')).ok_or(WRONG)?;
        let (path, name) = path_and_name.rsplit_once('/').ok_or(WRONG)?;
        if path.len() + 1 > ROLE_PATH_MAX || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has a role path longer than 512 characters or with other than printable ASCII");
        }
        let fits = (1..=ROLE_NAME_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err("has a role name that is not 1 to 64 letters, digits or `_+=,.@-`")
        }
    }

    /// Returns the account of the role.
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }

    /// Returns the partition.
    pub fn partition(&self) -> Option<Partition> {
        partition(&self.0)
    }

    /// Returns the whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns the resource part of an ARN with the service `service`, whose region and account satisfy `fit`.
fn resource<'a>(text: &'a str, service: &str, fit: impl Fn(&str, &str) -> bool) -> Option<&'a str> {
    let mut parts = text.splitn(6, ':');
    let head = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account) = (parts.next()?, parts.next()?);
    let is_valid = head.0 == "arn" && Partition::parse(head.1).is_some() && head.2 == service && fit(region, account);
    parts.next().filter(|_| is_valid)
}

fn partition(arn: &str) -> Option<Partition> {
    arn.split(':').nth(1).and_then(Partition::parse)
}

macro_rules! text_of {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(arn: $name) -> Self {
                arn.0
            }
        }
    };
}
text_of!(InstanceArn);
text_of!(RoleArn);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_examples_are_taken() {
        let instance = InstanceArn::parse("arn:aws:sso:::instance/ssoins-0123456789abcdef0").unwrap();
        assert_eq!(instance.instance_id(), "ssoins-0123456789abcdef0");
        let role = RoleArn::parse("arn:aws:iam::123456789012:role/JitsudoIdentityCenterRole").unwrap();
        assert_eq!(role.account(), "123456789012");
        assert_eq!(role.partition(), instance.partition());
    }

    #[test]
    fn instances_of_other_forms() {
        for good in [
            "arn:aws:sso:::instance/ins-0123456789abcdef",
            "arn:aws-us-gov:sso:::instance/ssoins-0123456789.-cdef",
            "arn:aws-cn:sso:::instance/ssoins-0123456789ABCDEF0123",
        ] {
            assert!(InstanceArn::parse(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "ssoins-0123456789abcdef",
            "arn:aws:sso:::instance/ssoins-0123456789abcde",
            "arn:aws:sso:us-east-1::instance/ssoins-0123456789abcdef",
            "arn:aws:sso::123456789012:instance/ssoins-0123456789abcdef",
            "arn:aws:iam:::instance/ssoins-0123456789abcdef",
            "arn:aws:sso:::instance/ssoins-0123456789abcdef/x",
            "arn:aws:sso:::instance/ssoins-0123456789abcd\u{e9}f",
            "arn:aws:sso:::instance/ssoins-0123456789abcdef\n",
            " arn:aws:sso:::instance/ssoins-0123456789abcdef",
            "arn:azure:sso:::instance/ssoins-0123456789abcdef",
        ] {
            assert!(InstanceArn::parse(wrong).is_err(), "{wrong}");
        }
        let long = format!("arn:aws:sso:::instance/ssoins-{}", "a".repeat(1300));
        assert!(InstanceArn::parse(&long).is_err());
        assert!(InstanceArn::parse(&long[..1224]).is_ok());
    }

    #[test]
    fn roles_of_other_forms() {
        let account = "arn:aws:iam::123456789012:role";
        for good in ["/a", "/path/to/role", "/a_+=,.@-Z9", "/!~/x"] {
            assert!(RoleArn::parse(&format!("{account}{good}")).is_ok(), "{good}");
        }
        for wrong in ["", "/", "/a/", "a", "/a b", "/p q/a", "/a*", "/\u{e9}", "/a:b"] {
            assert!(RoleArn::parse(&format!("{account}{wrong}")).is_err(), "{wrong}");
        }
        for wrong in [
            "arn:aws:iam::12345678901:role/a",
            "arn:aws:iam:us-east-1:123456789012:role/a",
            "arn:aws:iam::123456789012:user/a",
            "arn:aws:sts::123456789012:assumed-role/a/b",
        ] {
            assert!(RoleArn::parse(wrong).is_err(), "{wrong}");
        }
        assert!(RoleArn::parse(&format!("{account}/{}", "n".repeat(64))).is_ok());
        assert!(RoleArn::parse(&format!("{account}/{}", "n".repeat(65))).is_err());
        assert!(RoleArn::parse(&format!("{account}/{}/a", "p".repeat(510))).is_ok());
        assert!(RoleArn::parse(&format!("{account}/{}/a", "p".repeat(511))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic_and_kept_as_it_is(text in "(arn:aws:(sso|iam):)?.{0,80}") {
            if let Ok(arn) = InstanceArn::parse(&text) {
                prop_assert_eq!(arn.as_str(), &text);
            }
            if let Ok(arn) = RoleArn::parse(&text) {
                prop_assert_eq!(arn.as_str(), &text);
            }
        }
    }
}
