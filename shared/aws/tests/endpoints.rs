//! Tests the endpoints of calls to the customer's AWS, in each partition, with FIPS endpoints and with dual stack. They
//! use the real code and the SDK's real rules, up to the network. There, each request is recorded and forwarded to the
//! local organization, whatever its host.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_sdk_sts::config::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::net::TcpListener;
use trustplane_aws::{AccessPath, CustomerError, Customers, Meter};
use trustplane_domain::Timestamp;
use trustplane_domain::arn::{InstanceArn, RoleArn};
use trustplane_domain::connection::Refusal;
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::inventory::Ask;
use trustplane_domain::region::Region;
use trustplane_organization::{INSTANCE_ARN, Organization, ROLE_ARN};

/// Host, with the region and service in the signature's scope.
type Received = (String, String);

/// Records the host of every request and forwards the request to the local organization. A host of an unknown region is
/// not found, as in DNS.
#[derive(Clone, Debug)]
struct Wire {
    local: String,
    client: SharedHttpClient,
    asked: Arc<Mutex<Vec<Received>>>,
}

/// A connection of [`Wire`].
#[derive(Debug)]
struct Connector {
    wire: Wire,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let host = request.uri().split('/').nth(2).unwrap().to_owned();
        let scope = request.headers().get("authorization").unwrap().split('/').collect::<Vec<_>>()[2..4].join(" ");
        self.wire.asked.lock().unwrap().push((host.clone(), scope));
        if host.contains("us-eest-1") {
            let unknown = std::io::Error::other("failed to lookup address information");
            return HttpConnectorFuture::ready(Err(ConnectorError::io(unknown.into())));
        }
        assert!(request.uri().starts_with("https://"), "{}", request.uri());
        // The signature covers the host.
        request.headers_mut().insert("host", host);
        request.set_uri(self.wire.local.clone()).unwrap();
        self.inner.call(request)
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.client.http_connector(settings, parts);
        SharedHttpConnector::new(Connector { wire: self.clone(), inner })
    }
}

/// Selection of endpoints, as in `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`.
#[derive(Clone, Copy, Default)]
struct Endpoints {
    fips: bool,
    dual_stack: bool,
}

const PLAIN: Endpoints = Endpoints { fips: false, dual_stack: false };

struct Deployment {
    customers: Customers,
    asked: Arc<Mutex<Vec<Received>>>,
    way: AccessPath,
}

/// Creates a deployment in `home`, with a customer whose instance is configured in `region`.
async fn deployment(home: &str, region: &str, endpoints: Endpoints) -> Deployment {
    let organization = Organization::demo();
    let external_id = ExternalId::from_random([1; 16]);
    organization.trust_role(ROLE_ARN, &[&external_id.to_string()]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wire = Wire {
        local: format!("http://{}/", listener.local_addr().unwrap()),
        client: aws_smithy_http_client::Builder::new().build_http(),
        asked: Arc::default(),
    };
    tokio::spawn(organization.serve(listener));
    let asked = Arc::clone(&wire.asked);
    let sdk = sdk(home, wire, endpoints).await;
    let way = AccessPath {
        tenant: TenantId::from_random([1; 16]),
        role: RoleArn::parse(ROLE_ARN).unwrap(),
        external_id,
        external_id_pending: None,
        external_id_retired: None,
        region: Some(Region::parse(region).unwrap()),
        proven: false,
    };
    Deployment { customers: Customers::new(&sdk, Arc::new(Meter::default())), asked, way }
}

async fn sdk(home: &str, wire: Wire, endpoints: Endpoints) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test"))
        .region(SdkRegion::new(home.to_owned()))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .use_fips(endpoints.fips)
        .use_dual_stack(endpoints.dual_stack)
        .http_client(wire)
        .load()
        .await
}

impl Deployment {
    /// Returns the endpoints of a connection test and a sync, in this order: STS, IAM Identity Center, Organizations.
    async fn asks(&self) -> [Received; 3] {
        let instance = InstanceArn::parse(INSTANCE_ARN).unwrap();
        let stranger = ExternalId::from_random([2; 16]);
        let limit = Duration::from_secs(20);
        let observed = self.customers.probe(&self.way, &instance, Some(stranger), Timestamp::now(), limit).await;
        assert!(observed.is_own_role(), "{observed:?}");
        assert!(observed.management_account.unwrap().answer.is_ok());
        let mut reader = self.customers.reader(&self.way, &instance).await.unwrap();
        let accounts = reader.ask(&Ask::Accounts { next: None }).await.unwrap();
        assert!(!matches!(accounts, Err(CustomerError { refusal: Refusal::Unreachable, .. })), "{accounts:?}");
        let _ = reader.ask(&Ask::PermissionSets { next: None }).await;
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort();
        asked.dedup();
        let of = |service: &str| {
            let mut found = asked.iter().filter(|(_, scope)| scope.ends_with(service));
            let one = found.next().unwrap_or_else(|| panic!("{service} was not asked: {asked:?}")).clone();
            assert_eq!(found.next(), None, "{asked:?}");
            one
        };
        assert_eq!(asked.len(), 3, "{asked:?}");
        [of(" sts"), of(" sso"), of(" organizations")]
    }
}

/// Returns [`Deployment::asks`], each formatted as `host scope`.
async fn asks(home: &str, region: &str, endpoints: Endpoints) -> [String; 3] {
    // On the heap, because eight of these futures exceed the stack of a test.
    let asked = Box::pin(async { deployment(home, region, endpoints).await.asks().await }).await;
    asked.map(|(host, scope)| format!("{host} {scope}"))
}

/// Organizations has one endpoint per partition, and its signature has that endpoint's region ("AWS Organizations
/// endpoints and quotas"). STS is called in the platform's region, IAM Identity Center in the instance's.
#[tokio::test]
async fn each_partition_has_its_endpoints() {
    for (home, region, expected) in [
        (
            "eu-west-1",
            "ap-east-1",
            [
                "sts.eu-west-1.amazonaws.com eu-west-1 sts",
                "sso.ap-east-1.amazonaws.com ap-east-1 sso",
                "organizations.us-east-1.amazonaws.com us-east-1 organizations",
            ],
        ),
        (
            "cn-north-1",
            "cn-northwest-1",
            [
                "sts.cn-north-1.amazonaws.com.cn cn-north-1 sts",
                "sso.cn-northwest-1.amazonaws.com.cn cn-northwest-1 sso",
                "organizations.cn-northwest-1.amazonaws.com.cn cn-northwest-1 organizations",
            ],
        ),
        (
            "us-gov-east-1",
            "us-gov-west-1",
            [
                "sts.us-gov-east-1.amazonaws.com us-gov-east-1 sts",
                "sso.us-gov-west-1.amazonaws.com us-gov-west-1 sso",
                "organizations.us-gov-west-1.amazonaws.com us-gov-west-1 organizations",
            ],
        ),
        (
            "eusc-de-east-1",
            "eusc-de-east-1",
            [
                "sts.eusc-de-east-1.amazonaws.eu eusc-de-east-1 sts",
                "sso.eusc-de-east-1.amazonaws.eu eusc-de-east-1 sso",
                "organizations.eusc-de-east-1.amazonaws.eu eusc-de-east-1 organizations",
            ],
        ),
        (
            "us-iso-east-1",
            "us-iso-east-1",
            [
                "sts.us-iso-east-1.c2s.ic.gov us-iso-east-1 sts",
                "sso.us-iso-east-1.c2s.ic.gov us-iso-east-1 sso",
                "organizations.us-iso-east-1.c2s.ic.gov us-iso-east-1 organizations",
            ],
        ),
    ] {
        assert_eq!(asks(home, region, PLAIN).await, expected, "{home}");
    }
}

/// AWS decides which regions have such an endpoint ("AWS service endpoints"). In other regions, the host is not found.
#[tokio::test]
async fn fips_and_dual_stack_count_for_every_service() {
    let fips = Endpoints { fips: true, dual_stack: false };
    let dual_stack = Endpoints { fips: false, dual_stack: true };
    let both = Endpoints { fips: true, dual_stack: true };
    for (home, region, endpoints, hosts) in [
        (
            "us-east-2",
            "us-west-2",
            fips,
            [
                "sts-fips.us-east-2.amazonaws.com",
                "sso-fips.us-west-2.amazonaws.com",
                "organizations-fips.us-east-1.amazonaws.com",
            ],
        ),
        // All endpoints of AWS GovCloud (US) are FIPS endpoints.
        (
            "us-gov-east-1",
            "us-gov-west-1",
            fips,
            [
                "sts.us-gov-east-1.amazonaws.com",
                "sso.us-gov-west-1.amazonaws.com",
                "organizations.us-gov-west-1.amazonaws.com",
            ],
        ),
        (
            "eu-west-1",
            "eu-central-1",
            dual_stack,
            ["sts.eu-west-1.api.aws", "sso.eu-central-1.api.aws", "organizations.us-east-1.api.aws"],
        ),
        (
            "cn-north-1",
            "cn-northwest-1",
            dual_stack,
            [
                "sts.cn-north-1.api.amazonwebservices.com.cn",
                "sso.cn-northwest-1.api.amazonwebservices.com.cn",
                "organizations.cn-northwest-1.api.amazonwebservices.com.cn",
            ],
        ),
        (
            "us-east-1",
            "us-west-2",
            both,
            ["sts-fips.us-east-1.api.aws", "sso-fips.us-west-2.api.aws", "organizations-fips.us-east-1.api.aws"],
        ),
    ] {
        let asked = asks(home, region, endpoints).await;
        assert_eq!(asked.each_ref().map(|one| one.split(' ').next().unwrap()), hosts, "{home}");
    }
}

/// Probes a connection with the wrong region `region`. Returns the refusal there, and the region in which the instance
/// is found.
async fn found(region: &str) -> (Refusal, Option<String>) {
    let deployment = deployment("eu-west-1", region, PLAIN).await;
    let instance = InstanceArn::parse(INSTANCE_ARN).unwrap();
    let stranger = ExternalId::from_random([2; 16]);
    let limit = Duration::from_secs(20);
    let observed =
        deployment.customers.probe(&deployment.way, &instance, Some(stranger), Timestamp::now(), limit).await;
    let anywhere = observed.listed_anywhere.unwrap().answer.unwrap();
    (observed.listed.unwrap().answer.unwrap_err(), anywhere.unwrap().region)
}

#[tokio::test]
async fn a_region_that_does_not_exist_is_told_from_the_platforms_own() {
    assert_eq!(found("us-eest-1").await, (Refusal::Unreachable, Some("us-east-1".to_owned())));
}

#[tokio::test]
async fn a_customer_who_names_no_region_is_asked_in_the_platforms() {
    let mut deployment = deployment("us-east-1", "eu-west-1", PLAIN).await;
    deployment.way.region = None;
    let asked = deployment.asks().await.map(|(_, scope)| scope);
    assert_eq!(asked, ["us-east-1 sts", "us-east-1 sso", "us-east-1 organizations"]);
}
