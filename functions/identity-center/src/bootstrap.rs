//! `/v1/integrations/aws-identity-center/bootstrap-template`: the role that the customer makes, ready to deploy.

use serde::Serialize;
use trustplane_domain::arn::InstanceArn;
use trustplane_domain::connection::Bootstrap;
use trustplane_domain::ids::ExternalId;
use trustplane_domain::region::{AccountId, Region};
use trustplane_domain::{Failure, Faults};
use trustplane_policy::Change;
use trustplane_runtime::{Call, Platform, Reply};

use crate::config::{connection, image, resource};

/// Names the S3 URL of `role.yaml` of `shared/domain/src/connection/bootstrap`.
const TEMPLATE_URL: &str = "TRUSTPLANE_BOOTSTRAP_TEMPLATE_URL";

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "BootstrapTemplate"))]
pub(crate) struct Body {
    cloudformation_yaml: String,
    terraform_hcl: String,
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uri")))]
    launch_stack_url: String,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 2)))]
    external_ids: Vec<ExternalId>,
}

/// What the role is to be for.
struct Wanted {
    account: AccountId,
    instance: InstanceArn,
    region: Region,
}

/// POST: the texts, for every ExternalId that the role has to trust now. Nothing is written.
pub async fn create(call: Call) -> Result<Reply, Failure> {
    let template_url = Platform::setting(TEMPLATE_URL).map_err(|error| {
        tracing::error!(error, "setting");
        Failure::Internal
    })?;
    let wanted = wanted(&call);
    call.view(
        |tenant, _| vec![tenant.connection()],
        None,
        wanted,
        |read, wanted, tenant| {
            let stored = connection(read, tenant)?.value;
            let external_ids: Vec<ExternalId> = stored.external_ids().collect();
            let bootstrap = Bootstrap {
                account: &wanted.account,
                instance: &wanted.instance,
                region: &wanted.region,
                platform: &call.platform.account,
                external_ids: &external_ids,
            };
            let body = Body {
                cloudformation_yaml: bootstrap.cloudformation_yaml(),
                terraform_hcl: bootstrap.terraform_hcl(),
                launch_stack_url: bootstrap.launch_stack_url(&template_url),
                external_ids: external_ids.clone(),
            };
            Ok(Change::new(resource(), Ok(Reply::ok(&body))).before(Some(image(&stored.settings))))
        },
    )
    .await
}

/// The three fields, the instance and the region of one partition.
fn wanted(call: &Call) -> Result<Wanted, Failure> {
    let mut fields = call.request.fields()?;
    let mut faults = Faults::default();
    let account =
        fields.string("aws_account_id").and_then(|text| faults.take("aws_account_id", AccountId::parse(&text)));
    let instance =
        fields.string("sso_instance_arn").and_then(|text| faults.take("sso_instance_arn", InstanceArn::parse(&text)));
    let region = fields.string("region").and_then(|text| faults.take("region", Region::parse(&text)));
    if account.as_ref() == Some(&call.platform.account) {
        faults.add("aws_account_id", "must be an account of yours, not the platform's own");
    }
    if let (Some(instance), Some(region)) = (&instance, &region)
        && instance.partition() != Some(region.partition())
    {
        faults.add("sso_instance_arn", format!("is of another partition than the region `{region}`"));
    }
    fields.finish(faults)?;
    match (account, instance, region) {
        (Some(account), Some(instance), Some(region)) => Ok(Wanted { account, instance, region }),
        // INVARIANT: what is absent is a fault, and those were told.
        _ => Err(Failure::Internal),
    }
}
