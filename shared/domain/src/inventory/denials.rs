//! Denials of single rows, told from a permission that the role does not have or has lost.
//!
//! A policy may keep one account or one permission set from the role. That is marked on its row, and the others are read. After
//! each denial a question that AWS answered earlier in the round is asked again: if that is denied too, the role has lost the
//! permission, and the round ends. Where AWS has answered no such question yet, a few denials are taken for the lack of it.

use serde::{Deserialize, Serialize};

use super::round::Turn;
use super::step::{Confirming, Step};
use super::{Answer, Ask, Cause, Fault, PermissionSet, Row, Unreadable};
use crate::connection::Refusal;

/// Different accounts or permission sets whose denial ends a round that could read none of their kind.
pub(super) const DENIALS: usize = 10;

/// Answers and denials of AWS in a round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Denials {
    /// A question of each kind that was answered.
    pub(super) answered: Answered,
    /// Accounts or permission sets that were denied while no question of their kind was answered.
    denied: Vec<String>,
    /// The denial that is in doubt.
    pub(super) doubted: Option<Doubt>,
}

/// A question of each kind that was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Answered {
    /// A permission set that was described.
    pub(super) described: Option<String>,
    /// A permission set whose accounts were listed.
    pub(super) listed: Option<String>,
    /// An account and a permission set whose principals were listed.
    pub(super) assigned: Option<(String, String)>,
}

/// A denial, until an earlier question was asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Doubt {
    kind: Kind,
    cause: Cause,
}

/// The kind of a question that is denied for single rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// `sso:DescribePermissionSet`.
    Describe,
    /// `sso:ListAccountsForProvisionedPermissionSet`.
    AccountsOf,
    /// `sso:ListAccountAssignments`.
    Assigned,
}

impl Denials {
    /// Reports that there is nothing to remember.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The question that is asked again because of a denial.
    pub(super) fn ask(&self) -> Option<Ask> {
        self.answered_of(self.doubted.as_ref()?.kind)
    }

    fn answered_of(&self, kind: Kind) -> Option<Ask> {
        let Answered { described, listed, assigned } = self.answered.clone();
        Some(match kind {
            Kind::Describe => Ask::PermissionSet { arn: described? },
            Kind::AccountsOf => Ask::AccountsOf { set: listed?, next: None },
            Kind::Assigned => {
                let (account, set) = assigned?;
                Ask::Assigned { account, set, next: None }
            }
        })
    }

    /// Forgets the denied things of a step that is over.
    pub(super) fn forget_denied(&mut self) {
        self.denied = Vec::new();
    }

    /// Forgets the answered question of a kind: what it asked about is gone.
    fn forget(&mut self, kind: Kind) {
        match kind {
            Kind::Describe => self.answered.described = None,
            Kind::AccountsOf => self.answered.listed = None,
            Kind::Assigned => self.answered.assigned = None,
        }
    }
}

impl Turn {
    /// Takes the denial of a question about `name`, an account or a permission set.
    pub(super) fn doubt(&mut self, kind: Kind, name: String, cause: Cause) -> Result<(), Fault> {
        let denials = &mut self.sync.denials;
        if denials.answered_of(kind).is_some() {
            denials.doubted = Some(Doubt { kind, cause });
            return Ok(());
        }
        if !denials.denied.contains(&name) {
            denials.denied.push(name);
        }
        if denials.denied.len() >= DENIALS {
            return Err(Fault::Refused(cause));
        }
        self.denied(cause)
    }

    /// Takes the answer to the earlier question that was asked again.
    pub(super) fn doubted(&mut self, doubt: Doubt, answer: Result<Answer, Cause>) -> Result<(), Fault> {
        match answer {
            Ok(_) => self.denied(doubt.cause),
            Err(Cause { refusal: Refusal::NotFound, .. }) => {
                self.sync.denials.forget(doubt.kind);
                self.denied(doubt.cause)
            }
            // The role has lost the permission: the earlier question was answered in this round.
            Err(other) if other.refusal.is_denied() => Err(Fault::Refused(Cause { about: None, ..doubt.cause })),
            Err(other) => {
                self.sync.denials.doubted = Some(doubt);
                Err(Fault::Refused(other))
            }
        }
    }

    /// Marks the row that a policy keeps from the role, and goes on with the next.
    fn denied(&mut self, cause: Cause) -> Result<(), Fault> {
        self.sync.cause = Some(cause);
        match self.sync.step.clone() {
            Some(Step::PermissionSets { list, page, mut waiting, .. }) if !waiting.is_empty() => {
                self.sync.counts.sets_denied += 1;
                self.rows.push(Row::PermissionSet(PermissionSet::unread(waiting.remove(0))));
                self.described(list, page, waiting)
            }
            Some(Step::Assignments { after, pairs: Some(pairs) })
                if pairs.confirming.is_none() && !pairs.waiting.is_empty() =>
            {
                self.sync.counts.pairs_denied += 1;
                self.remove_parts(&pairs, 1);
                self.rows.push(pairs.row(0, Vec::new(), Some(Unreadable::Denied)));
                self.paired(after, pairs.next_account());
                Ok(())
            }
            Some(Step::Assignments { after, pairs: Some(mut pairs) }) => {
                pairs.confirming = Some(Confirming::Unlisted);
                self.keep(Step::Assignments { after, pairs: Some(pairs) });
                Ok(())
            }
            _ => Err(Fault::Contradiction),
        }
    }
}
