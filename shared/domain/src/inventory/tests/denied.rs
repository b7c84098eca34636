//! Denials of single rows, permissions that are lost, and things that vanish while they are read.

use super::*;

/// Reads the organization once, then again with `aws` answering in its stead from its `from`th question of a kind on.
fn read_with(
    organization: &Organization,
    is_kind: impl Fn(&Ask) -> bool,
    from: usize,
    answer: impl Fn(&Ask) -> Result<Answer, Cause>,
) -> (Runner, usize) {
    let mut runner = Runner::default();
    read(&mut runner, organization, |_| None);
    let asked = std::cell::Cell::new(0);
    read(&mut runner, organization, |ask| {
        if !is_kind(ask) {
            return None;
        }
        asked.set(asked.get() + 1);
        (asked.get() > from).then(|| answer(ask))
    });
    (runner, asked.get())
}

/// A role that loses a permission in the middle of a round has not read the organization.
#[test]
fn a_permission_that_is_lost_midway_ends_the_round() {
    type IsKind = fn(&Ask) -> bool;
    let organization = small();
    let kinds: [IsKind; 3] = [
        |ask| matches!(ask, Ask::PermissionSet { .. }),
        |ask| matches!(ask, Ask::AccountsOf { .. }),
        |ask| matches!(ask, Ask::Assigned { .. }),
    ];
    for is_kind in kinds {
        for from in 0.. {
            let (runner, asked) = read_with(&organization, is_kind, from, |_| Err(cause(Refusal::denied())));
            assert_eq!(runner.shown(), organization.rows());
            if asked <= from {
                assert_eq!(runner.sync.status(), SyncStatus::Done);
                assert!(from > 2, "{from}");
                break;
            }
            assert_eq!((runner.sync.status(), runner.sync.failure), (SyncStatus::Failed, Some(SyncFailure::Denied)));
            assert_eq!(runner.sync.shown.map(|shown| shown.round), Some(1));
        }
    }
}

/// An outage while a denial is checked is an outage.
#[test]
fn a_denial_is_not_believed_while_the_check_of_it_is_throttled() {
    let organization = small();
    let mut runner = Runner::default();
    let asked = std::cell::Cell::new(0);
    read(&mut runner, &organization, |ask| {
        let Ask::Assigned { .. } = ask else { return None };
        asked.set(asked.get() + 1);
        match asked.get() {
            3 => Some(Err(cause(Refusal::denied()))),
            4 | 5 => Some(Err(cause(Refusal::Throttled))),
            _ => None,
        }
    });
    assert_eq!(runner.sync.status(), SyncStatus::Done);
    assert_eq!(runner.shown().values().filter(|row| is_unreadable(row)).count(), 1);
}

/// Permission sets that come first and are only in the account that is denied.
#[test]
fn a_denied_account_is_one_account_in_however_many_permission_sets() {
    let mut organization = small();
    let denied = "999999999999".to_owned();
    organization.accounts.push(denied.clone());
    for n in 0..20 {
        let set = format!("arn:aws:sso:::permissionSet/ssoins-1/aa-{n:02}");
        organization.sets.insert(0, set.clone());
        organization.pairs.insert((set, denied.clone()), vec![user(1)]);
    }
    let is_denied = |ask: &Ask| matches!(ask, Ask::Assigned { account, .. } if *account == denied);
    let mut runner = Runner::default();
    read(&mut runner, &organization, |ask| is_denied(ask).then(|| Err(cause(Refusal::denied()))));
    assert_eq!(runner.sync.status(), SyncStatus::Done);
    assert_eq!(runner.shown().values().filter(|row| is_unreadable(row)).count(), 20);
    assert_eq!(runner.sync.cause.unwrap().about.unwrap().split(' ').nth(1), Some(denied.as_str()));
}

/// Accounts without end that are denied one after the other are a missing permission.
#[test]
fn many_denied_accounts_without_one_that_is_read_end_the_round() {
    let accounts: Vec<String> = (0..50).map(|n| format!("1111111111{n:02}")).collect();
    let set = "arn:aws:sso:::permissionSet/ssoins-1/ps-0".to_owned();
    let pairs = accounts.iter().map(|account| ((set.clone(), account.clone()), vec![user(1)])).collect();
    let organization = Organization { accounts, sets: vec![set.clone()], pairs, pages: [100; 4] };
    let mut runner = Runner::default();
    let turns = read(&mut runner, &organization, |ask| {
        matches!(ask, Ask::Assigned { .. }).then(|| Err(cause(Refusal::denied())))
    });
    assert_eq!((runner.sync.failure, runner.shown().len()), (Some(SyncFailure::Denied), 0));
    assert_eq!(turns, 5 + super::denials::DENIALS as u64);
    let about = runner.sync.cause.unwrap().about.unwrap();
    assert!(about.contains("111111111109") && about.contains(&set), "{about}");
}

#[test]
fn a_permission_set_whose_accounts_are_denied_says_so() {
    let organization = small();
    let denied = organization.sets[0].clone();
    let is_denied = |ask: &Ask| matches!(ask, Ask::AccountsOf { set, .. } if *set == denied);
    let mut runner = Runner::default();
    read(&mut runner, &organization, |ask| is_denied(ask).then(|| Err(cause(Refusal::denied()))));
    assert_eq!(runner.sync.status(), SyncStatus::Done);
    let shown = runner.shown();
    let marked: Vec<&Row> = shown.values().filter(|row| is_unreadable(row)).collect();
    let Row::PermissionSet(set) = marked[0] else { panic!("{marked:?}") };
    assert_eq!((marked.len(), set.unreadable), (1, Some(Unreadable::AssignmentsDenied)));
    assert_eq!(shown.len(), organization.rows().len() - 3 * 2, "only its three pairs of two parts each are missing");
    // Of all of them it is a missing permission.
    let mut runner = Runner::default();
    read(&mut runner, &organization, |ask| {
        matches!(ask, Ask::AccountsOf { .. }).then(|| Err(cause(Refusal::denied())))
    });
    assert_eq!(runner.sync.failure, Some(SyncFailure::Denied));
}

/// AWS lists permission sets, describes them, and then says that none of them exists.
#[test]
fn permission_sets_that_all_vanish_are_not_believed_to_be_gone() {
    let organization = small();
    for from in [3, 4] {
        let mut runner = Runner::default();
        read(&mut runner, &organization, |_| None);
        let described = std::cell::Cell::new(0);
        read(&mut runner, &organization, |ask| match ask {
            Ask::PermissionSet { .. } => {
                described.set(described.get() + 1);
                (described.get() > from).then(|| Err(cause(Refusal::NotFound)))
            }
            Ask::AccountsOf { .. } => Some(Err(cause(Refusal::NotFound))),
            _ => None,
        });
        assert_eq!((runner.sync.status(), runner.sync.failure), (SyncStatus::Failed, Some(SyncFailure::Contradiction)));
        assert_eq!(runner.shown(), organization.rows());
    }
}

/// All permission sets are deleted between their description and their assignments.
#[test]
fn permission_sets_that_are_all_deleted_midway_are_gone() {
    let organization = small();
    let empty = Organization { sets: Vec::new(), pairs: BTreeMap::new(), ..organization.clone() };
    let mut runner = Runner::default();
    read(&mut runner, &organization, |_| None);
    let (deleted, looked) = (std::cell::Cell::new(false), std::cell::Cell::new(false));
    read(&mut runner, &empty, |ask| {
        deleted.set(deleted.get() || matches!(ask, Ask::AccountsOf { .. }));
        looked.set(looked.get() || matches!(ask, Ask::Instance));
        Some(if deleted.get() { empty.answer(ask) } else { organization.answer(ask) })
    });
    assert_eq!((runner.sync.status(), runner.shown()), (SyncStatus::Done, empty.rows()));
    assert!(looked.get());
}

/// A pair that is smaller when its list is begun again has no parts of before.
#[test]
fn a_pair_that_shrinks_before_it_is_read_again_keeps_no_old_parts() {
    let organization = small();
    let mut smaller = organization.clone();
    let (pair, users) = smaller.pairs.iter_mut().next().unwrap();
    assert_eq!(users.len(), 3);
    users.truncate(1);
    let set = pair.0.clone();
    let mut runner = Runner::default();
    let refused = std::cell::Cell::new(false);
    read(&mut runner, &smaller, |ask| match ask {
        Ask::AccountsOf { set: of, next: Some(_) } if *of == set && !refused.get() => {
            refused.set(true);
            Some(Err(cause(Refusal::PageToken)))
        }
        ask => Some(if refused.get() { smaller.answer(ask) } else { organization.answer(ask) }),
    });
    assert!(refused.get());
    assert_eq!((runner.sync.status(), runner.shown()), (SyncStatus::Done, smaller.rows()));
}

/// A run that is killed at the same place each time is not begun for ever.
#[test]
fn runs_without_progress_are_counted() {
    let mut sync = Sync::default().requested(at(0), None);
    let mut runs = 0;
    while !sync.is_stalled() {
        sync = sync.taken(at(1));
        runs += 1;
    }
    assert_eq!(runs, 7);
    let answered = sync.answered(Ok(Answer::Accounts(Vec::new(), None)), at(2)).sync;
    assert!(!answered.is_stalled());
    while sync.step.is_some() {
        sync = sync.failed(&Fault::Stalled, at(3));
    }
    assert_eq!(sync.failure, Some(SyncFailure::Internal));
}

/// The estimate follows from the time that calls took: throttled or slow ones take longer than the pace.
#[test]
fn the_estimate_is_of_the_time_that_calls_took() {
    let organization = small();
    let mut runner = Runner::default();
    runner.request(&organization);
    while runner.ahead.progress().is_some_and(|progress| progress.step != "assignments" || progress.done == 0) {
        runner.now += 1_000;
        runner.turn(|ask| organization.answer(ask));
    }
    let progress = runner.ahead.progress().unwrap();
    let counts = runner.ahead.counts;
    let in_step = counts.calls - counts.calls_before;
    let expected = in_step * 2 * (counts.millis / counts.calls) / 1_000;
    assert!(counts.millis >= (counts.calls - 1) * 1_000, "{counts:?}");
    assert!(progress.estimated_seconds.unwrap().abs_diff(expected) <= 1, "{progress:?} {expected}");
}
