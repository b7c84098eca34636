//! Where the customer's side is asked, in each partition, with FIPS endpoints and with dual stack: the real code and the
//! real rules of the SDK, up to the wire. There the request is noted and goes on to the local organization, whatever host
//! it was for.

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
use trustplane_aws::{CustomerError, Customers, Meter, Way};
use trustplane_domain::Timestamp;
use trustplane_domain::arn::{InstanceArn, RoleArn};
use trustplane_domain::connection::Refusal;
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::region::Region;
use trustplane_organization::{INSTANCE_ARN, Organization, ROLE_ARN};

/// Host, and the region and service that the request is signed for.
type Asked = (String, String);

/// Sends every request to the local organization and notes where it was to go. A host of a region of which there is none
/// is not found, as by DNS.
#[derive(Clone, Debug)]
struct Wire {
    local: String,
    client: SharedHttpClient,
    asked: Arc<Mutex<Vec<Asked>>>,
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
        // The host was signed.
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

/// How a deployment's endpoints are chosen, as `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT` say it.
#[derive(Clone, Copy, Default)]
struct Endpoints {
    fips: bool,
    dual_stack: bool,
}

const PLAIN: Endpoints = Endpoints { fips: false, dual_stack: false };

struct Deployment {
    customers: Customers,
    asked: Arc<Mutex<Vec<Asked>>>,
    way: Way,
}

/// A deployment in `home`, and a customer whose instance is said to be in `region`.
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
    let way = Way {
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
    /// Where each service is asked by a test of the connection and by a reading, in this order: STS, IAM Identity Center,
    /// Organizations.
    async fn asks(&self) -> [Asked; 3] {
        let instance = InstanceArn::parse(INSTANCE_ARN).unwrap();
        let stranger = ExternalId::from_random([2; 16]);
        let limit = Duration::from_secs(20);
        let observed = self.customers.probe(&self.way, &instance, stranger, Timestamp::now(), limit).await;
        assert!(observed.is_own_role(), "{observed:?}");
        assert!(observed.management_account.unwrap().answer.is_ok());
        let mut reader = self.customers.reader(&self.way, &instance).await.unwrap();
        let accounts = reader.accounts(None).await;
        assert!(!matches!(accounts, Err(CustomerError::Unreachable(_))), "{accounts:?}");
        let _ = reader.permission_sets(None).await;
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

/// As [`Deployment::asks`], each as `host scope`.
async fn asks(home: &str, region: &str, endpoints: Endpoints) -> [String; 3] {
    // On the heap: the futures of eight are too much for the stack of a test.
    let asked = Box::pin(async { deployment(home, region, endpoints).await.asks().await }).await;
    asked.map(|(host, scope)| format!("{host} {scope}"))
}

/// Organizations has one endpoint a partition, and is signed for its region ("AWS Organizations endpoints and quotas").
/// STS is asked where the platform is, IAM Identity Center where the instance is.
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

/// Whether a region has such an endpoint is AWS's to say ("AWS service endpoints"): where it has none, the host is not found.
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

/// What is said of the region of an instance that is not where it is said to be.
async fn found(region: &str) -> (Refusal, Option<String>) {
    let deployment = deployment("eu-west-1", region, PLAIN).await;
    let instance = InstanceArn::parse(INSTANCE_ARN).unwrap();
    let stranger = ExternalId::from_random([2; 16]);
    let limit = Duration::from_secs(20);
    let observed = deployment.customers.probe(&deployment.way, &instance, stranger, Timestamp::now(), limit).await;
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
