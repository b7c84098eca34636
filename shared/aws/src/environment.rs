//! The SDK's configuration as Lambda's environment gives it.
//!
//! `aws_config::ConfigLoader` looks for profile files and for metadata of containers and instances too, which a function does not
//! have. That was half of its start.

use std::fmt;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sts::config::SharedCredentialsProvider;
use aws_types::sdk_config::Builder;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// Reads an environment variable.
type Variable = fn(&str) -> Option<String>;

/// Returns the configuration of the process's environment: region, credentials, endpoints, FIPS and dual stack.
pub(crate) async fn configuration() -> Builder {
    let variable: Variable = |name| std::env::var(name).ok();
    let region = EnvironmentVariableRegionProvider::new();
    with(SdkConfig::builder().behavior_version(BehaviorVersion::latest()), variable)
        .region(aws_config::meta::region::ProvideRegion::region(&region).await)
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
}

/// Sets what follows from variables.
fn with(mut sdk: Builder, variable: Variable) -> Builder {
    let is_set = |name: &str| variable(name).map(|value| value.trim().eq_ignore_ascii_case("true"));
    sdk.set_use_fips(is_set("AWS_USE_FIPS_ENDPOINT"));
    sdk.set_use_dual_stack(is_set("AWS_USE_DUALSTACK_ENDPOINT"));
    sdk.set_endpoint_url(variable(ENDPOINT_URL));
    sdk.service_config(Variables(variable))
}

const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// Settings of one service: `AWS_ENDPOINT_URL_SSO_ADMIN`.
struct Variables(Variable);

impl LoadServiceConfig for Variables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        let Self(variable) = self;
        variable(&format!("{}_{service}", key.env())).or_else(|| variable(key.env()))
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Variables")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(sdk: &SdkConfig, service: &str) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id(service).env(ENDPOINT_URL).profile("endpoint_url");
        sdk.service_config().unwrap().load_config(key.build().unwrap())
    }

    #[test]
    fn an_endpoint_of_a_service_precedes_that_of_all() {
        let sdk = with(SdkConfig::builder(), |name| {
            let value = match name {
                "AWS_ENDPOINT_URL" => "http://127.0.0.1:1",
                "AWS_ENDPOINT_URL_SSO_ADMIN" => "http://127.0.0.1:2",
                "AWS_USE_FIPS_ENDPOINT" => "TRUE",
                "AWS_USE_DUALSTACK_ENDPOINT" => "false",
                _ => return None,
            };
            Some(value.to_owned())
        });
        let sdk = sdk.build();
        assert_eq!(endpoint(&sdk, "SSO Admin").as_deref(), Some("http://127.0.0.1:2"));
        assert_eq!(endpoint(&sdk, "DynamoDB").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(sdk.endpoint_url(), Some("http://127.0.0.1:1"));
        assert_eq!((sdk.use_fips(), sdk.use_dual_stack()), (Some(true), Some(false)));
    }

    #[test]
    fn an_empty_environment_leaves_everything_to_the_sdk() {
        let sdk = with(SdkConfig::builder(), |_| None).build();
        assert_eq!((sdk.endpoint_url(), sdk.use_fips(), sdk.use_dual_stack()), (None, None, None));
        assert_eq!(endpoint(&sdk, "STS"), None);
    }
}
