mod model;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use self::model::*;
use super::*;
use crate::connection::KmsReason;

proptest! {
    /// Whatever AWS refuses at whatever call, whenever a run is killed or the settings change: what is shown is one complete
    /// round, and every round ends.
    #[test]
    fn what_is_shown_is_one_complete_round(seed in 1..u64::MAX, faults in 0..12_usize) {
        let mut random = Random(seed);
        let mut runner = Runner::default();
        let mut organization = random.organization();
        runner.request(&organization);
        // A thing is said not to exist once at most: a lie that is confirmed cannot be told from the truth.
        let mut lied = BTreeSet::new();
        let mut rounds = 0;
        for turns in 0.. {
            prop_assert!(turns < 20_000, "{:?}", runner.sync);
            if runner.ahead.step.is_none() {
                runner.flush();
                rounds += 1;
                if rounds == 4 {
                    break;
                }
                organization = random.organization();
                lied.clear();
                runner.request(&organization);
            }
            match random.below(100) {
                // The run is killed, and its lease ends.
                0 => runner.begin(),
                1 if random.below(10) == 0 => {
                    runner.sync = runner.sync.forgotten(at(runner.now)).unwrap();
                    prop_assert!(runner.shown().is_empty());
                    organization = random.organization();
                    lied.clear();
                    runner.request(&organization);
                }
                chance if chance < 2 + faults => {
                    let refusal = random.refusal();
                    let lies = refusal == Refusal::NotFound;
                    let repeats = random.below(10) == 0;
                    runner.turn(|ask| {
                        let about = match ask {
                            Ask::PermissionSet { arn: set } | Ask::AccountsOf { set, .. } | Ask::Assigned { set, .. } => set.clone(),
                            _ => String::new(),
                        };
                        if lies && (about.is_empty() || !lied.insert(about)) {
                            return organization.answer(ask);
                        }
                        match organization.answer(ask) {
                            Ok(Answer::Accounts(accounts, _)) if repeats => Ok(Answer::Accounts(accounts, Some("2".to_owned()))),
                            _ => Err(cause(refusal)),
                        }
                    });
                }
                _ => runner.turn(|ask| organization.answer(ask)),
            }
        }
        // Without faults the next one is complete, and nothing else is left.
        runner.request(&organization);
        runner.finish(&organization);
        prop_assert_eq!(runner.sync.status(), SyncStatus::Done);
        prop_assert_eq!(runner.shown(), organization.rows());
        let half = runner.sync.shown.unwrap().half;
        prop_assert!(runner.table.keys().all(|(of, _)| *of == half || runner.complete.len() > 1));
    }
}

/// The scale of the largest organizations: complete, unique, within the limits of DynamoDB, with an estimate.
#[test]
fn a_large_organization_is_read_within_the_limits() {
    let accounts: Vec<String> = (0..5_000).map(|n| format!("{:012}", 100_000_000_000_u64 + n)).collect();
    let sets: Vec<String> =
        (0..500).map(|n| format!("arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-{n:016}")).collect();
    let mut pairs = BTreeMap::new();
    for n in 0..20_000_usize {
        let pair = (sets[n % 500].clone(), accounts[(n / 4) % 5_000].clone());
        let users = if n == 0 { (0..10_000).map(user).collect() } else { (n..n + 5).map(user).collect() };
        pairs.insert(pair, users);
    }
    assert_eq!(pairs.len(), 20_000);
    let organization = Organization { accounts, sets, pairs, pages: [20, 100, 100, 100] };
    let mut runner = Runner::default();
    runner.request(&organization);
    let mut steps = BTreeSet::new();
    while runner.ahead.step.is_some() {
        let progress = runner.ahead.progress().unwrap();
        steps.insert(progress.step);
        assert!(progress.total.is_none_or(|total| progress.done <= total), "{progress:?}");
        if progress.step == "assignments" && progress.done > 0 {
            assert!(progress.estimated_seconds.is_some());
        }
        runner.turn(|ask| organization.answer(ask));
    }
    runner.flush();
    assert_eq!(runner.shown(), organization.rows());
    assert_eq!(steps.into_iter().collect::<Vec<_>>(), ["accounts", "assignments", "cleanup", "permission_sets"]);
    // 250 pages of accounts, 5 of sets, a description and a page of accounts per set, a page per pair and 99 more.
    let calls = 250 + 5 + 500 + 500 + 20_000 + 99;
    assert_eq!(runner.sync.counts.calls, calls);
    // 44 minutes at the pace of 8 calls per second.
    assert_eq!(calls.div_ceil(progress::CALLS_PER_SECOND) / 60, 44);
    assert!(runner.largest_batch < 3_000_000, "{}", runner.largest_batch);
    assert!(runner.largest_sync < 20_000, "{}", runner.largest_sync);
    let largest_row = runner.table.values().map(|seen| serde_json::to_vec(seen).unwrap().len()).max().unwrap();
    assert!(largest_row < 20_000, "{largest_row}");
    // The next round knows how many calls there are.
    let next = runner.sync.requested(at(0), None);
    assert_eq!(next.progress().unwrap().estimated_seconds, Some(calls.div_ceil(progress::CALLS_PER_SECOND)));
}

/// Four accounts, three permission sets, nine pairs of three users each.
fn small() -> Organization {
    let accounts: Vec<String> = (0..4).map(|n| format!("11111111111{n}")).collect();
    let sets: Vec<String> = (0..3).map(|n| format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{n}")).collect();
    let mut pairs = BTreeMap::new();
    for (n, set) in sets.iter().enumerate() {
        for account in accounts.iter().skip(usize::from(n > 0)).take(3) {
            pairs.insert((set.clone(), account.clone()), (n..n + 3).map(user).collect());
        }
    }
    assert_eq!(pairs.len(), 9);
    Organization { accounts, sets, pairs, pages: [2, 2, 2, 2] }
}

/// Reads `organization`, of which `aws` answers in its stead, until the round is given up or complete.
fn read(runner: &mut Runner, organization: &Organization, aws: impl Fn(&Ask) -> Option<Result<Answer, Cause>>) -> u64 {
    runner.request(organization);
    let mut turns = 0;
    while runner.ahead.step.is_some() {
        runner.turn(|ask| aws(ask).unwrap_or_else(|| organization.answer(ask)));
        turns += 1;
        assert!(turns < 10_000);
    }
    runner.flush();
    turns
}

/// Each reason is named, and what was shown before stays.
#[test]
fn a_round_that_fails_leaves_the_last_one_shown() {
    let organization = small();
    for (refusal, failure) in [
        (Refusal::Kms(KmsReason::NotFound), SyncFailure::Kms),
        (Refusal::Unavailable, SyncFailure::Unavailable),
        (Refusal::Intermediary(403), SyncFailure::Unavailable),
        (Refusal::AccountInstance, SyncFailure::AccountInstance),
        (Refusal::RegionDisabled, SyncFailure::RegionNotEnabled),
        (Refusal::NotEnforced, SyncFailure::ExternalIdNotEnforced),
        (Refusal::PageToken, SyncFailure::PageToken),
        (Refusal::Other("X".to_owned()), SyncFailure::Refused),
        (Refusal::denied(), SyncFailure::Denied),
        // AWS lists permission sets of which it says that none exists.
        (Refusal::NotFound, SyncFailure::Unavailable),
    ] {
        type IsAsked = fn(&Ask) -> bool;
        let calls: [(&str, IsAsked); 2] = [
            ("DescribePermissionSet", |ask| matches!(ask, Ask::PermissionSet { .. })),
            ("ListAccountAssignments", |ask| matches!(ask, Ask::Assigned { .. })),
        ];
        for (name, is_asked) in calls {
            let mut runner = Runner::default();
            read(&mut runner, &organization, |_| None);
            let shown = runner.shown();
            assert_eq!(shown, organization.rows());
            read(&mut runner, &organization, |ask| is_asked(ask).then(|| Err(cause(refusal.clone()))));
            assert_eq!(
                (runner.sync.status(), runner.sync.failure),
                (SyncStatus::Failed, Some(failure)),
                "{name} {refusal:?}"
            );
            assert_eq!(runner.shown(), shown);
            assert!(runner.sync.last_synced_at().is_some());
        }
    }
}

#[test]
fn a_token_that_repeats_or_a_circle_of_tokens_ends_the_round() {
    let organization = small();
    for circle in [1_usize, 2, 5] {
        let mut runner = Runner::default();
        let turns = read(&mut runner, &organization, |ask| match ask {
            Ask::Accounts { next } => {
                let page = next.as_ref().map_or(0, |token| token.parse::<usize>().unwrap());
                let next = if page == 0 { 1 } else { page % circle + 1 };
                Some(Ok(Answer::Accounts(Vec::new(), Some(next.to_string()))))
            }
            _ => None,
        });
        assert_eq!(runner.sync.failure, Some(SyncFailure::PageToken));
        assert!(turns < 20, "{turns}");
    }
}

#[test]
fn a_token_that_is_not_accepted_any_more_begins_its_list_again_once() {
    let organization = small();
    let refused = std::cell::RefCell::new(BTreeSet::new());
    let mut runner = Runner::default();
    read(&mut runner, &organization, |ask| {
        let list = match ask {
            Ask::Accounts { next: Some(_) } => "accounts".to_owned(),
            Ask::PermissionSets { next: Some(_) } => "sets".to_owned(),
            Ask::AccountsOf { set, next: Some(_) } => set.clone(),
            Ask::Assigned { account, set, next: Some(_) } => format!("{account} {set}"),
            _ => return None,
        };
        refused.borrow_mut().insert(list).then(|| Err(cause(Refusal::PageToken)))
    });
    assert!(refused.borrow().len() > 4);
    assert_eq!(runner.shown(), organization.rows());
    assert_eq!(runner.sync.counts.accounts, organization.accounts.len() as u64);
}

#[test]
fn an_account_that_is_denied_is_named_and_the_others_are_read() {
    let organization = small();
    let denied = organization.pairs.keys().next_back().unwrap().1.clone();
    let is_denied = |ask: &Ask| matches!(ask, Ask::Assigned { account, .. } if *account == denied);
    let mut runner = Runner::default();
    // The account of the first pair is readable, or the round would take the role for one without the permission.
    read(&mut runner, &organization, |ask| is_denied(ask).then(|| Err(cause(Refusal::denied()))));
    assert_eq!(runner.sync.status(), SyncStatus::Done);
    let shown = runner.shown();
    let marked: Vec<&Row> = shown.values().filter(|row| is_unreadable(row)).collect();
    let expected = organization.pairs.keys().filter(|(_, account)| *account == denied).count();
    assert_eq!(marked.len(), expected);
    assert!(marked.iter().all(|row| matches!(row, Row::Assignment(assignment) if assignment.account_id == denied)));
}

#[test]
fn a_new_role_is_waited_for() {
    let organization = small();
    let mut runner = Runner::default();
    runner.sync = runner.sync.requested(at(0), Some(at(180_000)));
    runner.complete.insert(1, organization.rows());
    runner.begin();
    let mut denials = 0;
    while runner.ahead.step.is_some() {
        let now = runner.now;
        runner.turn(|ask| if now < 40_000 { Err(cause(Refusal::denied())) } else { organization.answer(ask) });
        denials += u32::from(now < 40_000);
    }
    runner.flush();
    assert_eq!((runner.sync.status(), denials), (SyncStatus::Done, 3));
    // A role that stays without the permission is given up when that time is over.
    let mut sync = Sync::default().requested(at(0), Some(at(60_000)));
    for now in [0, 59_999] {
        sync = sync.failed(&Fault::Refused(cause(Refusal::denied())), at(now));
        assert_eq!((sync.status(), sync.attempts), (SyncStatus::Running, 0));
    }
    sync = sync.failed(&Fault::Refused(cause(Refusal::denied())), at(60_000));
    assert_eq!((sync.status(), sync.denied_action()), (SyncStatus::Failed, Some("sso:ListAccountAssignments")));
}

/// Things that are deleted while they are read.
#[test]
fn a_deletion_is_confirmed_and_a_row_that_is_twice_is_once() {
    // Tokens here are places, which a deletion would move: the accounts of a permission set are on one page.
    let organization = Organization { pages: [2, 2, 100, 2], ..small() };
    let gone = organization.pairs.keys().next().unwrap().clone();
    let without = {
        let mut without = organization.clone();
        without.pairs.remove(&gone);
        without
    };
    let mut runner = Runner::default();
    runner.request(&without);
    let mut deleted = false;
    while runner.ahead.step.is_some() {
        runner.turn(|ask| {
            deleted |= matches!(ask, Ask::Assigned { .. });
            let answer = if deleted { without.answer(ask) } else { organization.answer(ask) };
            match answer {
                Ok(Answer::Accounts(accounts, next)) => {
                    Ok(Answer::Accounts([accounts.clone(), accounts].concat(), next))
                }
                answer => answer,
            }
        });
    }
    runner.flush();
    assert_eq!((runner.sync.status(), runner.shown()), (SyncStatus::Done, without.rows()));
}

#[test]
fn what_passes_is_tried_again_later_each_time_and_not_for_ever() {
    let mut sync = Sync::default().requested(at(0), None);
    let mut waits = Vec::new();
    while sync.step.is_some() {
        assert!(waits.len() < 10, "{waits:?}");
        sync = sync.failed(&Fault::Refused(cause(Refusal::Throttled)), at(0));
        waits.extend(sync.due_at.map(|due| due.as_millis() / 60_000));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16]);
    assert_eq!((sync.status(), sync.failure), (SyncStatus::Failed, Some(SyncFailure::Unavailable)));
    let mut refused = Sync::default().requested(at(0), None);
    for _ in 0..6 {
        refused = refused.failed(&Fault::Table, at(0));
    }
    assert_eq!(refused.failure, Some(SyncFailure::Internal));
}

#[test]
fn a_round_is_requested_once_and_another_connection_shows_nothing_of_it() {
    let sync = Sync::default();
    assert_eq!((sync.status(), sync.forgotten(at(0))), (SyncStatus::Never, None));
    let running = sync.requested(at(1), None);
    assert_eq!((running.round, running.status(), running.due_at), (1, SyncStatus::Running, Some(at(1))));
    assert_eq!(running.requested(at(2), None), running);
    let mut runner = Runner::default();
    read(&mut runner, &small(), |_| None);
    let done = runner.sync.clone();
    let forgetting = done.forgotten(at(3)).unwrap();
    assert_eq!(
        (forgetting.status(), forgetting.last_synced_at(), forgetting.progress()),
        (SyncStatus::Never, None, None)
    );
    runner.sync = forgetting;
    runner.begin();
    runner.finish(&small());
    assert!(runner.table.is_empty());
    assert_eq!(runner.sync.status(), SyncStatus::Never);
}

#[test]
fn a_reading_of_an_earlier_release_begins_again() {
    let steps = [
        r#"{"accounts": {"next": "token"}}"#,
        r#"{"permission_sets": {"next": null}}"#,
        r#"{"assignments": {"after": "AWS#ROW#SET#arn", "next": null}}"#,
        r#"{"sweep": {"after": null}}"#,
    ];
    for step in steps {
        let stored = format!(r#"{{"round": 7, "shown_from": 1, "step": {step}, "due_at": "2026-01-01T00:00:00Z"}}"#);
        let sync: Sync = serde_json::from_str(&stored).unwrap();
        assert_eq!((sync.round, sync.step, sync.shown), (7, Some(Step::first()), None), "{step}");
    }
    let rest: Sync = serde_json::from_str(r#"{"round": 7, "shown_from": 1}"#).unwrap();
    assert_eq!((rest.step.is_none(), rest.status()), (true, SyncStatus::Never));
}
