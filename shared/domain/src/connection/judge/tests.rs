use proptest::prelude::*;

use super::*;
use crate::Timestamp;
use crate::arn::{InstanceArn, RoleArn};
use crate::connection::{Described, Health, InstanceFacts, Report, Settings};
use crate::ids::ExternalId;
use crate::region::{AccountId, Region};

const ACCOUNT: &str = "123456789012";

fn connection() -> Connection {
    let settings = Settings {
        sso_instance_arn: InstanceArn::parse("arn:aws:sso:::instance/ssoins-0123456789abcdef0").ok(),
        role_arn: RoleArn::parse("arn:aws:iam::123456789012:role/Reader").ok(),
        region: Region::parse("us-east-1").ok(),
    };
    Connection::new(ExternalId::from_random([1; 16])).saved(settings)
}

fn deployment() -> Deployment {
    Deployment { account: AccountId::parse("000000000000").unwrap(), region: Region::parse("eu-west-1").unwrap() }
}

fn ok<T>(answer: T) -> Said<T> {
    Said { answer: Ok(answer), request_id: Some("request".to_owned()) }
}

fn no<T>(refusal: Refusal) -> Said<T> {
    Said { answer: Err(refusal), request_id: Some("request".to_owned()) }
}

fn listed(owner: &str) -> Listed {
    Listed { owner_account: owner.to_owned(), status: "ACTIVE".to_owned(), region: Some("us-east-1".to_owned()) }
}

fn described() -> Described {
    let facts = InstanceFacts {
        instance_id: "ssoins-0123456789abcdef0".to_owned(),
        identity_store_id: "d-1234567890".to_owned(),
        owner_account: ACCOUNT.to_owned(),
        name: None,
        status: "ACTIVE".to_owned(),
        regions: Vec::new(),
        kind: None,
        seen_at: Timestamp::from_millis(0),
    };
    Described { facts, status_reason: None, encryption_failed: None }
}

fn healthy() -> Observed {
    Observed {
        assumed: ok(()),
        assumed_pending: None,
        assumed_retired: None,
        assumed_without: no(Refusal::Denied),
        assumed_with_another: no(Refusal::Denied),
        caller_account: Some(ok(ACCOUNT.to_owned())),
        listed: Some(ok(Some(listed(ACCOUNT)))),
        listed_anywhere: None,
        management_account: Some(ok(Some(ACCOUNT.to_owned()))),
        described: Some(ok(described())),
        permission_sets: Some(ok(())),
        delegated: None,
    }
}

fn checks(observed: &Observed) -> Vec<Check> {
    judge(&connection(), &deployment(), Some(observed))
}

fn report(observed: &Observed) -> Report {
    Report::new(checks(observed), 1, Timestamp::from_millis(0), 0)
}

/// The code of the one check that is wrong, and which that is.
fn wrong(observed: &Observed) -> (CheckId, Code) {
    let found = checks(observed).into_iter().find_map(|check| Some((check.id, check.code?)));
    found.unwrap_or_else(|| panic!("nothing is wrong: {observed:?}"))
}

#[test]
fn nothing_is_wrong_with_a_healthy_connection() {
    let report = report(&healthy());
    assert!(report.checks.iter().all(|check| check.status == CheckStatus::Pass), "{report:?}");
    assert!(report.success && report.health() == Health::Healthy);
    assert_eq!(healthy().kind(), Some(InstanceKind::Organization));
}

#[test]
fn a_rotation_is_told_from_a_lockout() {
    let with = |current: Said<()>, pending: Said<()>| Observed {
        assumed: current,
        assumed_pending: Some(pending),
        ..healthy()
    };
    let denied = || no(Refusal::Denied);
    assert!(report(&with(ok(()), ok(()))).checks.iter().all(|check| check.code.is_none()));
    assert_eq!(wrong(&with(ok(()), denied())).1, Code::PendingExternalIdNotTrusted);
    assert_eq!(wrong(&with(denied(), ok(()))).1, Code::CurrentExternalIdNotTrusted);
    assert_eq!(wrong(&with(denied(), denied())), (CheckId::AssumeRole, Code::AssumeRoleDenied));
    assert!(report(&with(denied(), ok(()))).success);
    // After the commit, with a trust policy that does not count yet.
    let late = Observed { assumed: denied(), assumed_retired: Some(ok(())), ..healthy() };
    assert_eq!(wrong(&late), (CheckId::AssumeRole, Code::CurrentExternalIdNotTrusted));
    assert!(report(&late).success);
    let out = Observed { assumed: denied(), assumed_retired: Some(denied()), ..healthy() };
    assert_eq!(wrong(&out), (CheckId::AssumeRole, Code::AssumeRoleDenied));
}

#[test]
fn an_instance_in_no_organization_is_an_accounts_own() {
    let alone = Observed { management_account: Some(ok(None)), permission_sets: None, ..healthy() };
    assert_eq!(wrong(&alone), (CheckId::InstanceKind, Code::AccountInstance));
    assert_eq!((report(&alone).success, report(&alone).health()), (true, Health::Degraded));
}

#[test]
fn a_delegated_administrator_without_the_permission_is_no_member() {
    let denied = Observed {
        listed: Some(ok(Some(listed("111122223333")))),
        management_account: Some(ok(Some("111122223333".to_owned()))),
        permission_sets: Some(no(Refusal::Denied)),
        ..healthy()
    };
    let delegated = |said| Observed { delegated: Some(said), ..denied.clone() };
    assert_eq!(wrong(&delegated(ok(true))), (CheckId::PermissionSets, Code::PermissionMissing));
    assert_eq!(wrong(&delegated(ok(false))), (CheckId::InstanceKind, Code::NotDelegatedAdmin));
    assert_eq!(wrong(&delegated(no(Refusal::Denied))), (CheckId::InstanceKind, Code::NotDelegatedAdmin));
}

#[test]
fn encryption_that_failed_is_told_with_awss_reason() {
    let mut described = described();
    described.encryption_failed = Some("the reason".to_owned());
    let failed = Observed { described: Some(ok(described)), ..healthy() };
    assert_eq!(wrong(&failed), (CheckId::InstanceActive, Code::KmsUpdateFailed));
    let gone = Observed { permission_sets: Some(no(Refusal::Kms(KmsReason::NotFound))), ..failed };
    assert_eq!(wrong(&gone), (CheckId::InstanceActive, Code::KmsNotFound));
    assert!(checks(&gone).iter().any(|check| check.message.contains("the reason")));
}

#[test]
fn only_a_check_that_passed_says_that_the_role_is_shared() {
    let shared = |observed: &Observed| checks(observed).swap_remove(0).shared(&connection(), &deployment());
    assert_eq!(shared(&healthy()).code, Some(Code::RoleShared));
    let denied = Observed { assumed: no(Refusal::Denied), ..healthy() };
    assert_eq!(shared(&denied).code, Some(Code::AssumeRoleDenied));
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::Denied),
        Just(Refusal::NetworkRestricted),
        Just(Refusal::Kms(KmsReason::Disabled)),
        Just(Refusal::Throttled),
        Just(Refusal::Unavailable),
        Just(Refusal::Unreachable),
        Just(Refusal::Other("SomeException".to_owned())),
    ]
}

fn said<T: Clone + std::fmt::Debug + 'static>(answers: Vec<T>) -> impl Strategy<Value = Said<T>> {
    let answer = prop_oneof![3 => proptest::sample::select(answers).prop_map(Ok), 1 => refusal().prop_map(Err)];
    answer.prop_map(|answer| Said { answer, request_id: None })
}

fn observed() -> impl Strategy<Value = Observed> {
    let text = |text: &str| text.to_owned();
    let account = || said(vec![text(ACCOUNT), text("111122223333")]);
    let listing = || said(vec![None, Some(listed(ACCOUNT)), Some(listed("111122223333"))]);
    let option = |strategy| proptest::option::weighted(0.9, strategy);
    (
        (
            said(vec![()]),
            proptest::option::of(said(vec![()])),
            proptest::option::of(said(vec![()])),
            said(vec![()]),
            said(vec![()]),
        ),
        (option(account().boxed()), proptest::option::weighted(0.9, listing()), proptest::option::of(listing())),
        proptest::option::weighted(0.9, said(vec![None, Some(text(ACCOUNT)), Some(text("111122223333"))])),
        proptest::option::weighted(0.9, said(vec![described()])),
        (proptest::option::weighted(0.9, said(vec![()])), proptest::option::of(said(vec![true, false]))),
    )
        .prop_map(|(assumed, (caller_account, listed, listed_anywhere), management_account, described, sets)| {
            Observed {
                assumed: assumed.0,
                assumed_pending: assumed.1,
                assumed_retired: assumed.2,
                assumed_without: assumed.3,
                assumed_with_another: assumed.4,
                caller_account,
                listed,
                listed_anywhere,
                management_account,
                described,
                permission_sets: sets.0,
                delegated: sets.1,
            }
        })
}

proptest! {
    /// Whatever AWS says: every check is there once, what is wrong says what to do, what needs a failed check is skipped,
    /// and a role that is not proven to be the tenant's own is not looked through.
    #[test]
    fn a_report_holds_together(observed in observed()) {
        let report = report(&observed);
        let ids: Vec<CheckId> = report.checks.iter().map(|check| check.id).collect();
        prop_assert_eq!(ids, CheckId::ALL);
        for check in &report.checks {
            let wrong = matches!(check.status, CheckStatus::Fail | CheckStatus::Warn);
            prop_assert_eq!(check.code.is_some(), wrong);
            prop_assert_eq!(check.remediation.is_some(), wrong);
            prop_assert!(!check.message.is_empty());
        }
        let status = |id: CheckId| report.checks.iter().find(|check| check.id == id).map(|check| check.status);
        let needs = [
            (CheckId::AccountMatch, CheckId::AssumeRole),
            (CheckId::AccountMatch, CheckId::ExternalIdEnforced),
            (CheckId::InstanceVisible, CheckId::AccountMatch),
            (CheckId::InstanceActive, CheckId::InstanceVisible),
            (CheckId::InstanceKind, CheckId::InstanceVisible),
            (CheckId::PermissionSets, CheckId::InstanceActive),
        ];
        for (id, needed) in needs {
            if matches!(status(needed), Some(CheckStatus::Fail | CheckStatus::Skipped)) {
                prop_assert_eq!(status(id), Some(CheckStatus::Skipped));
            }
        }
        if !observed.is_own_role() {
            prop_assert_eq!(status(CheckId::AccountMatch), Some(CheckStatus::Skipped));
        }
        prop_assert_eq!(report.success, report.checks.iter().all(|check| check.status != CheckStatus::Fail));
        prop_assert_eq!(report.health() == Health::Broken, !report.success && report.health() != Health::Degraded);
    }

    /// A failure that is AWS's own breaks nothing.
    #[test]
    fn what_passes_by_itself_does_not_break_a_connection(refusal in refusal()) {
        let observed = Observed { listed: Some(no(refusal.clone())), ..healthy() };
        prop_assert_eq!(report(&observed).health() == Health::Degraded, refusal.is_passing());
    }
}
