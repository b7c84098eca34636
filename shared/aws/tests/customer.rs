//! The customer's side against the local organization: what is asked, what is kept, and what each refusal means.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region as SdkRegion};
use aws_sdk_sts::config::Credentials;
use tokio::net::TcpListener;
use trustplane_aws::{AccessPath, CustomerError, Customers, Meter};
use trustplane_domain::Timestamp;
use trustplane_domain::arn::{InstanceArn, RoleArn};
use trustplane_domain::connection::{Bootstrap, Denial, KmsReason, Refusal};
use trustplane_domain::ids::{ExternalId, TenantId};
use trustplane_domain::inventory::{Answer, Ask, Row, Sync, SyncStatus};
use trustplane_domain::region::{AccountId, Region};
use trustplane_organization::{
    IDENTITY_STORE_ID, INSTANCE_ARN, MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT, Organization, PLATFORM_ACCOUNT, POLICY_ARN,
    Scenario, Service,
};

struct Local {
    organization: Organization,
    customers: Customers,
    meter: Arc<Meter>,
}

async fn start() -> Local {
    let organization = Organization::demo();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(organization.clone().serve(listener));
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .credentials_provider(credentials)
        .region(SdkRegion::new("us-east-1"))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .load()
        .await;
    let meter = Arc::new(Meter::default());
    Local { organization, customers: Customers::new(&sdk, Arc::clone(&meter)), meter }
}

fn way(local: &Local, tenant: u8, scenario: &str) -> AccessPath {
    let external_id = ExternalId::from_random([tenant; 16]);
    local.organization.trust_external_id(&external_id.to_string());
    AccessPath {
        tenant: TenantId::from_random([tenant; 16]),
        role: RoleArn::parse(&scenario.parse::<Scenario>().unwrap().role_arn()).unwrap(),
        external_id,
        external_id_pending: None,
        external_id_retired: None,
        region: Some(Region::parse("us-east-1").unwrap()),
        proven: true,
    }
}

/// The action and the reason of an error.
fn reason<T>(outcome: Result<T, CustomerError>) -> (&'static str, Refusal) {
    outcome.err().map(|error| (error.action, error.refusal)).unwrap()
}

fn denied_by_sts() -> (&'static str, Refusal) {
    let action = Some("sts:AssumeRole".to_owned());
    ("sts:AssumeRole", Refusal::Denied(Denial { action, ..Denial::default() }))
}

fn not_enforced() -> (&'static str, Refusal) {
    ("sts:AssumeRole", Refusal::NotEnforced)
}

fn instance() -> InstanceArn {
    InstanceArn::parse(INSTANCE_ARN).unwrap()
}

fn operations(local: &Local) -> Vec<String> {
    local.organization.calls().into_iter().map(|call| call.operation).collect()
}

#[tokio::test]
async fn a_session_is_kept_for_its_tenant_role_and_external_id_alone() {
    let local = start().await;
    let now = Timestamp::now();
    let one = way(&local, 1, "healthy");
    for _ in 0..2 {
        let seen = local.customers.instance(&one, &instance(), now).await.unwrap();
        assert_eq!((seen.identity_store_id.as_str(), seen.status.as_str()), (IDENTITY_STORE_ID, "ACTIVE"));
        assert_eq!((seen.owner_account.as_str(), seen.seen_at), (MANAGEMENT_ACCOUNT, now));
    }
    assert_eq!(operations(&local), ["AssumeRole", "DescribeInstance", "DescribeInstance"]);
    let tally = local.meter.take();
    assert_eq!((tally.aws_calls, tally.aws_round_trips, tally.dynamodb_calls), (3, 3, 0));

    local.organization.clear_calls();
    let other_tenant = AccessPath { tenant: TenantId::from_random([2; 16]), ..one.clone() };
    let other_role = way(&local, 1, "account-mismatch");
    let other_region = AccessPath { region: None, ..one.clone() };
    for other in [&other_tenant, &other_role, &other_region] {
        let _ = local.customers.instance(other, &instance(), now).await;
    }
    let assumed = operations(&local).into_iter().filter(|operation| operation == "AssumeRole").count();
    assert_eq!(assumed, 3);
    let first = local.organization.calls().remove(0);
    assert_eq!(first.external_id, Some(one.external_id.to_string()));
    // Another ExternalId of the same tenant is asked for anew, and refused where the role does not trust it.
    let not_trusted = AccessPath { external_id: ExternalId::from_random([9; 16]), ..one };
    let denied = local.customers.instance(&not_trusted, &instance(), now).await;
    assert_eq!(reason(denied), denied_by_sts());
}

#[tokio::test]
async fn through_a_role_that_is_not_proven_nothing_is_asked_before_it_denies_strangers() {
    let local = start().await;
    let now = Timestamp::now();
    let own = AccessPath { proven: false, ..way(&local, 1, "healthy") };
    local.customers.instance(&own, &instance(), now).await.unwrap();
    let calls = local.organization.calls();
    let came_with: Vec<_> = calls.iter().take(3).map(|call| (call.external_id.clone(), call.error.clone())).collect();
    let denied = Some("AccessDenied".to_owned());
    assert!(came_with.contains(&(Some(own.external_id.to_string()), None)), "{came_with:?}");
    assert!(came_with.contains(&(None, denied.clone())), "{came_with:?}");
    assert_eq!(came_with.iter().filter(|(_, error)| *error == denied).count(), 2);
    assert_eq!(operations(&local)[3..], ["DescribeInstance"]);
    assert_eq!(local.meter.take().aws_round_trips, 2);
    // Its session is found again by whoever knows that it was proven. Who has since heard that it is open proves it anew.
    let proven = AccessPath { proven: true, ..own.clone() };
    local.organization.clear_calls();
    local.customers.instance(&proven, &instance(), now).await.unwrap();
    assert_eq!(operations(&local), ["DescribeInstance"]);
    local.organization.clear_calls();
    local.customers.instance(&own, &instance(), now).await.unwrap();
    assert_eq!(operations(&local), ["AssumeRole", "AssumeRole", "AssumeRole", "DescribeInstance"]);

    // Another tenant's role whose owner does not demand the ExternalId: neither looked through, nor its session kept.
    let open = AccessPath { proven: false, ..way(&local, 2, "external-id-not-enforced") };
    for _ in 0..2 {
        local.organization.clear_calls();
        assert_eq!(reason(local.customers.instance(&open, &instance(), now).await), not_enforced());
        assert_eq!(reason(local.customers.reader(&open, &instance()).await), not_enforced());
        assert_eq!(operations(&local), ["AssumeRole"; 6]);
    }
    // Nor after a test of it, in the same process.
    let stranger = ExternalId::from_random([7; 16]);
    let observed = local.customers.probe(&open, &instance(), Some(stranger), now, Duration::from_secs(5)).await;
    assert!(!observed.is_own_role() && observed.caller_account.is_none());
    assert_eq!(reason(local.customers.instance(&open, &instance(), now).await), not_enforced());

    // A role that does not trust the tenant is denied as any other; STS that does not say is not taken for a denial.
    let mut denied = AccessPath { proven: false, ..way(&local, 1, "no-trust") };
    assert_eq!(reason(local.customers.instance(&denied, &instance(), now).await), denied_by_sts());
    denied.role = way(&local, 1, "sts-throttled").role;
    assert_eq!(reason(local.customers.instance(&denied, &instance(), now).await).1, Refusal::Throttled);
}

#[tokio::test]
async fn the_others_are_tried_where_the_current_external_id_is_denied() {
    let local = start().await;
    let (current, pending) = (ExternalId::from_random([8; 16]), ExternalId::from_random([9; 16]));
    let retired = ExternalId::from_random([7; 16]);
    let role = "arn:aws:iam::123456789012:role/Rotating";
    let way = AccessPath {
        role: RoleArn::parse(role).unwrap(),
        external_id: current,
        external_id_pending: Some(pending),
        external_id_retired: Some(retired),
        ..way(&local, 1, "healthy")
    };
    for (trusted, assumed) in [
        (vec![current, pending], 1),
        (vec![current], 1),
        (vec![pending], 2),
        (vec![retired, pending], 2),
        (vec![retired], 3),
        (vec![], 3),
    ] {
        let trusted: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        local.organization.trust_role(role, &trusted.iter().map(String::as_str).collect::<Vec<_>>());
        local.organization.expire_sessions();
        local.organization.clear_calls();
        let described = local.customers.instance(&way, &instance(), Timestamp::now()).await;
        assert_eq!(operations(&local).iter().filter(|operation| *operation == "AssumeRole").count(), assumed);
        // A reading and a test come in where the identity source does, and nowhere else.
        local.organization.expire_sessions();
        let reader = local.customers.reader(&way, &instance()).await;
        let limit = Duration::from_secs(5);
        let stranger = Some(ExternalId::from_random([6; 16]));
        let observed = local.customers.probe(&way, &instance(), stranger, Timestamp::now(), limit).await;
        let is_let_in = !trusted.is_empty();
        assert_eq!((described.is_ok(), reader.is_ok(), observed.is_own_role()), (is_let_in, is_let_in, is_let_in));
        if !is_let_in {
            assert_eq!(reason(described), denied_by_sts());
            assert_eq!(observed.assumed_retired.unwrap().answer, Err(denied_by_sts().1));
        }
        assert_eq!(local.customers.trusts(&way, pending).await.is_ok(), trusted.contains(&pending.to_string()));
    }
}

#[tokio::test]
async fn a_test_that_runs_out_of_time_tells_what_it_reached() {
    let local = start().await;
    let way = way(&local, 1, "slow");
    let stranger = ExternalId::from_random([7; 16]);
    let limit = Duration::from_secs(2);
    let observed = local.customers.probe(&way, &instance(), Some(stranger), Timestamp::now(), limit).await;
    assert!(observed.is_own_role());
    assert_eq!(observed.caller_account.unwrap().answer.unwrap(), MANAGEMENT_ACCOUNT);
    assert_eq!(observed.listed.unwrap().answer, Err(Refusal::Unreachable));
    assert!(observed.described.is_none() && observed.permission_sets.is_none());
}

#[tokio::test]
async fn a_session_that_was_ended_is_replaced_once() {
    let local = start().await;
    let way = way(&local, 1, "healthy");
    local.customers.instance(&way, &instance(), Timestamp::now()).await.unwrap();
    local.organization.expire_sessions();
    local.organization.clear_calls();
    local.customers.instance(&way, &instance(), Timestamp::now()).await.unwrap();
    assert_eq!(operations(&local), ["DescribeInstance", "AssumeRole", "DescribeInstance"]);
}

/// Tests sessions that the customer revokes: a denial through a kept session is judged through a new one.
#[tokio::test]
async fn a_session_that_was_revoked_is_replaced_once() {
    let local = start().await;
    let way = way(&local, 1, "sessions-revoked");
    local.customers.instance(&way, &instance(), Timestamp::now()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    local.organization.clear_calls();
    local.customers.instance(&way, &instance(), Timestamp::now()).await.unwrap();
    assert_eq!(operations(&local), ["DescribeInstance", "AssumeRole", "DescribeInstance"]);
}

/// Tests least privilege: a test, a reading and the identity source make exactly the calls that the template allows.
#[tokio::test]
async fn the_template_allows_the_calls_that_are_made_and_no_others() {
    let local = start().await;
    let external_id = ExternalId::from_random([1; 16]);
    let bootstrap = Bootstrap {
        account: &AccountId::parse(MANAGEMENT_ACCOUNT).unwrap(),
        instance: &instance(),
        region: &Region::parse("us-east-1").unwrap(),
        platform: &AccountId::parse(PLATFORM_ACCOUNT).unwrap(),
        external_ids: &[external_id],
        is_deployed: false,
    };
    let template = bootstrap.cloudformation_yaml();
    let role = local.organization.deploy_cloudformation(&template).unwrap();
    let way = AccessPath { role: RoleArn::parse(&role).unwrap(), external_id, ..way(&local, 1, "healthy") };
    let now = Timestamp::now();
    let stranger = Some(ExternalId::from_random([7; 16]));
    let observed = local.customers.probe(&way, &instance(), stranger, now, Duration::from_secs(20)).await;
    assert!(
        observed.reading.iter().all(|(_, said)| said.as_ref().is_some_and(|said| said.answer.is_ok())),
        "{observed:?}"
    );
    local.customers.instance(&way, &instance(), now).await.unwrap();
    let mut reader = local.customers.reader(&way, &instance()).await.unwrap();
    let (mut sync, mut sets, mut turns) = (Sync::default().requested(now, None), BTreeSet::new(), 0);
    while let Some(ask) = sync.ask() {
        turns += 1;
        assert!(turns < 10_000, "{sync:?}");
        let answer = match &ask {
            Ask::NextSet { after } => Ok(Answer::NextSet(sets.iter().find(|set| Some(*set) > after.as_ref()).cloned())),
            Ask::Sweep { .. } => {
                sync = sync.swept(None, now);
                continue;
            }
            ask => Ok(reader.ask(ask).await.unwrap().unwrap()),
        };
        let turn = sync.answered(answer, now);
        assert_eq!(turn.fault, None);
        sets.extend(turn.rows.iter().filter_map(|row| match row {
            Row::PermissionSet(set) => Some(set.permission_set_arn.clone()),
            _ => None,
        }));
        sync = turn.sync;
    }
    assert_eq!((sync.status(), sets.len()), (SyncStatus::Done, 12));
    let calls = local.organization.calls().into_iter().filter(|call| call.service != Service::Sts);
    let made: BTreeSet<String> =
        calls.map(|call| format!("{}:{}", call.service.signing_name(), call.operation)).collect();
    let allowed = template.lines().filter_map(|line| line.trim().strip_prefix("- "));
    let allowed: BTreeSet<String> = allowed
        .filter(|action| action.starts_with("sso:") || action.starts_with("organizations:"))
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(made, allowed);
}

/// Tests a role whose ARN names another account than its sessions: neither asked through, nor kept by a test.
#[tokio::test]
async fn a_role_of_another_account_is_not_asked_through() {
    let local = start().await;
    let way = way(&local, 1, "account-mismatch");
    let stranger = ExternalId::from_random([7; 16]);
    let observed =
        local.customers.probe(&way, &instance(), Some(stranger), Timestamp::now(), Duration::from_secs(5)).await;
    assert_eq!(observed.caller_account.unwrap().answer.unwrap(), MEMBER_ACCOUNT);
    local.organization.clear_calls();
    let mismatch = ("sts:AssumeRole", Refusal::AccountMismatch(MEMBER_ACCOUNT.to_owned()));
    assert_eq!(reason(local.customers.instance(&way, &instance(), Timestamp::now()).await), mismatch);
    assert_eq!(reason(local.customers.reader(&way, &instance()).await), mismatch);
    assert_eq!(operations(&local), ["AssumeRole"; 2]);
}

#[tokio::test]
async fn each_refusal_is_told_apart() {
    let local = start().await;
    let now = Timestamp::now();
    let refused = async |scenario: &str| {
        let way = way(&local, 1, scenario);
        local.customers.instance(&way, &instance(), now).await.unwrap_err()
    };
    let refusal_of = async |scenario: &str| reason(Err::<(), _>(refused(scenario).await));
    assert_eq!(refusal_of("no-trust").await, denied_by_sts());
    let (action, refusal) = refusal_of("missing-sso-DescribeInstance").await;
    assert!(action == "sso:DescribeInstance" && refusal.is_denied() && !refusal.is_denied_by_others(), "{refusal:?}");
    assert!(refusal_of("network-restricted").await.1.is_denied_by_others());
    let named = refusal_of("region-denied-scp").await.1;
    assert!(matches!(&named, Refusal::Denied(Denial { policy_arn: Some(arn), .. }) if arn == POLICY_ARN), "{named:?}");
    for (scenario, refusal) in [
        ("instance-deleted", Refusal::NotFound),
        ("wrong-region", Refusal::WrongRegion("eu-west-1".to_owned())),
        ("throttled", Refusal::Throttled),
        ("sts-throttled", Refusal::Throttled),
        ("kms-throttled", Refusal::Kms(KmsReason::Throttled)),
        ("internal-failure", Refusal::Unavailable),
        ("sts-internal-failure", Refusal::Unavailable),
        ("unreachable", Refusal::Unreachable),
        ("sts-unreachable", Refusal::Unreachable),
        ("proxy", Refusal::Intermediary(403)),
        ("sts-proxy", Refusal::Intermediary(403)),
        ("clock-skewed", Refusal::Platform("InvalidSignatureException".to_owned())),
        ("sts-clock-skewed", Refusal::Platform("SignatureDoesNotMatch".to_owned())),
        ("kms-disabled", Refusal::Kms(KmsReason::Disabled)),
        ("kms-denied-by-name", Refusal::Kms(KmsReason::Denied)),
        ("sts-refused", Refusal::RegionDisabled),
        ("refused", Refusal::NotSignedUp("OptInRequired".to_owned())),
        ("account-mismatch", Refusal::AccountMismatch(MEMBER_ACCOUNT.to_owned())),
    ] {
        assert_eq!(refusal_of(scenario).await.1, refusal, "{scenario}");
    }
    assert!(refused("throttled").await.is_passing() && !refused("no-trust").await.is_passing());
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let local = start().await;
    for scenario in ["throttled-twice", "sts-throttled-twice"] {
        for proven in [true, false] {
            let way = AccessPath { proven, ..way(&local, 1 + u8::from(proven), scenario) };
            assert!(local.customers.instance(&way, &instance(), Timestamp::now()).await.is_ok(), "{scenario}");
        }
    }
}

/// Tests the budget of retries: calls of one customer that are throttled throughout do not spend those of another.
#[tokio::test]
async fn retries_are_counted_for_each_customer() {
    let local = start().await;
    let throttled = way(&local, 77, "throttled");
    let mut attempts = Vec::new();
    while attempts.last() != Some(&1) {
        assert!(attempts.len() < 500, "retries have no end");
        local.organization.clear_calls();
        assert!(local.customers.instance(&throttled, &instance(), Timestamp::now()).await.is_err());
        attempts.push(operations(&local).iter().filter(|operation| *operation == "DescribeInstance").count());
    }
    assert!(attempts.len() > 1, "{attempts:?}");
    let other = way(&local, 78, "throttled-twice");
    assert!(local.customers.instance(&other, &instance(), Timestamp::now()).await.is_ok());
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_a_client_waits_for_us() {
    let local = start().await;
    for scenario in ["slow-20", "sts-slow-20"] {
        let way = way(&local, 1, scenario);
        let begun = Instant::now();
        let error = local.customers.instance(&way, &instance(), Timestamp::now()).await.unwrap_err();
        assert_eq!(error.refusal, Refusal::Unreachable, "{error}");
        // Of the 20 seconds that AWS takes, and of the 29 that API Gateway waits.
        assert!(begun.elapsed() < Duration::from_secs(19));
    }
}
