//! The assignments of one permission set: its accounts, and who has it in each.

use super::denials::Kind;
use super::round::{Turn, unique};
use super::step::{Confirming, Pairs, Step};
use super::{Answer, Ask, Assignment, Cause, Fault, MAX_PRINCIPALS, PermissionSet, Principal, Row, RowId, Unreadable};
use crate::connection::Refusal;

impl Pairs {
    pub(super) fn ask(self) -> Ask {
        let Self { set, accounts, page, waiting, principals, confirming, .. } = self;
        match (confirming, waiting.into_iter().next(), accounts) {
            (Some(Confirming::Set | Confirming::Unlisted), ..) => Ask::PermissionSet { arn: set },
            (Some(Confirming::Account), ..) => Ask::AccountsOf { set, next: page.token },
            (None, Some(account), _) => Ask::Assigned { account, set, next: principals.token },
            (None, None, accounts) => Ask::AccountsOf { set, next: accounts.and_then(|accounts| accounts.token) },
        }
    }
}

impl Turn {
    pub(super) fn pairs(
        &mut self,
        after: Option<String>,
        mut pairs: Pairs,
        answer: Result<Answer, Cause>,
    ) -> Result<(), Fault> {
        match (pairs.confirming, answer) {
            (Some(Confirming::Set), answer) => self.confirmed_set(after, pairs, answer),
            (Some(Confirming::Unlisted), answer) => self.unlisted(after, pairs, answer),
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
                self.sync.denials.answered.listed = Some(pairs.set.clone());
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
                let account = pairs.waiting.first().cloned().unwrap_or_default();
                let about = Some(format!("account {account} with the permission set `{}`", pairs.set));
                self.doubt(Kind::Assigned, account, Cause { about, ..cause })
            }
            (None | Some(Confirming::Account), Err(cause)) if cause.refusal.is_denied() => {
                let about = Some(format!("permission set `{}`", pairs.set));
                self.doubt(Kind::AccountsOf, pairs.set, Cause { about, ..cause })
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
        let account = pairs.waiting.first().cloned().unwrap_or_default();
        self.sync.denials.answered.assigned = Some((account, pairs.set.clone()));
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
                pairs.most = pairs.most.max(pairs.part);
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
            // Rows of accounts that were read before may have more parts than they will have now.
            let most = pairs.most.max(pairs.part).max(pairs.written);
            Pairs { accounts: Some(accounts), most, written: most, is_again: true, ..Pairs::of(pairs.set) }
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
                self.sync.counts.sets_removed += 1;
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

    /// The permission set was described again, since AWS denies the list of its accounts: its row says so.
    fn unlisted(
        &mut self,
        after: Option<String>,
        mut pairs: Pairs,
        answer: Result<Answer, Cause>,
    ) -> Result<(), Fault> {
        let set = match answer {
            Ok(Answer::PermissionSet(set)) => set,
            Ok(_) => return Err(Fault::Contradiction),
            Err(Cause { refusal: Refusal::NotFound, .. }) => {
                pairs.confirming = Some(Confirming::Set);
                self.keep(Step::Assignments { after, pairs: Some(pairs) });
                return Ok(());
            }
            Err(cause) if cause.refusal.is_denied() => PermissionSet::unread(pairs.set.clone()),
            Err(cause) => return Err(Fault::Refused(cause)),
        };
        self.rows.push(Row::PermissionSet(PermissionSet { unreadable: Some(Unreadable::AssignmentsDenied), ..set }));
        self.sync.counts.sets_unlisted += 1;
        self.sync.counts.sets_done += 1;
        self.go(Step::Assignments { after: Some(pairs.set), pairs: None });
        Ok(())
    }

    /// Goes on with the accounts that are to be asked, or the next page, or the next permission set.
    pub(super) fn paired(&mut self, after: Option<String>, pairs: Pairs) {
        if pairs.accounts.is_some() || !pairs.waiting.is_empty() {
            self.go(Step::Assignments { after, pairs: Some(pairs) });
        } else {
            self.sync.counts.sets_done += 1;
            self.go(Step::Assignments { after: Some(pairs.set), pairs: None });
        }
    }

    /// Removes rows of the first account waiting, from this part on.
    pub(super) fn remove_parts(&mut self, pairs: &Pairs, from: u32) {
        let written = pairs.written.max(pairs.part);
        self.removed.extend((from..written).map(|part| pairs.row(part, Vec::new(), None).id()));
    }
}

impl Pairs {
    /// A row of the first account waiting.
    pub(super) fn row(&self, part: u32, principals: Vec<Principal>, unreadable: Option<Unreadable>) -> Row {
        let account_id = self.waiting.first().cloned().unwrap_or_default();
        Row::Assignment(Assignment { account_id, permission_set_arn: self.set.clone(), principals, part, unreadable })
    }
}
