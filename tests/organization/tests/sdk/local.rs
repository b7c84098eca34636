//! An organization on its own port, with SDK clients that call it.

use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use tokio::net::TcpListener;
use trustplane_organization::{Organization, REGION, ROLE_ARN, Scenario};

/// The ExternalId that roles trust in these tests.
pub const EXTERNAL_ID: &str = "0b9c2f3a-5d7e-4c1b-9a8f-6e5d4c3b2a10";

pub struct Local {
    pub organization: Organization,
    pub url: String,
}

/// Endpoint and credentials of a client.
#[derive(Clone)]
pub struct As {
    credentials: Credentials,
    region: &'static str,
    retry: RetryConfig,
}

impl As {
    /// Uses the platform's credentials, from outside.
    pub fn platform() -> Self {
        Self::with(Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test"))
    }

    pub fn with(credentials: Credentials) -> Self {
        Self { credentials, region: REGION, retry: RetryConfig::disabled() }
    }

    pub fn in_region(self, region: &'static str) -> Self {
        Self { region, ..self }
    }

    pub fn retrying(self) -> Self {
        let retry = RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1));
        Self { retry, ..self }
    }
}

macro_rules! client {
    ($name:ident, $sdk:ident) => {
        pub fn $name(&self, caller: &As) -> $sdk::Client {
            $sdk::Client::from_conf(
                $sdk::Config::builder()
                    .behavior_version(BehaviorVersion::v2026_01_12())
                    .endpoint_url(&self.url)
                    .credentials_provider(caller.credentials.clone())
                    .region(Region::new(caller.region))
                    .retry_config(caller.retry.clone())
                    .http_client(Builder::new().build_http())
                    .build(),
            )
        }
    };
}

impl Local {
    /// Starts an organization in which [`ROLE_ARN`] and the scenarios trust [`EXTERNAL_ID`].
    pub async fn start() -> Self {
        let organization = Organization::demo();
        organization.trust_role(ROLE_ARN, &[EXTERNAL_ID]);
        organization.trust_external_id(EXTERNAL_ID);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(organization.clone().serve(listener));
        Self { organization, url }
    }

    client!(sts, aws_sdk_sts);
    client!(sso_admin, aws_sdk_ssoadmin);
    client!(organizations, aws_sdk_organizations);
    client!(kms, aws_sdk_kms);

    /// Assumes a role as the platform, with [`EXTERNAL_ID`].
    pub async fn assume(&self, role_arn: &str) -> As {
        let output = self
            .sts(&As::platform())
            .assume_role()
            .role_arn(role_arn)
            .role_session_name("test")
            .external_id(EXTERNAL_ID)
            .send()
            .await
            .unwrap();
        let credentials = output.credentials().unwrap();
        As::with(Credentials::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            Some(credentials.session_token().to_owned()),
            None,
            "test",
        ))
    }

    pub async fn assume_scenario(&self, scenario: &Scenario) -> As {
        self.assume(&scenario.role_arn()).await
    }

    /// Returns the operations that were called, with their errors.
    pub fn called(&self) -> Vec<String> {
        let calls = self.organization.calls().into_iter();
        calls
            .map(|call| call.error.map_or(call.operation.clone(), |error| format!("{}: {error}", call.operation)))
            .collect()
    }
}
