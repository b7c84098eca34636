//! Notices that a credential expires soon, or is not used.

use super::Credential;
use crate::Timestamp;
use crate::expiry::{Notices, days_left};
use crate::timestamp::DAY;

/// Days before the expiry at which a notice is due.
pub const THRESHOLDS: [u16; 4] = [30, 14, 7, 1];

/// Days without use after which a notice is due.
pub const UNUSED_DAYS: i64 = 90;

/// A notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialNotice {
    /// The credential expires soon.
    Expiring {
        /// Days before the expiry at which this notice was due.
        threshold: u16,
        /// Days left, rounded up.
        days_left: i64,
    },
    /// The credential was not used for [`UNUSED_DAYS`].
    Unused,
}

impl Credential {
    /// Returns the time of the next notice; `None` if none is left. A setup session, which lasts for hours, has none.
    pub fn next_notice_at(&self) -> Option<Timestamp> {
        if self.setup.is_some() {
            return None;
        }
        let expiry = self.expiry().and_then(|notices| notices.next_at());
        [expiry, self.unused_at()].into_iter().flatten().min()
    }

    /// Takes the notices that are due at `now`. Returns them, and the credential without them.
    pub fn take_notices(&self, now: Timestamp) -> (Vec<CredentialNotice>, Self) {
        let (mut notices, mut after) = (Vec::new(), self.clone());
        if let (Some(end), Some(threshold)) = (self.expires_at, self.expiry().and_then(|notices| notices.due(now))) {
            after.noticed_expiry = Some((end, threshold));
            notices.push(CredentialNotice::Expiring { threshold, days_left: days_left(end, now) });
        }
        if self.unused_at().is_some_and(|at| at <= now) {
            after.noticed_use = Some(self.last_use());
            notices.push(CredentialNotice::Unused);
        }
        (notices, after)
    }

    /// A credential that is revoked or replaced has no notices.
    fn expiry(&self) -> Option<Notices> {
        let end = self.expires_at.filter(|_| self.revoked_at.is_none() && self.replaced_by.is_none())?;
        // A notice of another expiry does not count.
        let given = self.noticed_expiry.filter(|(noticed, _)| *noticed == end).map(|(_, threshold)| threshold);
        Some(Notices { thresholds: &THRESHOLDS, end, since: self.created_at, given })
    }

    fn last_use(&self) -> Timestamp {
        self.last_used_at.unwrap_or(self.created_at)
    }

    fn unused_at(&self) -> Option<Timestamp> {
        let used = self.last_use();
        let at = used.plus_millis(UNUSED_DAYS * DAY);
        let ends_before = self.revoked_at.is_some() || self.expires_at.is_some_and(|end| end <= at);
        (!ends_before && self.noticed_use != Some(used)).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{Kind, Maker, NewCredential, Role};
    use crate::ids::{CredentialId, TenantId};

    fn day(number: i64) -> Timestamp {
        Timestamp::EPOCH.plus_millis(number * DAY)
    }

    fn credential(expires_at: Option<Timestamp>) -> Credential {
        let new =
            NewCredential { name: "ci".to_owned(), kind: Kind::AccessKey, roles: [Role::Viewer].into(), expires_at };
        let id = CredentialId::new(TenantId::from_random([1; 16]), [0; 8]);
        new.made(id, None, Maker::Operator, day(0)).unwrap()
    }

    #[test]
    fn an_expiry_is_noticed_four_times_and_a_later_expiry_again() {
        let mut key = credential(Some(day(60)));
        let mut given = Vec::new();
        while let Some(at) = key.next_notice_at() {
            let (notices, after) = key.take_notices(at);
            assert_eq!(notices.len(), 1);
            assert_eq!(after.take_notices(at).0, []);
            given.extend(notices);
            key = after;
        }
        let expiring = |days: u16| CredentialNotice::Expiring { threshold: days, days_left: i64::from(days) };
        assert_eq!(given, THRESHOLDS.map(expiring));
        let later = Credential { expires_at: Some(day(80)), ..key };
        assert_eq!(later.next_notice_at(), Some(day(50)));
    }

    #[test]
    fn a_use_ends_the_time_without_one_and_no_use_is_noticed_once() {
        let key = credential(None);
        assert_eq!(key.next_notice_at(), Some(day(90)));
        let (notices, after) = key.take_notices(day(91));
        assert_eq!((notices, after.next_notice_at()), (vec![CredentialNotice::Unused], None));
        let used = Credential { last_used_at: Some(day(95)), ..after };
        assert_eq!(used.next_notice_at(), Some(day(185)));
        assert_eq!(used.take_notices(day(100)), (Vec::new(), used.clone()));
    }

    #[test]
    fn a_revoked_or_replaced_or_short_credential_is_not_noticed() {
        let key = credential(Some(day(60)));
        assert_eq!(Credential { revoked_at: Some(day(1)), ..key.clone() }.next_notice_at(), None);
        assert_eq!(Credential { replaced_by: Some(key.id), ..key }.next_notice_at(), None);
        assert_eq!(credential(Some(day(0).plus_millis(3_600_000))).next_notice_at(), None);
    }
}
