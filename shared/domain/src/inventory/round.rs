//! The steps of a round: the question of each, and the effect of its answer.

use std::collections::BTreeSet;

use super::denials::Kind;
use super::step::{Pairs, Step};
use super::{Answer, Ask, Cause, Counts, Cursor, Fault, Half, Row, RowId, Sync};
use crate::Timestamp;
use crate::connection::Refusal;

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
        let step = self.step.clone()?;
        if let Some(ask) = self.denials.ask() {
            return Some(ask);
        }
        Some(match step {
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
            _ => self.clone().counted(now),
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

impl Turn {
    fn take(&mut self, answer: Result<Answer, Cause>) -> Result<(), Fault> {
        let Some(step) = self.sync.step.clone() else { return Ok(()) };
        if let Some(doubt) = self.sync.denials.doubted.take() {
            return self.doubted(doubt, answer);
        }
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
    pub(super) fn go(&mut self, step: Step) {
        self.keep(step);
        self.sync.attempts = 0;
        self.sync.runs = 0;
        self.sync.waiting_for = None;
    }

    /// Goes on with a step without progress: failures before it still count.
    pub(super) fn keep(&mut self, step: Step) {
        self.sync.step = Some(step);
    }

    /// Begins a step of another kind.
    fn begin(&mut self, step: Step) {
        self.sync.counts.calls_before = self.sync.counts.calls;
        self.sync.denials.forget_denied();
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
                self.sync.denials.answered.described = Some(set.permission_set_arn.clone());
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
                let set = waiting.remove(0);
                self.doubt(
                    Kind::Describe,
                    set.clone(),
                    Cause { about: Some(format!("permission set `{set}`")), ..cause },
                )
            }
            Err(cause) => Err(Fault::Refused(cause)),
            Ok(_) => Err(Fault::Contradiction),
        }
    }

    /// Goes on with the permission sets that are to be described, or the next page, or the next step.
    pub(super) fn described(&mut self, list: Option<Cursor>, page: Cursor, waiting: Vec<String>) -> Result<(), Fault> {
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
        let refused = |refusal| Fault::Refused(Cause::new("sso:DescribeInstance", refusal));
        match answer {
            Ok(Answer::Instance { encryption_failed: Some(why), .. }) => Err(refused(Refusal::EncryptionFailed(why))),
            Ok(Answer::Instance { status, .. }) if status == "ACTIVE" => {
                self.begin(Step::Assignments { after: None, pairs: None });
                Ok(())
            }
            Ok(Answer::Instance { status, .. }) => Err(refused(Refusal::NotActive(status))),
            Err(cause) => Err(Fault::Refused(cause)),
            Ok(_) => Err(Fault::Contradiction),
        }
    }

    /// Ends the list of assignments: with a sweep, unless nothing of a kind could be read or everything was gone.
    fn assignments_end(&mut self) -> Result<(), Fault> {
        let counts = self.sync.counts;
        let none_listed = counts.sets_unlisted > 0 && counts.sets_unlisted >= counts.sets;
        let none_read = counts.pairs == 0 && counts.pairs_denied > 0;
        if let Some(cause) = self.sync.cause.clone().filter(|_| none_listed || none_read) {
            return Err(Fault::Refused(cause));
        }
        if counts.sets > 0 || counts.sets_removed == 0 {
            self.begin(Step::Sweep { half: self.sync.first_swept(), after: None });
            return Ok(());
        }
        // Every permission set that was described a moment ago is said not to exist. Their list is read once more: only where
        // it is empty, and the instance is active, that is believed.
        if counts.is_repeated {
            return Err(Fault::Contradiction);
        }
        self.sync.counts = Counts { sets_denied: 0, sets_done: 0, sets_removed: 0, is_repeated: true, ..counts };
        self.begin(Step::permission_sets());
        Ok(())
    }
}

impl Sync {
    /// The half that a sweep begins with.
    fn first_swept(&self) -> Half {
        if self.shown.is_none() { Half::First } else { self.written_half() }
    }
}

/// Each text once, in the order of their first places.
pub(super) fn unique(texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.into_iter().filter(|text| !text.is_empty() && seen.insert(text.clone())).collect()
}
