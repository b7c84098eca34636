//! The role that a customer deploys to grant access: a CloudFormation template, a Terraform module, and a link that
//! deploys the template.

use percent_encoding::utf8_percent_encode;

use crate::arn::InstanceArn;
use crate::ids::ExternalId;
use crate::percent::RESERVED;
use crate::region::{AccountId, Region};

/// The role as CloudFormation with open parameters, for the link of [`Bootstrap::launch_stack_url`].
pub const CLOUDFORMATION: &str = include_str!("role.yaml");

const TERRAFORM: &str = include_str!("role.tf");

/// Name of the stack that the link creates.
const STACK: &str = "trustplane-identity-center";

/// The values of one customer's role.
#[derive(Debug)]
pub struct Bootstrap<'a> {
    /// Account of the role.
    pub account: &'a AccountId,
    /// Instance that the role may read.
    pub instance: &'a InstanceArn,
    /// Region in which the link opens the console.
    pub region: &'a Region,
    /// The account that it trusts.
    pub platform: &'a AccountId,
    /// ExternalIds that the role accepts from that account.
    pub external_ids: &'a [ExternalId],
    /// True if a role in the account is saved: its stack exists.
    pub is_deployed: bool,
}

impl Bootstrap<'_> {
    /// Returns the CloudFormation template (YAML), with the customer's values as its parameters' defaults.
    pub fn cloudformation_yaml(&self) -> String {
        let values = [
            ("AccountId", self.account.as_str().to_owned()),
            ("PlatformAccountId", self.platform.as_str().to_owned()),
            ("ExternalIds", self.joined_external_ids()),
            ("InstanceArn", self.instance.as_str().to_owned()),
        ];
        values.iter().fold(CLOUDFORMATION.to_owned(), |text, (name, value)| {
            text.replace(&format!("    # {name}\n"), &format!("    Default: \"{value}\"\n"))
        })
    }

    /// Returns the Terraform module (HCL), with the customer's values as its variables' defaults.
    pub fn terraform_hcl(&self) -> String {
        let quoted: Vec<String> = self.external_ids.iter().map(|id| format!("\"{id}\"")).collect();
        let values = [
            ("account_id", format!("\"{}\"", self.account.as_str())),
            ("platform_account_id", format!("\"{}\"", self.platform.as_str())),
            ("external_ids", format!("[{}]", quoted.join(", "))),
            ("instance_arn", format!("\"{}\"", self.instance.as_str())),
        ];
        values.iter().fold(TERRAFORM.to_owned(), |text, (name, value)| {
            text.replace(&format!("  # {name}\n"), &format!("  default     = {value}\n"))
        })
    }

    /// Returns CloudFormation's quick-create link in the console of the region's partition, for the template at
    /// `template_url`, an S3 URL ("Create quick-create links for stacks", CloudFormation User Guide).
    ///
    /// `None` where the stack exists, since the link would create a second one of the same name: while the ExternalId is
    /// rotated, and where a role is saved; see [`Self::update_command`]. `None` also in a partition whose console's address is
    /// not public.
    pub fn launch_stack_url(&self, template_url: &str) -> Option<String> {
        if self.has_stack() {
            return None;
        }
        let region = self.region.as_str();
        let console = match self.region.partition().as_str() {
            "aws" => "console.aws.amazon.com",
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            "aws-eusc" => "console.amazonaws-eusc.eu",
            _ => return None,
        };
        let parameters = [
            ("templateURL", template_url.to_owned()),
            ("stackName", STACK.to_owned()),
            ("param_AccountId", self.account.as_str().to_owned()),
            ("param_PlatformAccountId", self.platform.as_str().to_owned()),
            ("param_ExternalIds", self.joined_external_ids()),
            ("param_InstanceArn", self.instance.as_str().to_owned()),
        ];
        let query: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED))).collect();
        Some(format!(
            "https://{region}.{console}/cloudformation/home?region={region}#/stacks/quickcreate?{}",
            query.join("&")
        ))
    }

    /// Returns the AWS CLI's command that makes the role of an existing stack trust the ExternalIds: both while they are
    /// rotated, afterwards the new one alone.
    pub fn update_command(&self) -> Option<String> {
        const KEPT: [&str; 7] = [
            "AccountId",
            "InstanceArn",
            "KmsKeyArn",
            "PermissionsBoundaryArn",
            "PlatformAccountId",
            "RoleName",
            "RolePath",
        ];
        let kept: Vec<String> = KEPT.iter().map(|name| format!("ParameterKey={name},UsePreviousValue=true")).collect();
        // A comma within a value is escaped, or the CLI takes it for the end of the value.
        let ids = self.joined_external_ids().replace(',', "\\,");
        self.has_stack().then(|| {
            format!(
                "aws cloudformation update-stack --region {} --stack-name {STACK} --use-previous-template --capabilities \
                 CAPABILITY_NAMED_IAM --parameters \"ParameterKey=ExternalIds,ParameterValue={ids}\" {}",
                self.region,
                kept.join(" ")
            )
        })
    }

    fn has_stack(&self) -> bool {
        self.is_deployed || self.external_ids.len() > 1
    }

    fn joined_external_ids(&self) -> String {
        let ids: Vec<String> = self.external_ids.iter().map(ToString::to_string).collect();
        ids.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(external_ids: &[ExternalId], region: &str, look: impl FnOnce(&Bootstrap<'_>) -> T) -> T {
        look(&Bootstrap {
            account: &AccountId::parse("123456789012").unwrap(),
            instance: &InstanceArn::parse("arn:aws:sso:::instance/ssoins-0123456789abcdef0").unwrap(),
            region: &Region::parse(region).unwrap(),
            platform: &AccountId::parse("000000000000").unwrap(),
            external_ids,
            is_deployed: false,
        })
    }

    fn ids() -> [ExternalId; 2] {
        [ExternalId::from_random([1; 16]), ExternalId::from_random([2; 16])]
    }

    #[test]
    fn every_open_value_is_filled_in() {
        let [one, two] = ids();
        let yaml = with(&ids(), "us-east-1", |bootstrap| bootstrap.cloudformation_yaml());
        assert!(yaml.contains(&format!("    Default: \"{one},{two}\"\n")), "{yaml}");
        assert!(yaml.contains("    Default: \"000000000000\"\n"));
        assert!(yaml.contains("    Default: \"arn:aws:sso:::instance/ssoins-0123456789abcdef0\"\n"));
        assert!(yaml.contains("    Default: \"123456789012\"\n"));
        // Each parameter has a default, some their own.
        let lists = yaml.matches("    Type: CommaDelimitedList\n").count();
        assert_eq!(yaml.matches("    Default: ").count(), yaml.matches("    Type: String\n").count() + lists);
        let hcl = with(&ids(), "us-east-1", |bootstrap| bootstrap.terraform_hcl());
        assert!(hcl.contains(&format!("  default     = [\"{one}\", \"{two}\"]\n")), "{hcl}");
        assert!(hcl.contains("  default     = \"123456789012\"\n"));
        assert_eq!(hcl.matches("  default     = ").count(), hcl.matches("variable \"").count());
    }

    #[test]
    fn both_texts_allow_the_same_and_name_every_action() {
        let actions = |text: &str| {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').filter(|word| {
                ["sso:", "organizations:", "kms:"].iter().any(|service| {
                    word.strip_prefix(service)
                        .is_some_and(|action| action.starts_with(|c: char| c.is_ascii_uppercase()))
                })
            });
            let mut words: Vec<String> = words.map(|word| word.trim_end_matches(':').to_owned()).collect();
            words.sort();
            words
        };
        assert_eq!(actions(CLOUDFORMATION), actions(TERRAFORM));
        let kms = ["kms:Decrypt", "kms:ViaService"];
        assert_eq!(actions(TERRAFORM).iter().filter(|action| !kms.contains(&action.as_str())).count(), 9);
        assert!(!CLOUDFORMATION.contains("NoEcho"));
    }

    #[test]
    fn the_link_opens_the_console_of_the_partition() {
        let template = "https://example-bucket.s3.us-east-1.amazonaws.com/role.yaml";
        let [one, two] = ids();
        let link = |region: &str| with(&[one], region, |bootstrap| bootstrap.launch_stack_url(template));
        assert_eq!(
            link("eu-west-1").unwrap(),
            format!(
                "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/quickcreate\
                 ?templateURL=https%3A%2F%2Fexample-bucket.s3.us-east-1.amazonaws.com%2Frole.yaml\
                 &stackName=trustplane-identity-center&param_AccountId=123456789012&param_PlatformAccountId=000000000000\
                 &param_ExternalIds={one}\
                 &param_InstanceArn=arn%3Aaws%3Asso%3A%3A%3Ainstance%2Fssoins-0123456789abcdef0"
            )
        );
        assert!(link("cn-north-1").unwrap().starts_with("https://cn-north-1.console.amazonaws.cn/"));
        assert!(link("us-gov-west-1").unwrap().starts_with("https://us-gov-west-1.console.amazonaws-us-gov.com/"));
        for unknown in ["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"] {
            assert_eq!(link(unknown), None);
        }
        // While rotating there is a stack already: it is updated.
        assert_eq!(with(&ids(), "eu-west-1", |bootstrap| bootstrap.launch_stack_url(template)), None);
        assert_eq!(with(&[one], "eu-west-1", |bootstrap| bootstrap.update_command()), None);
        let command = with(&ids(), "eu-west-1", |bootstrap| bootstrap.update_command()).unwrap();
        assert!(command.contains(&format!("ParameterValue={one}\\,{two}\"")), "{command}");
        // Where a role is saved there is one after the rotation, too.
        let (no_link, later) = with(&[one], "eu-west-1", |bootstrap| {
            let deployed = Bootstrap { is_deployed: true, ..*bootstrap };
            (deployed.launch_stack_url(template), deployed.update_command())
        });
        assert!(no_link.is_none() && later.unwrap().contains(&format!("ParameterValue={one}\"")));
        // Every parameter of the template is in it: one that is not named would lose its value.
        let parameters = CLOUDFORMATION.split("\nRules:").next().unwrap().lines();
        let names: Vec<&str> = parameters.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':')).collect();
        assert_eq!(names.len(), 8, "{names:?}");
        assert!(names.iter().all(|name| command.contains(&format!("ParameterKey={name},"))), "{command}");
    }
}
