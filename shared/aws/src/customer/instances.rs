//! The list of instances: where an instance is, and what that says of a call about it that AWS refused.

use aws_sdk_ssoadmin::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssoadmin::types::RegionScope;
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use trustplane_domain::arn::InstanceArn;
use trustplane_domain::connection::{Listed, Refusal, Said};

use super::{AccessPath, Customers, Organizations, Session, SsoAdmin};
use crate::error::{CustomerError, refusal};

/// Pages of ListInstances that are looked through: an account sees a handful of instances.
const PAGES: usize = 10;

/// The IAM action of the list.
const LIST: &str = "sso:ListInstances";

impl Customers {
    /// The error of a refused call about the instance `arn`, or what the list of instances says instead: AWS denies a call about
    /// an instance that does not exist, or is in another region, as it denies one that the role may not make.
    pub(super) async fn located(
        &self,
        path: &AccessPath,
        session: &Session,
        arn: &InstanceArn,
        error: CustomerError,
    ) -> CustomerError {
        let region = self.region(path);
        let is_asked = |primary: &str| region.as_ref().is_some_and(|region| region.as_ref() == primary);
        let here = match &error.refusal {
            refusal @ (Refusal::Unreachable | Refusal::SessionOver | Refusal::RegionDisabled) => Err(refusal.clone()),
            _ => listed(&session.sso_admin, arn, false).await.answer,
        };
        let refusal = match here {
            Ok(Some(Listed { region: Some(primary), .. })) if !is_asked(&primary) => Refusal::WrongRegion(primary),
            Ok(Some(found)) => return self.of_instance(path, session, &found, error).await,
            Ok(None) => elsewhere(listed(&session.sso_admin, arn, true).await, is_asked),
            // A region that does not exist does not answer, and one that is not enabled does not accept the session.
            Err(Refusal::Unreachable | Refusal::SessionOver | Refusal::RegionDisabled)
                if region.as_ref() != self.sdk.region() =>
            {
                let home = self.sso_admin(path, self.sdk.region().cloned(), &session.credentials, None);
                match listed(&home, arn, true).await.answer {
                    Ok(Some(Listed { region: Some(primary), .. })) if !is_asked(&primary) => {
                        Refusal::WrongRegion(primary)
                    }
                    _ => return error,
                }
            }
            Err(refusal) if refusal.is_passing() && refusal != error.refusal => refusal,
            Err(_) => return error,
        };
        let action = match &refusal {
            Refusal::NotFound | Refusal::WrongRegion(_) => error.action,
            _ => LIST,
        };
        CustomerError::new(action, refusal, format!("the list of instances, after {error}"))
    }

    /// The error of a call about an instance that is in its region: one that is not active has no operations, and one that an
    /// account owns has none of an organization.
    async fn of_instance(
        &self,
        path: &AccessPath,
        session: &Session,
        found: &Listed,
        error: CustomerError,
    ) -> CustomerError {
        if error.action == "sso:DescribeInstance" {
            return error;
        }
        if !matches!(found.status.as_str(), "" | "ACTIVE") {
            return error.with(Refusal::NotActive(found.status.clone()));
        }
        let organizations = self.organizations(path, session, None);
        match management_account(&organizations).await.answer {
            Ok(management) if management.as_ref() != Some(&found.owner_account) => error.with(Refusal::AccountInstance),
            _ => error,
        }
    }
}

/// The meaning of an instance that its region does not list.
fn elsewhere(anywhere: Said<Option<Listed>>, is_asked: impl Fn(&str) -> bool) -> Refusal {
    match anywhere.answer {
        Ok(Some(Listed { region: Some(primary), .. })) if is_asked(&primary) => Refusal::NotVisible,
        Ok(Some(Listed { region: Some(primary), .. })) => Refusal::WrongRegion(primary),
        Ok(Some(Listed { region: None, .. })) => Refusal::ListIncomplete,
        Ok(None) => Refusal::NotFound,
        Err(refusal) => refusal,
    }
}

/// Looks an instance up in the list of its region, or of all regions.
pub(super) async fn listed(sso_admin: &SsoAdmin, arn: &InstanceArn, anywhere: bool) -> Said<Option<Listed>> {
    let scope = anywhere.then_some(RegionScope::AllRegions);
    let (mut next, mut request_id) = (None, None);
    for _ in 0..PAGES {
        let with_token = next.is_some();
        let page = sso_admin.list_instances().set_region_scope(scope.clone()).set_next_token(next).send().await;
        let page = said_of_page(page, with_token);
        request_id = page.request_id;
        let page = match page.answer {
            Ok(page) => page,
            Err(refusal) => return Said { answer: Err(refusal), request_id },
        };
        if let Some(found) = page.instances().iter().find(|instance| instance.instance_arn() == Some(arn.as_str())) {
            let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
            let found = Listed {
                owner_account: text(found.owner_account_id()),
                status: text(found.status().map(|status| status.as_str())),
                region: found.primary_region().map(ToOwned::to_owned),
            };
            return Said { answer: Ok(Some(found)), request_id };
        }
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Said { answer: Ok(None), request_id };
        }
    }
    Said { answer: Err(Refusal::ListIncomplete), request_id }
}

/// The management account of the organization that the role is in; none of an account that is in no organization.
pub(super) async fn management_account(organizations: &Organizations) -> Said<Option<String>> {
    let described = said(organizations.describe_organization().send().await);
    match described.answer {
        Err(Refusal::NoOrganization) => Said { answer: Ok(None), request_id: described.request_id },
        _ => described.map(|described| described.organization?.master_account_id),
    }
}

/// The result of a call, with its request id.
pub(super) fn said<T, E>(result: Result<T, SdkError<E, HttpResponse>>) -> Said<T>
where
    T: RequestId,
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    said_of_page(result, false)
}

/// The result of a call that may carry a page token, with its request id.
fn said_of_page<T, E>(result: Result<T, SdkError<E, HttpResponse>>, with_token: bool) -> Said<T>
where
    T: RequestId,
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match result {
        Ok(output) => Said { request_id: output.request_id().map(ToOwned::to_owned), answer: Ok(output) },
        Err(error) => {
            Said { request_id: error.request_id().map(ToOwned::to_owned), answer: Err(refusal(&error, with_token)) }
        }
    }
}
