//! `/v1/integrations/aws-identity-center/bootstrap-template`: templates of the role that the customer creates.

use serde::Serialize;
use trustplane_domain::Failure;
use trustplane_domain::arn::InstanceArn;
use trustplane_domain::connection::Bootstrap;
use trustplane_domain::ids::ExternalId;
use trustplane_domain::region::{AccountId, Region};
use trustplane_domain::request;
use trustplane_runtime::{Call, Platform, Request, Response};

use crate::config::subject;

/// A role for a customer's AWS account, as templates.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "BootstrapTemplate"))]
pub(crate) struct Body {
    /// The role as a CloudFormation template.
    cloudformation_yaml: String,
    /// The role as a Terraform module.
    terraform_hcl: String,
    /// Link that opens the template in the CloudFormation console; null if the platform names no bucket for it, and
    /// while the ExternalId is rotated.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uri")))]
    launch_stack_url: Option<String>,
    /// The command that updates the stack: while the ExternalId is rotated, and where a role in the account is saved.
    update_command: Option<String>,
    /// ExternalIds that the role trusts: the current one, and a pending one.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 2)))]
    external_ids: Vec<ExternalId>,
}

/// The account, the instance and the region that the role is for.
struct Wanted {
    account: AccountId,
    instance: InstanceArn,
    region: Region,
}

/// POST: the templates, for every ExternalId that the role has to trust now. Nothing is written.
pub async fn create(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .body(|request| wanted(request, &call.platform))
        .reads(|(), keys| keys.connection().expected())
        .subject(|_, connection, _| subject(connection))
        .decide(|(_, wanted), connection, cx| {
            let external_ids: Vec<ExternalId> = connection.value.external_ids().collect();
            let bootstrap = Bootstrap {
                account: &wanted.account,
                instance: &wanted.instance,
                region: &wanted.region,
                platform: &cx.platform().account,
                external_ids: &external_ids,
                is_deployed: connection
                    .value
                    .settings
                    .role_arn
                    .as_ref()
                    .is_some_and(|role| role.account() == wanted.account.as_str()),
            };
            Ok(Response::ok(&Body {
                cloudformation_yaml: bootstrap.cloudformation_yaml(),
                terraform_hcl: bootstrap.terraform_hcl(),
                launch_stack_url: cx
                    .platform()
                    .bootstrap_template_url()
                    .and_then(|url| bootstrap.launch_stack_url(url)),
                update_command: bootstrap.update_command(),
                external_ids: external_ids.clone(),
            }))
        })
        .await
}

request! {
    /// Body of a request for a role template.
    pub(crate) struct BootstrapRequest {
        /// The account of the IAM Identity Center instance.
        required account: AccountId = "aws_account_id",
        /// ARN of the IAM Identity Center instance.
        required instance: InstanceArn = "sso_instance_arn",
        /// Region of the IAM Identity Center instance.
        required region: Region = "region",
    }
}

/// Parses the three fields. The instance and the region are of one partition.
fn wanted(request: &Request, platform: &Platform) -> Result<Wanted, Failure> {
    let mut fields = request.fields()?;
    let BootstrapRequest { account, instance, region } = BootstrapRequest::read(&mut fields);
    if account.as_ref() == Some(&platform.account) {
        fields.fault("aws_account_id", "must be an account of yours, not the platform's own");
    }
    if let (Some(instance), Some(region)) = (&instance, &region)
        && instance.partition() != Some(region.partition())
    {
        fields.fault("sso_instance_arn", format!("is of another partition than the region `{region}`"));
    }
    let home = platform.sdk.region().and_then(|home| Region::parse(home.as_ref()).ok()).map(|home| home.partition());
    if let (Some(region), Some(home)) = (&region, home)
        && region.partition() != home
    {
        let theirs = region.partition();
        let fault =
            format!("is in partition `{theirs}`, but this deployment is in `{home}`: no role there can trust it");
        fields.fault("region", fault);
    }
    let wanted = account.zip(instance).zip(region);
    fields.finished(wanted.map(|((account, instance), region)| Wanted { account, instance, region }))
}
