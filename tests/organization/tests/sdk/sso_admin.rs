use aws_sdk_ssoadmin::error::ProvideErrorMetadata;
use aws_sdk_ssoadmin::operation::RequestId;
use aws_sdk_ssoadmin::types::{InstanceStatus, KmsKeyStatus, KmsKeyType, PrincipalType, RegionScope, RegionStatus};
use trustplane_organization::{
    DELEGATED_ACCOUNT, IDENTITY_STORE_ID, INSTANCE_ARN, MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT, OTHER_INSTANCE_ARN,
    OTHER_ROLE_ARN, REGION, ROLE_ARN, Scenario,
};

use crate::local::{As, EXTERNAL_ID, Local};

#[tokio::test]
async fn the_instance_is_listed_and_described() {
    let local = Local::start().await;
    let client = local.sso_admin(&local.assume(ROLE_ARN).await);
    let output = client.list_instances().send().await.unwrap();
    assert!(output.request_id().is_some());
    assert_eq!(output.instances().len(), 1);
    let listed = &output.instances()[0];
    assert_eq!(listed.instance_arn(), Some(INSTANCE_ARN));
    assert_eq!(listed.identity_store_id(), Some(IDENTITY_STORE_ID));
    assert_eq!(listed.owner_account_id(), Some(MANAGEMENT_ACCOUNT));
    assert_eq!(listed.status(), Some(&InstanceStatus::Active));
    assert_eq!(listed.primary_region(), Some(REGION));
    assert_eq!(listed.regions()[0].status(), Some(&RegionStatus::Active));
    assert!(listed.regions()[0].is_primary_region());
    assert_eq!(listed.created_date().unwrap().secs(), 1_710_408_413);

    let described = client.describe_instance().instance_arn(INSTANCE_ARN).send().await.unwrap();
    assert_eq!(described.identity_store_id(), Some(IDENTITY_STORE_ID));
    assert_eq!(described.status(), Some(&InstanceStatus::Active));
    assert_eq!(described.permission_sets_enabled(), Some(true));
    assert_eq!(described.identity_store_arn(), Some("arn:aws:identitystore::123456789012:identitystore/d-1234567890"));
    let encryption = described.encryption_configuration_details().unwrap();
    assert_eq!(encryption.key_type(), Some(&KmsKeyType::AwsOwnedKmsKey));
    assert_eq!(encryption.encryption_status(), Some(&KmsKeyStatus::Enabled));
}

#[tokio::test]
async fn an_instance_is_in_its_region_only() {
    let local = Local::start().await;
    let client = local.sso_admin(&local.assume(ROLE_ARN).await.in_region("eu-central-1"));
    assert!(client.list_instances().send().await.unwrap().instances().is_empty());
    let all = client.list_instances().region_scope(RegionScope::AllRegions).send().await.unwrap();
    assert_eq!(all.instances()[0].primary_region(), Some(REGION));
    let error = client.describe_instance().instance_arn(INSTANCE_ARN).send().await.unwrap_err();
    assert!(error.message().unwrap().contains("because the resource does not exist in this Region"));
    assert!(error.into_service_error().is_access_denied_exception());
}

#[tokio::test]
async fn permission_sets_need_two_pages() {
    let local = Local::start().await;
    let client = local.sso_admin(&local.assume(ROLE_ARN).await);
    let first = client.list_permission_sets().instance_arn(INSTANCE_ARN).send().await.unwrap();
    assert_eq!(first.permission_sets().len(), 10);
    let all = client.list_permission_sets().instance_arn(INSTANCE_ARN).into_paginator().page_size(5).items().send();
    let all = all.collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(all.len(), 12);
    assert_eq!(all[..10], first.permission_sets()[..]);

    let mut names = Vec::new();
    for arn in all {
        let request = client.describe_permission_set().instance_arn(INSTANCE_ARN).permission_set_arn(&arn);
        let set = request.send().await.unwrap().permission_set.unwrap();
        assert_eq!(set.permission_set_arn(), Some(arn.as_str()));
        names.push(set.name.unwrap());
    }
    assert!(names.is_sorted());
    assert_eq!(names[0], "AdministratorAccess");
}

#[tokio::test]
async fn assignments_are_the_same_from_every_side() {
    let local = Local::start().await;
    let client = local.sso_admin(&local.assume(ROLE_ARN).await);
    let sets = client.list_permission_sets().instance_arn(INSTANCE_ARN).into_paginator().items().send();
    let sets = sets.collect::<Result<Vec<_>, _>>().await.unwrap();
    let (mut by_account, mut count) = (Vec::new(), 0);
    for set in &sets {
        let request = client.list_accounts_for_provisioned_permission_set();
        let accounts =
            request.instance_arn(INSTANCE_ARN).permission_set_arn(set).send().await.unwrap().account_ids.unwrap();
        for account in accounts {
            let request = client.list_permission_sets_provisioned_to_account();
            let provisioned = request.instance_arn(INSTANCE_ARN).account_id(&account).send().await.unwrap();
            assert!(provisioned.permission_sets().contains(set));
            let request = client.list_account_assignments().instance_arn(INSTANCE_ARN);
            let request = request.account_id(&account).permission_set_arn(set).into_paginator().page_size(1);
            let assignments = request.items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
            assert!(!assignments.is_empty());
            count += assignments.len();
            by_account.extend(assignments);
        }
    }
    assert_eq!(count, 14);
    let group = by_account.iter().find(|one| one.principal_type() == Some(&PrincipalType::Group)).unwrap();
    let request = client.list_account_assignments_for_principal().instance_arn(INSTANCE_ARN);
    let request = request.principal_id(group.principal_id().unwrap()).principal_type(PrincipalType::Group);
    let of_group = request.send().await.unwrap();
    let expected = by_account.iter().filter(|one| one.principal_id() == group.principal_id()).count();
    assert_eq!(of_group.account_assignments().len(), expected);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let local = Local::start().await;
    for action in ["sso:ListInstances", "sso:DescribeInstance", "sso:ListPermissionSets"] {
        let client = local.sso_admin(&local.assume_scenario(&Scenario::MissingPermission(action.into())).await);
        let listed = client.list_instances().send().await.map_err(|error| error.into_service_error());
        let described = client.describe_instance().instance_arn(INSTANCE_ARN).send().await;
        let sets = client.list_permission_sets().instance_arn(INSTANCE_ARN).send().await;
        assert_eq!(listed.is_err(), action == "sso:ListInstances");
        assert_eq!(described.is_err(), action == "sso:DescribeInstance");
        assert_eq!(sets.is_err(), action == "sso:ListPermissionSets");
        if let Err(error) = listed {
            let text = "is not authorized to perform: sso:ListInstances on resource: * because no identity-based policy \
                        allows the sso:ListInstances action";
            assert!(error.message().unwrap().ends_with(text), "{error}");
            assert!(error.is_access_denied_exception());
        }
        if let Err(error) = described.map_err(|error| error.into_service_error()) {
            let text = format!(
                "User: arn:aws:sts::123456789012:assumed-role/missing-sso-DescribeInstance/test is not authorized to \
                 perform: sso:DescribeInstance on resource: {INSTANCE_ARN} because no identity-based policy allows the \
                 sso:DescribeInstance action"
            );
            assert_eq!(error.message(), Some(text.as_str()));
            assert!(error.is_access_denied_exception());
        }
    }
}

#[tokio::test]
async fn a_member_sees_the_instance_and_no_more() {
    let local = Local::start().await;
    for (account, may) in [(MEMBER_ACCOUNT, false), (DELEGATED_ACCOUNT, true), ("666677778888", false)] {
        let role_arn = format!("arn:aws:iam::{account}:role/Reader");
        local.organization.trust_role(&role_arn, &[EXTERNAL_ID]);
        let client = local.sso_admin(&local.assume(&role_arn).await);
        let listed = client.list_instances().send().await.unwrap();
        assert_eq!(listed.instances()[0].owner_account_id(), Some(MANAGEMENT_ACCOUNT));
        assert!(client.describe_instance().instance_arn(INSTANCE_ARN).send().await.is_ok());
        let sets = client.list_permission_sets().instance_arn(INSTANCE_ARN).send().await;
        assert_eq!(sets.is_ok(), may, "{account}");
        if let Err(error) = sets {
            assert!(error.message().unwrap().contains("no resource-based policies allow access"));
            assert!(error.into_service_error().is_access_denied_exception());
        }
    }
}

#[tokio::test]
async fn customers_do_not_see_each_other() {
    let local = Local::start().await;
    local.organization.trust_role(OTHER_ROLE_ARN, &[EXTERNAL_ID]);
    local.organization.trust_role("arn:aws:iam::888888888888:role/Reader", &[EXTERNAL_ID]);
    for (role_arn, mine, others) in [
        (ROLE_ARN, Some(INSTANCE_ARN), OTHER_INSTANCE_ARN),
        (OTHER_ROLE_ARN, Some(OTHER_INSTANCE_ARN), INSTANCE_ARN),
        ("arn:aws:iam::888888888888:role/Reader", None, INSTANCE_ARN),
    ] {
        let client = local.sso_admin(&local.assume(role_arn).await);
        let listed = client.list_instances().region_scope(RegionScope::AllRegions).send().await.unwrap();
        assert_eq!(listed.instances().first().and_then(|one| one.instance_arn()), mine);
        let error = client.describe_instance().instance_arn(others).send().await.unwrap_err();
        assert!(error.into_service_error().is_access_denied_exception());
        let error = client.list_permission_sets().instance_arn(others).send().await.unwrap_err();
        assert!(error.into_service_error().is_access_denied_exception());
    }
    let platform = local.sso_admin(&As::platform());
    assert!(platform.list_instances().send().await.unwrap().instances().is_empty());
    assert!(platform.describe_instance().instance_arn(INSTANCE_ARN).send().await.is_err());
}

#[tokio::test]
async fn input_is_validated() {
    let local = Local::start().await;
    let client = local.sso_admin(&local.assume(ROLE_ARN).await);
    let error = client.describe_instance().instance_arn("arn:aws:sso:::instance/x").send().await.unwrap_err();
    assert!(error.message().unwrap().contains("at 'instanceArn' failed to satisfy constraint"));
    assert!(error.into_service_error().is_validation_exception());
    let error = client.list_instances().max_results(101).send().await.unwrap_err();
    assert!(error.into_service_error().is_validation_exception());
    let error = client.list_permission_sets().instance_arn(INSTANCE_ARN).next_token("x").send().await.unwrap_err();
    assert!(error.into_service_error().is_validation_exception());
    let request = client.list_account_assignments().instance_arn(INSTANCE_ARN).account_id(MEMBER_ACCOUNT);
    let absent = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef0/ps-0000000000000000";
    let error = request.permission_set_arn(absent).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
    let error = client.list_applications().instance_arn(INSTANCE_ARN).send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
}
