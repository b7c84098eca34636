//! A model organization, and a runner that reads it as the event handler does.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use crate::connection::KmsReason;

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(super) fn cause(refusal: Refusal) -> Cause {
    Cause { action: "sso:ListAccountAssignments".to_owned(), refusal }
}

/// An organization that answers as AWS does.
#[derive(Clone, Debug, Default)]
pub(super) struct Organization {
    pub(super) accounts: Vec<String>,
    pub(super) sets: Vec<String>,
    pub(super) pairs: BTreeMap<(String, String), Vec<Principal>>,
    /// Rows per page of accounts, sets, accounts of a set, principals.
    pub(super) pages: [usize; 4],
}

impl Organization {
    pub(super) fn page<T: Clone>(rows: &[T], size: usize, token: Option<&String>) -> (Vec<T>, Option<String>) {
        let start = token.map_or(0, |token| token.parse::<usize>().unwrap()).min(rows.len());
        let end = rows.len().min(start + size);
        (rows[start..end].to_vec(), (end < rows.len()).then(|| end.to_string()))
    }

    pub(super) fn answer(&self, ask: &Ask) -> Result<Answer, Cause> {
        let not_found = || cause(Refusal::NotFound);
        let has = |set: &String| self.sets.contains(set);
        Ok(match ask {
            Ask::Accounts { next } => {
                let (accounts, next) = Self::page(&self.accounts, self.pages[0], next.as_ref());
                Answer::Accounts(accounts.into_iter().map(account).collect(), next)
            }
            Ask::PermissionSets { next } => {
                let (sets, next) = Self::page(&self.sets, self.pages[1], next.as_ref());
                Answer::PermissionSets(sets, next)
            }
            Ask::PermissionSet { arn } if has(arn) => Answer::PermissionSet(set(arn.clone())),
            Ask::AccountsOf { set, next } if has(set) => {
                let (first, last) = ((set.clone(), String::new()), (set.clone(), "~".to_owned()));
                let accounts: Vec<String> =
                    self.pairs.range(first..last).map(|((_, account), _)| account.clone()).collect();
                let (accounts, next) = Self::page(&accounts, self.pages[2], next.as_ref());
                Answer::AccountsOf(accounts, next)
            }
            Ask::Assigned { account, set, next } => {
                let principals = self.pairs.get(&(set.clone(), account.clone())).ok_or_else(not_found)?;
                let (principals, next) = Self::page(principals, self.pages[3], next.as_ref());
                Answer::Assigned(principals, next)
            }
            Ask::Instance => Answer::Instance { status: "ACTIVE".to_owned(), key_failed: false },
            _ => return Err(not_found()),
        })
    }

    /// The rows of a complete round.
    pub(super) fn rows(&self) -> BTreeMap<RowId, Row> {
        let accounts = self.accounts.iter().cloned().map(account).map(Row::Account);
        let sets = self.sets.iter().cloned().map(set).map(Row::PermissionSet);
        let pairs = self.pairs.iter().flat_map(|((set, account), principals)| {
            principals.chunks(self.pages[3].min(100)).enumerate().map(move |(part, principals)| {
                Row::Assignment(Assignment {
                    account_id: account.clone(),
                    permission_set_arn: set.clone(),
                    principals: principals.to_vec(),
                    part: u32::try_from(part).unwrap(),
                    unreadable: None,
                })
            })
        });
        accounts.chain(sets).chain(pairs).map(|row| (row.id(), row)).collect()
    }
}

pub(super) fn account(account_id: String) -> Account {
    Account { account_id, name: None, email: None, status: Some("ACTIVE".to_owned()) }
}

pub(super) fn set(permission_set_arn: String) -> PermissionSet {
    PermissionSet { permission_set_arn, name: None, description: None, session_duration: None, unreadable: None }
}

pub(super) fn user(id: usize) -> Principal {
    Principal { kind: "USER".to_owned(), id: format!("1234567890-0a1b2c3d-5555-4a4a-8b8b-{id:012}") }
}

/// The table and a runner of rounds, as the event handler is one.
#[derive(Default)]
pub(super) struct Runner {
    pub(super) table: BTreeMap<(Half, RowId), Seen>,
    pub(super) sync: Sync,
    /// The state with answers that are not written yet.
    pub(super) ahead: Sync,
    pub(super) batch: Batch,
    /// The rows that a complete round of each number has.
    pub(super) complete: BTreeMap<u64, BTreeMap<RowId, Row>>,
    pub(super) now: i64,
    pub(super) largest_batch: usize,
    pub(super) largest_sync: usize,
    turns: u32,
}

impl Runner {
    pub(super) fn request(&mut self, organization: &Organization) {
        self.sync = self.sync.requested(at(self.now), None);
        self.complete.insert(self.sync.round, organization.rows());
        self.begin();
    }

    /// Starts from what is written, as a run does.
    pub(super) fn begin(&mut self) {
        (self.ahead, self.batch) = (self.sync.clone(), Batch::default());
    }

    pub(super) fn flush(&mut self) {
        let (half, round) = (self.sync.written_half(), self.sync.round);
        for part in self.batch.take() {
            let bytes = part.iter().map(|(_, row)| serde_json::to_vec(row).unwrap().len()).sum();
            assert!(part.len() <= MAX_ROWS);
            self.largest_batch = self.largest_batch.max(bytes);
            for (id, row) in part {
                match row {
                    Some(row) => self.table.insert((half, id), Seen { round, row }),
                    None => self.table.remove(&(half, id)),
                };
            }
        }
        self.sync = self.ahead.clone();
        self.largest_sync = self.largest_sync.max(serde_json::to_vec(&self.sync).unwrap().len());
        self.check();
    }

    pub(super) fn fail(&mut self, fault: &Fault) {
        self.flush();
        self.sync = self.sync.failed(fault, at(self.now));
        // As long as it has to wait.
        self.now = self.sync.due_at.map_or(self.now, Timestamp::as_millis);
        self.begin();
    }

    /// The rows that a client sees.
    pub(super) fn shown(&self) -> BTreeMap<RowId, Row> {
        let shown = self.table.iter().filter(|((half, _), seen)| self.sync.shows(*half, seen));
        shown.map(|((_, id), seen)| (id.clone(), seen.row.clone())).collect()
    }

    /// Holds what is shown against the complete round. Rows that AWS denied are marked, and theirs alone are missing.
    pub(super) fn check(&self) {
        let shown = self.shown();
        let Some(complete) = self.sync.shown.map(|shown| &self.complete[&shown.round]) else {
            assert!(shown.is_empty());
            return;
        };
        let denied: BTreeSet<RowId> =
            shown.iter().filter(|(_, row)| is_unreadable(row)).map(|(id, _)| id.clone()).collect();
        let is_denied = |id: &RowId| match id {
            RowId::Account(_) => false,
            RowId::PermissionSet(_) => denied.contains(id),
            RowId::Assignment { account_id, permission_set_arn, .. } => {
                let first = RowId::Assignment {
                    account_id: account_id.clone(),
                    permission_set_arn: permission_set_arn.clone(),
                    part: 0,
                };
                denied.contains(&first) || denied.contains(&RowId::PermissionSet(permission_set_arn.clone()))
            }
        };
        let readable = |rows: &BTreeMap<RowId, Row>| -> BTreeMap<RowId, Row> {
            rows.iter().filter(|(id, _)| !is_denied(id)).map(|(id, row)| (id.clone(), row.clone())).collect()
        };
        assert_eq!(readable(&shown), readable(complete));
        assert!(denied.iter().all(|id| complete.contains_key(id)), "{denied:?}");
    }

    /// One question and its answer by `aws`. Panics after many more turns than the largest organization takes.
    pub(super) fn turn(&mut self, aws: impl FnOnce(&Ask) -> Result<Answer, Cause>) {
        self.turns += 1;
        assert!(self.turns < 100_000, "{:?}", self.ahead);
        let ask = self.ahead.ask().unwrap();
        if ask.is_of_table() {
            self.flush();
        }
        let answer = match &ask {
            Ask::NextSet { after } => {
                let (half, round) = (self.sync.written_half(), self.sync.round);
                let sets = self.table.iter().filter(|((of, _), seen)| *of == half && seen.round == round);
                let sets = sets.filter_map(|(_, seen)| match &seen.row {
                    Row::PermissionSet(set) if set.unreadable.is_none() => Some(set.permission_set_arn.clone()),
                    _ => None,
                });
                Ok(Answer::NextSet(sets.filter(|set| Some(set) > after.as_ref()).min()))
            }
            Ask::Sweep { half, .. } => {
                let sync = self.sync.clone();
                self.table.retain(|(of, _), seen| of != half || !sync.sweeps(*half, seen));
                self.ahead = sync.swept(None, at(self.now));
                self.flush();
                return;
            }
            ask => aws(ask),
        };
        let turn = self.ahead.answered(answer, at(self.now));
        self.ahead = turn.sync;
        self.batch.add(turn.rows, turn.removed);
        if let Some(fault) = turn.fault {
            self.fail(&fault);
        } else if self.batch.is_full() {
            self.flush();
        }
    }

    pub(super) fn finish(&mut self, organization: &Organization) {
        while self.ahead.step.is_some() {
            self.turn(|ask| organization.answer(ask));
        }
        self.flush();
    }
}

pub(super) fn is_unreadable(row: &Row) -> bool {
    match row {
        Row::Account(_) => false,
        Row::PermissionSet(set) => set.unreadable.is_some(),
        Row::Assignment(assignment) => assignment.unreadable.is_some(),
    }
}

/// Numbers that follow from a seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    pub(super) fn organization(&mut self) -> Organization {
        let accounts: Vec<String> = (0..1 + self.below(5)).map(|n| format!("{:012}", 111_111_111_111 + n)).collect();
        let sets: Vec<String> =
            (0..self.below(6)).map(|n| format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{n}")).collect();
        let mut pairs = BTreeMap::new();
        for set in &sets {
            for account in &accounts {
                if self.below(3) > 0 {
                    let first = self.below(4);
                    let users = (first..first + 1 + self.below(5)).map(user).collect();
                    pairs.insert((set.clone(), account.clone()), users);
                }
            }
        }
        Organization { accounts, sets, pairs, pages: [2, 2, 2, 2] }
    }

    pub(super) fn refusal(&mut self) -> Refusal {
        let refusals = [
            Refusal::Throttled,
            Refusal::Unavailable,
            Refusal::Unreachable,
            Refusal::denied(),
            Refusal::Kms(KmsReason::NotFound),
            Refusal::SessionOver,
            Refusal::PageToken,
            Refusal::NotFound,
            Refusal::AccountInstance,
            Refusal::Intermediary(403),
            Refusal::Other("SomeException".to_owned()),
        ];
        refusals[self.below(refusals.len())].clone()
    }
}
