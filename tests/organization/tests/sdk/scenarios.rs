use std::time::{Duration, Instant};

use aws_sdk_ssoadmin::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssoadmin::types::{
    AccessDeniedExceptionReason, InstanceStatus, KmsKeyStatus, RegionScope, ResourceNotFoundExceptionReason,
    ThrottlingExceptionReason, ValidationExceptionReason,
};
use trustplane_organization::{Fault, INSTANCE_ARN, KmsReason, MEMBER_ACCOUNT, Oddity, REGION, Reach, Scenario};

use crate::local::{As, EXTERNAL_ID, Local};

/// Tests that every scenario's role can be assumed, except for those that must not be.
#[tokio::test]
async fn scenarios_trust_what_they_should() {
    let local = Local::start().await;
    let client = local.sts(&As::platform());
    for (scenario, _) in Scenario::catalogue() {
        let assume = |external_id: Option<&str>| {
            let request = client.assume_role().role_arn(scenario.role_arn()).role_session_name("test");
            request.set_external_id(external_id.map(Into::into)).send()
        };
        let (open, closed) = (scenario == Scenario::ExternalIdNotEnforced, scenario == Scenario::NoTrust);
        let is_slow = scenario == Scenario::Odd(Oddity::SlowPropagation);
        if is_slow || matches!(scenario, Scenario::Fault(Reach::Sts, _)) {
            continue;
        }
        assert_eq!(assume(Some(EXTERNAL_ID)).await.is_ok(), !closed, "{scenario}");
        assert_eq!(assume(None).await.is_ok(), open, "{scenario}");
        assert_eq!(assume(Some("random")).await.is_ok(), open, "{scenario}");
    }
}

#[tokio::test]
async fn account_mismatch() {
    let local = Local::start().await;
    let caller = local.assume_scenario(&Scenario::AccountMismatch).await;
    let identity = local.sts(&caller).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(MEMBER_ACCOUNT));
}

#[tokio::test]
async fn wrong_region() {
    let local = Local::start().await;
    let caller = local.assume_scenario(&Scenario::WrongRegion).await;
    let client = local.sso_admin(&caller);
    assert!(client.list_instances().send().await.unwrap().instances().is_empty());
    let all = client.list_instances().region_scope(RegionScope::AllRegions).send().await.unwrap();
    assert_eq!(all.instances()[0].primary_region(), Some("eu-west-1"));
    let there = local.sso_admin(&caller.in_region("eu-west-1"));
    assert!(there.describe_instance().instance_arn(INSTANCE_ARN).send().await.is_ok());
}

#[tokio::test]
async fn the_instance_s_status() {
    let local = Local::start().await;
    for (scenario, status) in [
        (Scenario::InstanceCreating, InstanceStatus::CreateInProgress),
        (Scenario::InstanceCreateFailed, InstanceStatus::CreateFailed),
        (Scenario::InstanceDeleting, InstanceStatus::DeleteInProgress),
    ] {
        let client = local.sso_admin(&local.assume_scenario(&scenario).await);
        let described = client.describe_instance().instance_arn(INSTANCE_ARN).send().await.unwrap();
        assert_eq!(described.status(), Some(&status));
        assert_eq!(client.list_instances().send().await.unwrap().instances()[0].status(), Some(&status));
        assert!(client.list_permission_sets().instance_arn(INSTANCE_ARN).send().await.is_err());
    }
    let client = local.sso_admin(&local.assume_scenario(&Scenario::InstanceDeleted).await);
    let all = client.list_instances().region_scope(RegionScope::AllRegions).send().await.unwrap();
    assert!(all.instances().is_empty());
    let error = client.describe_instance().instance_arn(INSTANCE_ARN).send().await.unwrap_err();
    assert!(error.into_service_error().is_access_denied_exception());
}

#[tokio::test]
async fn account_instance() {
    let local = Local::start().await;
    let caller = local.assume_scenario(&Scenario::AccountInstance).await;
    let client = local.sso_admin(&caller);
    let described = client.describe_instance().instance_arn(INSTANCE_ARN).send().await.unwrap();
    assert_eq!(described.owner_account_id(), Some(MEMBER_ACCOUNT));
    assert_eq!(described.permission_sets_enabled(), Some(false));
    let organization = local.organizations(&caller).describe_organization().send().await.unwrap().organization.unwrap();
    assert_ne!(organization.master_account_id(), described.owner_account_id());
    let error = client.list_permission_sets().instance_arn(INSTANCE_ARN).send().await.unwrap_err();
    assert!(error.into_service_error().is_validation_exception());
}

#[tokio::test]
async fn what_kms_refuses_has_its_reason() {
    let local = Local::start().await;
    let sso = async |reason| local.sso_admin(&local.assume_scenario(&Scenario::Kms(reason)).await);
    let describe = async |reason| {
        let client = sso(reason).await;
        assert_eq!(client.list_instances().send().await.unwrap().instances().len(), 1);
        let error = client.describe_instance().instance_arn(INSTANCE_ARN).send().await.unwrap_err();
        error.into_service_error()
    };
    use aws_sdk_ssoadmin::operation::describe_instance::DescribeInstanceError as Error;
    let Error::AccessDeniedException(error) = describe(KmsReason::AccessDenied).await else { panic!() };
    assert_eq!(error.reason(), Some(&AccessDeniedExceptionReason::KmsAccessDeniedException));
    for (reason, expected) in [
        (KmsReason::Disabled, ValidationExceptionReason::KmsDisabledException),
        (KmsReason::InvalidState, ValidationExceptionReason::KmsInvalidStateException),
        (KmsReason::InvalidKeyUsage, ValidationExceptionReason::KmsInvalidKeyUsageException),
    ] {
        let Error::ValidationException(error) = describe(reason).await else { panic!("{reason:?}") };
        assert_eq!(error.reason(), Some(&expected));
    }
    let Error::ThrottlingException(error) = describe(KmsReason::Throttled).await else { panic!() };
    assert_eq!(error.reason(), Some(&ThrottlingExceptionReason::KmsThrottlingException));

    let client = sso(KmsReason::NotFound).await;
    let described = client.describe_instance().instance_arn(INSTANCE_ARN).send().await.unwrap();
    let encryption = described.encryption_configuration_details().unwrap();
    assert_eq!(encryption.encryption_status(), Some(&KmsKeyStatus::UpdateFailed));
    assert!(encryption.encryption_status_reason().is_some());
    let error = client.list_permission_sets().instance_arn(INSTANCE_ARN).send().await.unwrap_err().into_service_error();
    use aws_sdk_ssoadmin::operation::list_permission_sets::ListPermissionSetsError;
    let ListPermissionSetsError::ResourceNotFoundException(error) = error else { panic!() };
    assert_eq!(error.reason(), Some(&ResourceNotFoundExceptionReason::KmsNotFoundException));
}

#[tokio::test]
async fn network_restricted() {
    let local = Local::start().await;
    for (scenario, policy, lists) in [
        (Scenario::NetworkRestricted, "resource-based", true),
        (Scenario::NetworkRestrictedByPolicy, "service control", false),
    ] {
        let client = local.sso_admin(&local.assume_scenario(&scenario).await);
        assert_eq!(client.list_instances().send().await.is_ok(), lists);
        let error = client.describe_instance().instance_arn(INSTANCE_ARN).send().await.unwrap_err();
        let text = format!("on resource: {INSTANCE_ARN} with an explicit deny in a {policy} policy");
        assert!(error.message().unwrap().ends_with(&text), "{error:?}");
        assert!(error.into_service_error().is_access_denied_exception());
        assert!(client.list_permission_sets().instance_arn(INSTANCE_ARN).send().await.is_err());
    }
}

#[tokio::test]
async fn throttled() {
    let local = Local::start().await;
    let caller = local.assume_scenario(&Scenario::Fault(Reach::IdentityCenter, Fault::Throttled)).await.retrying();
    local.organization.clear_calls();
    let error = local.sso_admin(&caller).list_instances().send().await.unwrap_err();
    assert!(error.into_service_error().is_throttling_exception());
    assert_eq!(local.called(), ["ListInstances: ThrottlingException"; 3]);
    let error = local.organizations(&caller).describe_organization().send().await.unwrap_err();
    assert!(error.into_service_error().is_too_many_requests_exception());

    let caller = local.assume_scenario(&Scenario::Fault(Reach::IdentityCenter, Fault::ThrottledTwice)).await.retrying();
    local.organization.clear_calls();
    for _ in 0..2 {
        assert_eq!(local.sso_admin(&caller).list_instances().send().await.unwrap().instances().len(), 1);
    }
    let three = ["ListInstances: ThrottlingException", "ListInstances: ThrottlingException", "ListInstances"];
    assert_eq!(local.called(), [three, three].concat());
}

#[tokio::test]
async fn unreachable() {
    let local = Local::start().await;
    let caller = local.assume_scenario(&Scenario::Fault(Reach::IdentityCenter, Fault::Unreachable)).await;
    let error = local.sso_admin(&caller).list_instances().send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert_eq!(local.called().last().unwrap(), "ListInstances: no reply");

    let role_arn = Scenario::Fault(Reach::Sts, Fault::Unreachable).role_arn();
    let request = local.sts(&As::platform()).assume_role().role_arn(role_arn).role_session_name("test");
    let error = request.external_id(EXTERNAL_ID).send().await.unwrap_err();
    assert!(matches!(error, aws_sdk_sts::error::SdkError::DispatchFailure(_)), "{error:?}");
}

#[tokio::test]
async fn internal_failure() {
    let local = Local::start().await;
    let caller = local.assume_scenario(&Scenario::Fault(Reach::IdentityCenter, Fault::InternalFailure)).await;
    let error = local.sso_admin(&caller).list_instances().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert!(error.into_service_error().is_internal_server_exception());
    let error = local.organizations(&caller).describe_organization().send().await.unwrap_err();
    assert!(error.into_service_error().is_service_exception());
    let role_arn = Scenario::Fault(Reach::Sts, Fault::InternalFailure).role_arn();
    let request = local.sts(&As::platform()).assume_role().role_arn(role_arn).role_session_name("test");
    let error = request.external_id(EXTERNAL_ID).send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert_eq!(error.code(), Some("InternalFailure"));
}

/// Tests that calls with the scenario's role are slow, while others are not.
#[tokio::test]
async fn slow() {
    let local = Local::start().await;
    let second = Duration::from_secs(1);
    let caller = local.assume_scenario(&Scenario::Fault(Reach::IdentityCenter, Fault::Slow(second))).await;
    let healthy = local.assume_scenario(&Scenario::Healthy).await;
    let started = Instant::now();
    let (slow_client, client) = (local.sso_admin(&caller), local.sso_admin(&healthy));
    let slow = async {
        slow_client.list_instances().send().await.unwrap();
        "slow"
    };
    let fast = async {
        client.list_instances().send().await.unwrap();
        "fast"
    };
    tokio::select! { biased; one = slow => panic!("{one}"), one = fast => assert_eq!(one, "fast") }
    assert_eq!(slow_client.list_instances().send().await.unwrap().instances()[0].primary_region(), Some(REGION));
    assert!(started.elapsed() >= second);
}

#[tokio::test]
async fn sts_throttled() {
    let local = Local::start().await;
    let client = local.sts(&As::platform().retrying());
    let assume = |fault| {
        let role_arn = Scenario::Fault(Reach::Sts, fault).role_arn();
        let request = client.assume_role().role_arn(role_arn).role_session_name("test");
        request.external_id(EXTERNAL_ID).send()
    };
    assert_eq!(assume(Fault::Throttled).await.unwrap_err().code(), Some("Throttling"));
    assert_eq!(local.called(), ["AssumeRole: Throttling"; 3]);
    local.organization.clear_calls();
    assert!(assume(Fault::ThrottledTwice).await.is_ok());
    assert_eq!(local.called(), ["AssumeRole: Throttling", "AssumeRole: Throttling", "AssumeRole"]);
}
