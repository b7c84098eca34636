use proptest::prelude::*;

use super::*;
use crate::Timestamp;
use crate::arn::{InstanceArn, RoleArn};
use crate::connection::{Denial, Described, Health, InstanceFacts, KmsReason, PolicyKind, Report, Settings};
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
        assumed_without: no(Refusal::denied()),
        assumed_with_another: no(Refusal::denied()),
        is_controlled: true,
        caller_account: Some(ok(ACCOUNT.to_owned())),
        listed: Some(ok(Some(listed(ACCOUNT)))),
        listed_anywhere: None,
        management_account: Some(ok(Some(ACCOUNT.to_owned()))),
        described: Some(ok(described())),
        permission_sets: Some(ok(())),
        delegated: None,
        reading: ACTIONS.iter().map(|action| (*action, Some(ok(())))).collect(),
    }
}

const ACTIONS: [&str; 2] = ["organizations:ListAccounts", "sso:DescribePermissionSet"];

fn by_policy(arn: Option<&str>) -> Refusal {
    let by = Some(PolicyKind::ServiceControl);
    Refusal::Denied(Denial { by, explicit: true, policy_arn: arn.map(ToOwned::to_owned), action: None })
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
    assert!(report.success && report.health() == Some(Health::Healthy));
    assert_eq!(healthy().kind(), Some(InstanceKind::Organization));
}

#[test]
fn a_rotation_is_told_from_a_lockout() {
    let with = |current: Said<()>, pending: Said<()>| Observed {
        assumed: current,
        assumed_pending: Some(pending),
        ..healthy()
    };
    let denied = || no(Refusal::denied());
    assert!(report(&with(ok(()), ok(()))).checks.iter().all(|check| check.code.is_none()));
    assert_eq!(wrong(&with(ok(()), denied())).1, Code::PendingExternalIdNotTrusted);
    assert_eq!(wrong(&with(denied(), ok(()))).1, Code::CurrentExternalIdNotTrusted);
    assert_eq!(wrong(&with(denied(), denied())), (CheckId::AssumeRole, Code::AssumeRoleDenied));
    assert!(report(&with(denied(), ok(()))).success);
    // After the commit, with a trust policy that does not count yet.
    let late = Observed { assumed: denied(), assumed_retired: Some(ok(())), ..healthy() };
    assert_eq!(wrong(&late), (CheckId::AssumeRole, Code::CurrentExternalIdNotTrusted));
    assert!(report(&late).success);
    // What STS did not say is nobody's trust policy.
    let unknown = || no(Refusal::Throttled);
    for current in [ok(()), denied(), unknown()] {
        for pending in [ok(()), denied(), unknown()] {
            let is_unknown = [&current, &pending].iter().any(|said| !said.is_denied() && said.answer.is_err());
            if is_unknown {
                let found = checks(&with(current.clone(), pending)).swap_remove(0);
                assert_eq!((found.status, found.code), (CheckStatus::Unavailable, Some(Code::StsUnreachable)));
            }
        }
    }
    let unanswered = Observed { assumed: denied(), assumed_retired: Some(unknown()), ..healthy() };
    assert_eq!(checks(&unanswered).swap_remove(0).status, CheckStatus::Unavailable);
    let out = Observed { assumed: denied(), assumed_retired: Some(denied()), ..healthy() };
    assert_eq!(wrong(&out), (CheckId::AssumeRole, Code::AssumeRoleDenied));
}

#[test]
fn an_instance_in_no_organization_is_an_accounts_own() {
    let alone = Observed { management_account: Some(ok(None)), permission_sets: None, ..healthy() };
    assert_eq!(wrong(&alone), (CheckId::InstanceKind, Code::AccountInstance));
    assert_eq!((report(&alone).success, report(&alone).health()), (true, Some(Health::Degraded)));
}

#[test]
fn a_delegated_administrator_without_the_permission_is_no_member() {
    let denied = Observed {
        listed: Some(ok(Some(listed("111122223333")))),
        management_account: Some(ok(Some("111122223333".to_owned()))),
        permission_sets: Some(no(Refusal::denied())),
        ..healthy()
    };
    let delegated = |said| Observed { delegated: Some(said), ..denied.clone() };
    assert_eq!(wrong(&delegated(ok(true))), (CheckId::PermissionSets, Code::PermissionMissing));
    assert_eq!(wrong(&delegated(ok(false))), (CheckId::InstanceKind, Code::NotDelegatedAdmin));
    assert_eq!(wrong(&delegated(no(Refusal::denied()))), (CheckId::InstanceKind, Code::NotDelegatedAdmin));
    for refusal in [Refusal::Throttled, Refusal::Unavailable, Refusal::Unreachable] {
        let found = checks(&delegated(no(refusal)));
        assert_eq!((found[5].status, found[6].status), (CheckStatus::Unavailable, CheckStatus::Skipped));
    }
    // Only the test asks for it: a reading does not need it.
    let lists = Observed { permission_sets: Some(ok(())), ..delegated(no(Refusal::denied())) };
    assert_eq!(wrong(&lists), (CheckId::InstanceKind, Code::PermissionMissing));
    let found = checks(&lists);
    assert!(found[5].message.contains("Only this test asks for it") && found[5].status == CheckStatus::Warn);
    assert_eq!(found[6].status, CheckStatus::Pass);
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
    let denied = Observed { assumed: no(Refusal::denied()), ..healthy() };
    assert_eq!(shared(&denied).code, Some(Code::AssumeRoleDenied));
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::denied()),
        Just(by_policy(None)),
        Just(Refusal::SessionOver),
        Just(Refusal::RegionDisabled),
        Just(Refusal::Platform("SignatureDoesNotMatch".to_owned())),
        Just(Refusal::Kms(KmsReason::Disabled)),
        Just(Refusal::Throttled),
        Just(Refusal::Unavailable),
        Just(Refusal::Unreachable),
        Just(Refusal::Other("SomeException".to_owned())),
        Just(Refusal::Internal("the reason".to_owned())),
        Just(Refusal::ListIncomplete),
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
        (
            proptest::option::weighted(0.9, said(vec![()])),
            proptest::option::of(said(vec![true, false])),
            proptest::option::of(said(vec![()])).prop_map(|said| vec![("organizations:ListAccounts", said)]),
        ),
    )
        .prop_map(|(assumed, (caller_account, listed, listed_anywhere), management_account, described, sets)| {
            Observed {
                assumed: assumed.0,
                assumed_pending: assumed.1,
                assumed_retired: assumed.2,
                assumed_without: assumed.3,
                assumed_with_another: assumed.4,
                is_controlled: true,
                caller_account,
                listed,
                listed_anywhere,
                management_account,
                described,
                permission_sets: sets.0,
                delegated: sets.1,
                reading: sets.2,
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
            let wrong = matches!(check.status, CheckStatus::Fail | CheckStatus::Warn | CheckStatus::Unavailable);
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
            if matches!(status(needed), Some(CheckStatus::Fail | CheckStatus::Unavailable | CheckStatus::Skipped)) {
                prop_assert_eq!(status(id), Some(CheckStatus::Skipped));
            }
        }
        if !observed.is_own_role() {
            prop_assert_eq!(status(CheckId::AccountMatch), Some(CheckStatus::Skipped));
        }
        let some = |status| report.checks.iter().any(|check| check.status == status);
        let (failed, unavailable) = (some(CheckStatus::Fail), some(CheckStatus::Unavailable));
        prop_assert_eq!(report.success, !failed && !unavailable);
        prop_assert_eq!(report.health().is_none(), unavailable);
        prop_assert!(report.health() != Some(Health::Healthy) || report.success);
        prop_assert_eq!(report.retry_after().is_some(), unavailable);
        // What an answer that did not come decides is not the customer's fault.
        let code = |id: CheckId| report.checks.iter().find(|check| check.id == id).and_then(|check| check.code);
        let is_passing = |said: &Said<()>| said.answer.as_ref().is_err_and(Refusal::is_passing);
        let (current, pending) = (&observed.assumed, observed.assumed_pending.as_ref());
        let is_out = current.is_denied() && pending.is_none_or(Said::is_denied);
        let retired = observed.assumed_retired.as_ref().filter(|_| is_out);
        if [Some(current), pending, retired].into_iter().flatten().any(is_passing) {
            let blaming = [Code::AssumeRoleDenied, Code::PendingExternalIdNotTrusted, Code::CurrentExternalIdNotTrusted];
            prop_assert!(!code(CheckId::AssumeRole).is_some_and(|code| blaming.contains(&code)), "{:?}", report.checks[0]);
        }
        let is_delegated_unknown = observed.delegated.as_ref().is_some_and(|said| said.answer.as_ref().is_err_and(Refusal::is_passing));
        if is_delegated_unknown && code(CheckId::InstanceKind) == Some(Code::NotDelegatedAdmin) {
            prop_assert!(false, "{:?}", report.checks[5]);
        }
    }

    /// An outage leaves what is known about the connection as it was.
    #[test]
    fn an_outage_changes_nothing_that_is_known(refusal in refusal()) {
        let report = report(&Observed { listed: Some(no(refusal.clone())), ..healthy() });
        prop_assert_eq!(report.health().is_none(), refusal.is_passing());
        let mut before = connection();
        before.role_proven = true;
        before.health = Some(Health::Healthy);
        before.last_verified_at = Some(Timestamp::from_millis(-1));
        let mut after = before.tested(&report);
        // The time of the next check is all that changes.
        prop_assert!(after.next_check_at.is_some());
        (after.next_check_at, after.unanswered_checks) = (None, 0);
        prop_assert_eq!(after == before, refusal.is_passing());
    }
}

/// A region that is not enabled, a replica, an instance that was just made.
#[test]
fn a_region_that_is_not_the_instances_home_is_told_from_one_that_is_not_enabled() {
    let at = |region: &str| Some(Listed { region: Some(region.to_owned()), ..listed(ACCOUNT) });
    let with = |listed, anywhere| Observed { listed: Some(listed), listed_anywhere: anywhere, ..healthy() };
    for refusal in [Refusal::SessionOver, Refusal::RegionDisabled] {
        let elsewhere = with(no(refusal.clone()), Some(ok(at("eu-west-1"))));
        assert_eq!(wrong(&elsewhere), (CheckId::InstanceVisible, Code::WrongRegion));
        let here = with(no(refusal.clone()), Some(ok(at("us-east-1"))));
        assert_eq!(wrong(&here), (CheckId::InstanceVisible, Code::RegionNotEnabled));
        assert_eq!(wrong(&with(no(refusal), Some(ok(None)))).1, Code::RegionNotEnabled);
    }
    // A row without a region does not say that the instance is gone.
    let unnamed = with(ok(None), Some(ok(Some(Listed { region: None, ..listed(ACCOUNT) }))));
    assert_eq!(wrong(&unnamed), (CheckId::InstanceVisible, Code::AwsUnavailable));
    assert!(report(&unnamed).health().is_none());
    let replica = with(ok(at("eu-west-1")), None);
    assert_eq!(wrong(&replica), (CheckId::InstanceVisible, Code::WrongRegion));
    let found = checks(&replica).into_iter().find(|check| check.id == CheckId::InstanceVisible).unwrap();
    assert_eq!(found.details.unwrap()["region"], "eu-west-1");
    let new = with(ok(None), Some(ok(at("us-east-1"))));
    assert_eq!(wrong(&new), (CheckId::InstanceVisible, Code::InstanceNotVisible));
    assert_eq!(report(&new).health(), Some(Health::Degraded));
    // Without a saved region the platform's is asked.
    let mut unset = connection();
    unset.settings.region = None;
    let checks = judge(&unset, &deployment(), Some(&replica));
    assert!(checks.iter().all(|check| check.code.is_none()), "{checks:?}");
}

#[test]
fn a_policy_of_the_organization_is_named() {
    let arn = "arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd";
    let observed = Observed { listed: Some(no(by_policy(Some(arn)))), ..healthy() };
    assert_eq!(wrong(&observed), (CheckId::InstanceVisible, Code::NetworkRestricted));
    let found = checks(&observed).into_iter().find(|check| check.code.is_some()).unwrap();
    let advice = found.remediation.unwrap();
    for text in [arn, "aws:RequestedRegion", "aws:SourceIp"] {
        assert!(advice.contains(text), "{text}: {advice}");
    }
    assert!(found.message.contains(arn) && found.details.unwrap()["policy_arn"] == arn);
}

#[test]
fn the_platforms_own_fault_is_nobody_elses() {
    let session = Observed { caller_account: Some(no(Refusal::SessionOver)), ..healthy() };
    let found = checks(&session).into_iter().find(|check| check.code.is_some()).unwrap();
    assert_eq!((found.code, found.status), (Some(Code::PlatformFault), CheckStatus::Unavailable));
    for refusal in [
        Refusal::Intermediary(403),
        Refusal::Platform("InvalidSignatureException".to_owned()),
        Refusal::Internal("a service control policy of the platform's own account denies it".to_owned()),
    ] {
        for observed in [
            Observed { listed: Some(no(refusal.clone())), ..healthy() },
            Observed { assumed: no(refusal.clone()), ..healthy() },
        ] {
            let found = checks(&observed).into_iter().find(|check| check.code.is_some()).unwrap();
            assert_eq!((found.code, found.status), (Some(Code::PlatformFault), CheckStatus::Unavailable));
            assert!(found.fields.is_empty() && found.remediation.unwrap().starts_with("Nothing in your account"));
            assert_eq!(found.details.unwrap()["acts"], "platform");
        }
    }
    let throttled = Observed { assumed: no(Refusal::Throttled), ..healthy() };
    let found = checks(&throttled).swap_remove(0);
    assert_eq!((found.code, found.status), (Some(Code::StsUnreachable), CheckStatus::Unavailable));
    assert!(found.fields.is_empty(), "{found:?}");
}

/// Calls that only a reading makes are tried, and named where they were not.
#[test]
fn what_only_a_reading_needs_is_a_warning() {
    let with = |accounts, sets| Observed { reading: vec![(ACTIONS[0], accounts), (ACTIONS[1], sets)], ..healthy() };
    let last = |observed: &Observed| checks(observed).pop().unwrap();
    let denied = last(&with(Some(no(Refusal::denied())), Some(no(Refusal::denied()))));
    assert_eq!((denied.status, denied.code), (CheckStatus::Warn, Some(Code::PermissionMissing)));
    let details = denied.details.unwrap();
    assert_eq!((&details["action"], details["actions"].as_array().unwrap().len()), (&ACTIONS[0].into(), 2));
    assert!(denied.message.contains("/v1/aws/sync") && denied.message.contains(ACTIONS[1]), "{}", denied.message);
    let untried = last(&with(Some(ok(())), None));
    assert_eq!(untried.status, CheckStatus::Pass);
    assert!(untried.message.contains("Not tried") && untried.message.contains(ACTIONS[1]), "{}", untried.message);
    assert_eq!(last(&with(Some(no(Refusal::Throttled)), None)).status, CheckStatus::Unavailable);
}
