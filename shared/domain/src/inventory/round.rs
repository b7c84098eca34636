//! The steps of a round: the question of each, and the effect of its answer.

use std::collections::BTreeSet;

use super::step::{Confirming, Pairs, Step};
use super::{
    Answer, Ask, Assignment, Cause, Cursor, Fault, Half, MAX_PRINCIPALS, PermissionSet, Principal, Row, RowId, Sync,
    Unreadable,
};
use crate::Timestamp;
use crate::connection::{KmsReason, Refusal};

/// Denials of single rows after which a round ends that could read none of their kind.
const DENIALS: u64 = 3;

/// The outcome of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The state after it.
    pub sync: Sync,
    /// Rows that were seen.
    pub rows: Vec<Row>,
    /// Rows that were written before and do not exist.
    pub removed: Vec<RowId>,
    /// The reason that the round does not go on now: for [`Sync::failed`].
    pub fault: Option<Fault>,
}

impl Sync {
    /// The next question; `None` at rest.
    pub fn ask(&self) -> Option<Ask> {
        Some(match self.step.clone()? {
            Step::Accounts { list } => Ask::Accounts { next: list.token },
            Step::PermissionSets { page, is_confirming: true, .. } => Ask::PermissionSets { next: page.token },
            Step::PermissionSets { list, waiting, .. } => match (waiting.into_iter().next(), list) {
                (Some(arn), _) => Ask::PermissionSet { arn },
                (None, Some(list)) => Ask::PermissionSets { next: list.token },
                (None, None) => Ask::Instance,
            },
            Step::Instance => Ask::Instance,
            Step::Assignments { after, pairs: None } => Ask::NextSet { after },
            Step::Assignments { pairs: Some(pairs), .. } => pairs.ask(),
            Step::Sweep { half, after } => Ask::Sweep { half, after },
        })
    }

    /// The state after the answer to [`Self::ask`] at `now`, with the rows to write.
    pub fn answered(&self, answer: Result<Answer, Cause>, now: Timestamp) -> Turn {
        let counted = match &answer {
            Ok(Answer::NextSet(_)) => Ok(self.clone()),
            _ => self.clone().counted(),
        };
        let mut turn = Turn { sync: self.clone(), rows: Vec::new(), removed: Vec::new(), fault: None };
        let taken = counted.and_then(|sync| {
            turn.sync = sync;
            // A role that was just made is denied for a while: nothing is concluded from that.
            let settling = self.settles_at.is_some_and(|until| now < until);
            match answer {
                Err(cause) if settling && cause.refusal.is_denied() => Err(Fault::Refused(cause)),
                answer => turn.take(answer),
            }
        });
        turn.fault = taken.err();
        turn
    }
}

impl Pairs {
    fn ask(self) -> Ask {
        let Self { set, accounts, page, waiting, principals, confirming, .. } = self;
        match (confirming, waiting.into_iter().next(), accounts) {
            (Some(Confirming::Set), ..) => Ask::PermissionSet { arn: set },
            (Some(Confirming::Account), ..) => Ask::AccountsOf { set, next: page.token },
            (None, Some(account), _) => Ask::Assigned { account, set, next: principals.token },
            (None, None, accounts) => Ask::AccountsOf { set, next: accounts.and_then(|accounts| accounts.token) },
        }
    }
}

impl Turn {
    fn take(&mut self, answer: Result<Answer, Cause>) -> Result<(), Fault> {
        let Some(step) = self.sync.step.clone() else { return Ok(()) };
        match step {
            Step::Accounts { list } => self.accounts(&list, answer),
            Step::PermissionSets { list, page, waiting, is_confirming } => {
                self.permission_sets((list, page, waiting), is_confirming, answer)
            }
            Step::Instance => self.instance(answer),
            Step::Assignments { pairs: None, after } => match answer {
                Ok(Answer::NextSet(Some(set))) => {
                    self.go(Step::Assignments { after, pairs: Some(Pairs::of(set)) });
                    Ok(())
                }
                Ok(_) => self.assignments_end(),
                Err(cause) => Err(Fault::Refused(cause)),
            },
            Step::Assignments { pairs: Some(pairs), after } => self.pairs(after, pairs, answer),
            // Its pages are taken by `Sync::swept`.
            Step::Sweep { .. } => Ok(()),
        }
    }

    /// Goes on with a step.
    fn go(&mut self, step: Step) {
        self.keep(step);
        self.sync.attempts = 0;
    }

    /// Goes on with a step without progress: failures before it still count.
    fn keep(&mut self, step: Step) {
        self.sync.step = Some(step);
    }

    /// Begins a step of another kind.
    fn begin(&mut self, step: Step) {
        self.sync.counts.calls_before = self.sync.counts.calls;
        self.go(step);
    }

    fn accounts(&mut self, list: &Cursor, answer: Result<Answer, Cause>) -> Result<(), Fault> {
        match answer {
            Ok(Answer::Accounts(accounts, next)) => {
                let next = list.turned(next)?;
                let accounts = accounts.into_iter().filter(|account| !account.account_id.is_empty());
                self.rows.extend(accounts.map(Row::Account));
                self.sync.counts.accounts += self.rows.len() as u64;
                match next {
                    Some(list) => self.go(Step::Accounts { list }),
                    None => self.begin(Step::permission_sets()),
                }
                Ok(())
            }
            Err(Cause { refusal: Refusal::PageToken, .. }) => {
                self.sync.counts.accounts = 0;
                let list = list.restarted()?;
                self.go(Step::Accounts { list });
                Ok(())
            }
            Err(cause) => Err(Fault::Refused(cause)),
            Ok(_) => Err(Fault::Contradiction),
        }
    }

    fn permission_sets(
        &mut self,
        (list, page, mut waiting): (Option<Cursor>, Cursor, Vec<String>),
        is_confirming: bool,
        answer: Result<Answer, Cause>,
    ) -> Result<(), Fault> {
        let is_describing = !is_confirming && !waiting.is_empty();
        match answer {
            Ok(Answer::PermissionSets(sets, _)) if is_confirming => {
                let first = waiting.first().cloned().unwrap_or_default();
                if sets.contains(&first) {
                    self.keep(Step::PermissionSets { list, page, waiting, is_confirming: false });
                    return Err(Fault::Contradiction);
                }
                waiting.remove(0);
                self.described(list, page, waiting)
            }
            Ok(Answer::PermissionSets(sets, next)) => {
                let page = list.unwrap_or_default();
                let list = page.turned(next)?;
                self.described(list, page, unique(sets))
            }
            Ok(Answer::PermissionSet(set)) => {
                self.sync.counts.sets += 1;
                self.rows.push(Row::PermissionSet(set));
                waiting.remove(0);
                self.described(list, page, waiting)
            }
            Err(Cause { refusal: Refusal::PageToken, .. }) => {
                let list = list.as_ref().unwrap_or(&page).restarted()?;
                (self.sync.counts.sets, self.sync.counts.sets_denied) = (0, 0);
                self.go(Step::PermissionSets {
                    list: Some(list),
                    page: Cursor::default(),
                    waiting: Vec::new(),
                    is_confirming: false,
                });
                Ok(())
            }
            Err(Cause { refusal: Refusal::NotFound, .. }) if is_describing => {
                self.keep(Step::PermissionSets { list, page, waiting, is_confirming: true });
                Ok(())
            }
            Err(cause) if is_describing && cause.refusal.is_denied() => {
                self.sync.counts.sets_denied += 1;
                if self.sync.counts.sets == 0 && self.sync.counts.sets_denied >= DENIALS {
                    return Err(Fault::Refused(cause));
                }
                self.sync.cause = Some(cause);
                self.rows.push(Row::PermissionSet(PermissionSet {
                    permission_set_arn: waiting.remove(0),
                    name: None,
                    description: None,
                    session_duration: None,
                    unreadable: Some(Unreadable::Denied),
                }));
                self.described(list, page, waiting)
            }
            Err(cause) => Err(Fault::Refused(cause)),
            Ok(_) => Err(Fault::Contradiction),
        }
    }

    /// Goes on with the permission sets that are to be described, or the next page, or the next step.
    fn described(&mut self, list: Option<Cursor>, page: Cursor, waiting: Vec<String>) -> Result<(), Fault> {
        if list.is_some() || !waiting.is_empty() {
            self.go(Step::PermissionSets { list, page, waiting, is_confirming: false });
            return Ok(());
        }
        match (self.sync.counts.sets, self.sync.cause.clone()) {
            (0, Some(cause)) if self.sync.counts.sets_denied > 0 => return Err(Fault::Refused(cause)),
            // An organization without permission sets is unusual enough to look at its instance first.
            (0, _) => self.begin(Step::Instance),
            _ => self.begin(Step::Assignments { after: None, pairs: None }),
        }
        Ok(())
    }

    fn instance(&mut self, answer: Result<Answer, Cause>) -> Result<(), Fault> {
        let refused = |refusal| Fault::Refused(Cause { action: "sso:DescribeInstance".to_owned(), refusal });
        match answer {
            Ok(Answer::Instance { key_failed: true, .. }) => Err(refused(Refusal::Kms(KmsReason::NotFound))),
            Ok(Answer::Instance { status, .. }) if status == "ACTIVE" => {
                self.begin(Step::Assignments { after: None, pairs: None });
                Ok(())
            }
            Ok(Answer::Instance { status, .. }) => {
                Err(refused(Refusal::Other(format!("the instance's status {status}"))))
            }
            Err(cause) => Err(Fault::Refused(cause)),
            Ok(_) => Err(Fault::Contradiction),
        }
    }

    fn pairs(&mut self, after: Option<String>, mut pairs: Pairs, answer: Result<Answer, Cause>) -> Result<(), Fault> {
        match (pairs.confirming, answer) {
            (Some(Confirming::Set), answer) => self.confirmed_set(after, pairs, answer),
            (Some(Confirming::Account), Ok(Answer::AccountsOf(accounts, _))) => {
                let first = pairs.waiting.first().cloned().unwrap_or_default();
                if accounts.contains(&first) {
                    pairs.confirming = None;
                    self.keep(Step::Assignments { after, pairs: Some(pairs) });
                    return Err(Fault::Contradiction);
                }
                self.remove_parts(&pairs, 0);
                self.paired(after, pairs.next_account());
                Ok(())
            }
            (None, Ok(Answer::AccountsOf(accounts, next))) => {
                let page = pairs.accounts.take().unwrap_or_default();
                let accounts_next = page.turned(next)?;
                self.paired(after, Pairs { accounts: accounts_next, page, waiting: unique(accounts), ..pairs });
                Ok(())
            }
            (None, Ok(Answer::Assigned(principals, next))) => self.assigned(after, pairs, &principals, next),
            (_, Err(Cause { refusal: Refusal::PageToken, .. })) => self.pairs_again(after, pairs),
            (_, Err(Cause { refusal: Refusal::NotFound, .. })) => {
                let is_account = pairs.confirming.is_none() && !pairs.waiting.is_empty();
                pairs.confirming = Some(if is_account { Confirming::Account } else { Confirming::Set });
                self.keep(Step::Assignments { after, pairs: Some(pairs) });
                Ok(())
            }
            (None, Err(cause)) if cause.refusal.is_denied() && !pairs.waiting.is_empty() => {
                self.sync.counts.pairs_denied += 1;
                if self.sync.counts.pairs == 0 && self.sync.counts.pairs_denied >= DENIALS {
                    return Err(Fault::Refused(cause));
                }
                self.sync.cause = Some(cause);
                self.remove_parts(&pairs, 1);
                self.rows.push(pairs.row(0, Vec::new(), Some(Unreadable::Denied)));
                self.paired(after, pairs.next_account());
                Ok(())
            }
            (_, Err(cause)) => Err(Fault::Refused(cause)),
            (_, Ok(_)) => Err(Fault::Contradiction),
        }
    }

    /// A page of the principals of the first account waiting.
    fn assigned(
        &mut self,
        after: Option<String>,
        mut pairs: Pairs,
        principals: &[Principal],
        next: Option<String>,
    ) -> Result<(), Fault> {
        let next = pairs.principals.turned(next)?;
        let most = usize::try_from(MAX_PRINCIPALS).unwrap_or(1);
        for principals in principals.chunks(most) {
            self.rows.push(pairs.row(pairs.part, principals.to_vec(), None));
            pairs.part += 1;
        }
        match next {
            Some(next) => self.paired(after, Pairs { principals: next, ..pairs }),
            None => {
                self.sync.counts.pairs += 1;
                self.remove_parts(&pairs, pairs.part);
                self.paired(after, pairs.next_account());
            }
        }
        Ok(())
    }

    /// Begins a list again whose page token AWS does not accept any more.
    fn pairs_again(&mut self, after: Option<String>, pairs: Pairs) -> Result<(), Fault> {
        let again = if pairs.confirming.is_none() && !pairs.waiting.is_empty() {
            let written = pairs.written.max(pairs.part);
            Pairs { principals: pairs.principals.restarted()?, part: 0, written, ..pairs }
        } else {
            let accounts = pairs.accounts.as_ref().unwrap_or(&pairs.page).restarted()?;
            Pairs { accounts: Some(accounts), ..Pairs::of(pairs.set) }
        };
        self.paired(after, again);
        Ok(())
    }

    /// The permission set was described again, since AWS said that it does not exist.
    fn confirmed_set(
        &mut self,
        after: Option<String>,
        mut pairs: Pairs,
        answer: Result<Answer, Cause>,
    ) -> Result<(), Fault> {
        match answer {
            Err(Cause { refusal: Refusal::NotFound, .. }) => {
                self.remove_parts(&pairs, 0);
                self.removed.push(RowId::PermissionSet(pairs.set.clone()));
                self.sync.counts.sets = self.sync.counts.sets.saturating_sub(1);
                self.go(Step::Assignments { after: Some(pairs.set), pairs: None });
                Ok(())
            }
            Ok(_) => {
                pairs.confirming = None;
                self.keep(Step::Assignments { after, pairs: Some(pairs) });
                Err(Fault::Contradiction)
            }
            Err(cause) => Err(Fault::Refused(cause)),
        }
    }

    /// Goes on with the accounts that are to be asked, or the next page, or the next permission set.
    fn paired(&mut self, after: Option<String>, pairs: Pairs) {
        if pairs.accounts.is_some() || !pairs.waiting.is_empty() {
            self.go(Step::Assignments { after, pairs: Some(pairs) });
        } else {
            self.sync.counts.sets_done += 1;
            self.go(Step::Assignments { after: Some(pairs.set), pairs: None });
        }
    }

    fn assignments_end(&mut self) -> Result<(), Fault> {
        match self.sync.cause.clone() {
            Some(cause) if self.sync.counts.pairs == 0 && self.sync.counts.pairs_denied > 0 => {
                Err(Fault::Refused(cause))
            }
            _ => {
                self.begin(Step::Sweep { half: self.sync.first_swept(), after: None });
                Ok(())
            }
        }
    }

    /// Removes rows of the first account waiting, from this part on.
    fn remove_parts(&mut self, pairs: &Pairs, from: u32) {
        let written = pairs.written.max(pairs.part);
        self.removed.extend((from..written).map(|part| pairs.row(part, Vec::new(), None).id()));
    }
}

impl Sync {
    /// The half that a sweep begins with.
    fn first_swept(&self) -> Half {
        if self.shown.is_none() { Half::First } else { self.written_half() }
    }
}

impl Pairs {
    /// A row of the first account waiting.
    fn row(&self, part: u32, principals: Vec<Principal>, unreadable: Option<Unreadable>) -> Row {
        let account_id = self.waiting.first().cloned().unwrap_or_default();
        Row::Assignment(Assignment { account_id, permission_set_arn: self.set.clone(), principals, part, unreadable })
    }
}

/// Each text once, in the order of their first places.
fn unique(texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.into_iter().filter(|text| !text.is_empty() && seen.insert(text.clone())).collect()
}
