use aws_sdk_organizations::error::ProvideErrorMetadata;
use aws_sdk_organizations::types::AccountStatus;
use trustplane_organization::{DELEGATED_ACCOUNT, MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT, ROLE_ARN, Scenario};

use crate::local::{EXTERNAL_ID, Local};

#[tokio::test]
async fn the_management_account_reads_everything() {
    let local = Local::start().await;
    let client = local.organizations(&local.assume(ROLE_ARN).await);
    let organization = client.describe_organization().send().await.unwrap().organization.unwrap();
    assert_eq!(organization.master_account_id(), Some(MANAGEMENT_ACCOUNT));
    assert_eq!(organization.id(), Some("o-a1b2c3d4e5"));

    let pages =
        client.list_accounts().into_paginator().page_size(4).send().collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(pages.len(), 2);
    let accounts: Vec<_> = pages.into_iter().flat_map(|page| page.accounts.unwrap()).collect();
    assert_eq!(accounts.len(), 6);
    assert_eq!(accounts.iter().filter(|one| one.status() == Some(&AccountStatus::Suspended)).count(), 1);
    let described = client.describe_account().account_id(MEMBER_ACCOUNT).send().await.unwrap().account.unwrap();
    assert_eq!(described.name(), Some("Example Workloads"));

    let delegated = client.list_delegated_administrators().service_principal("sso.amazonaws.com").send().await.unwrap();
    let ids: Vec<_> = delegated.delegated_administrators().iter().filter_map(|one| one.id()).collect();
    assert_eq!(ids, [DELEGATED_ACCOUNT]);
    assert_eq!(client.list_delegated_administrators().send().await.unwrap().delegated_administrators().len(), 2);
    let services = client.list_delegated_services_for_account().account_id(DELEGATED_ACCOUNT).send().await.unwrap();
    assert_eq!(services.delegated_services()[0].service_principal(), Some("sso.amazonaws.com"));
}

#[tokio::test]
async fn a_member_is_told_only_which_organization_it_is_in() {
    let local = Local::start().await;
    let client = local.organizations(&local.assume_scenario(&Scenario::MemberAccount).await);
    let organization = client.describe_organization().send().await.unwrap().organization.unwrap();
    assert_eq!(organization.master_account_id(), Some(MANAGEMENT_ACCOUNT));
    let error = client.list_accounts().send().await.unwrap_err();
    assert_eq!(error.message(), Some("You don't have permissions to access this resource."));
    assert!(error.into_service_error().is_access_denied_exception());
    let error = client.list_delegated_administrators().send().await.unwrap_err();
    assert!(error.into_service_error().is_access_denied_exception());

    let delegated = local.organizations(&local.assume_scenario(&Scenario::DelegatedAdministrator).await);
    assert!(delegated.list_accounts().send().await.is_ok());
}

#[tokio::test]
async fn errors_are_typed() {
    let local = Local::start().await;
    let client = local.organizations(&local.assume(ROLE_ARN).await);
    let error = client.describe_account().account_id("999999999999").send().await.unwrap_err();
    assert!(error.into_service_error().is_account_not_found_exception());
    let error = client.describe_account().account_id("12").send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_input_exception());
    let error = client.list_accounts().max_results(21).send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_input_exception());
    let error = client.list_delegated_services_for_account().account_id(MEMBER_ACCOUNT).send().await.unwrap_err();
    assert!(error.into_service_error().is_account_not_registered_exception());
    let error = client.list_roots().send().await.unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));

    local.organization.trust_role("arn:aws:iam::888888888888:role/Reader", &[EXTERNAL_ID]);
    let alone = local.organizations(&local.assume("arn:aws:iam::888888888888:role/Reader").await);
    let error = alone.describe_organization().send().await.unwrap_err();
    assert!(error.into_service_error().is_aws_organizations_not_in_use_exception());

    let missing = Scenario::MissingPermission("organizations:DescribeOrganization".into());
    let client = local.organizations(&local.assume_scenario(&missing).await);
    let error = client.describe_organization().send().await.unwrap_err();
    assert!(
        error
            .message()
            .unwrap()
            .contains("organizations:DescribeOrganization on resource: * because no identity-based")
    );
    assert!(error.into_service_error().is_access_denied_exception());
}
