//! Writes what customers are given to deploy into a folder, for other programs to check: the CloudFormation template with open
//! parameters (`role.yaml`) and with a customer's values (`filled.yaml`), and the Terraform module (`role.tf`).

use std::path::PathBuf;
use std::process::ExitCode;

use trustplane_domain::arn::InstanceArn;
use trustplane_domain::connection::{Bootstrap, CLOUDFORMATION};
use trustplane_domain::ids::ExternalId;
use trustplane_domain::region::{AccountId, Region};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), Failure> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: show-bootstrap FOLDER")?);
    let bootstrap = Bootstrap {
        account: &AccountId::parse("123456789012")?,
        instance: &InstanceArn::parse("arn:aws:sso:::instance/ssoins-0123456789abcdef0")?,
        region: &Region::parse("us-east-1")?,
        platform: &AccountId::parse("000000000000")?,
        external_ids: &[ExternalId::from_random([1; 16]), ExternalId::from_random([2; 16])],
        is_deployed: false,
    };
    let files = [
        ("role.yaml", CLOUDFORMATION.to_owned()),
        ("filled.yaml", bootstrap.cloudformation_yaml()),
        ("role.tf", bootstrap.terraform_hcl()),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
