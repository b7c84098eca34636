//! Notices that a certificate is about to expire.
//!
//! Each notice is due a number of days before the certificate's expiry, and is sent once. The remaining notices are
//! part of the certificate's state, and a sweep writes the state without the notices that it took. So a sweep that runs
//! twice, late or concurrently repeats no notice and skips none.

use super::{IdentityProvider, IdentityProviderId, Source, TrustedCertificate};
use crate::certificate::{Certificate, CertificateId};
use crate::timestamp::{DAY, Timestamp};

/// Days before the expiry at which a notice is due. 0 is the expiry itself.
pub const THRESHOLDS: [u16; 8] = [90, 60, 30, 14, 7, 3, 1, 0];

/// A notice that a certificate expires soon, or has expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Id of the identity provider.
    pub provider: IdentityProviderId,
    /// Id of the certificate.
    pub certificate: CertificateId,
    /// Days before the end at which this notice was due.
    pub threshold: u16,
    /// Days left at the time of sending, rounded up; less than 1 after the expiry.
    pub days_left: i64,
    /// Time of the certificate's expiry.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate's DER.
    pub fingerprint: String,
}

impl IdentityProvider {
    /// Returns the time of the next notice; `None` if no notice is left.
    pub fn next_notice_at(&self) -> Option<Timestamp> {
        self.certificates.iter().filter_map(TrustedCertificate::next_notice_at).min()
    }

    /// Takes the notices that are due at `now`, oldest due date first. Returns them, and the provider without them.
    pub fn take_notices(&self, now: Timestamp) -> (Vec<Notice>, Self) {
        let mut provider = self.clone();
        let mut notices = Vec::new();
        for certificate in &mut provider.certificates {
            while let Some(threshold) = certificate.take_due(now) {
                notices.push(Notice {
                    provider: self.id,
                    certificate: certificate.id,
                    threshold,
                    days_left: days_between(now, certificate.certificate.not_after()),
                    not_after: certificate.certificate.not_after(),
                    fingerprint: certificate.certificate.fingerprint().to_owned(),
                });
            }
        }
        notices.sort_by_key(|notice| due_at(notice.not_after, notice.threshold));
        (notices, provider)
    }
}

impl TrustedCertificate {
    /// Creates a newly imported certificate. Earlier notices are not sent.
    pub(super) fn new(id: CertificateId, certificate: Certificate, now: Timestamp) -> Self {
        let next_notice = THRESHOLDS.into_iter().find(|days| due_at(certificate.not_after(), *days) > now);
        Self { id, certificate, imported_at: now, next_notice, source: Source::Manual, missing_since: None }
    }

    /// Returns the time of its next notice; `None` after the notice of its expiry.
    pub fn next_notice_at(&self) -> Option<Timestamp> {
        self.next_notice.map(|days| due_at(self.certificate.not_after(), days))
    }

    /// Takes the threshold that is due.
    fn take_due(&mut self, now: Timestamp) -> Option<u16> {
        let due = self.next_notice.filter(|days| due_at(self.certificate.not_after(), *days) <= now)?;
        self.next_notice = THRESHOLDS.into_iter().find(|days| *days < due);
        Some(due)
    }
}

fn due_at(not_after: Timestamp, days: u16) -> Timestamp {
    not_after.plus_millis(-i64::from(days) * DAY)
}

/// Returns the days from `now` to `end`, rounded up: the last day is day 1, and 0 is the end.
fn days_between(now: Timestamp, end: Timestamp) -> i64 {
    let millis = end.millis_since(now);
    millis.div_euclid(DAY) + i64::from(millis.rem_euclid(DAY) > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::certificate::fixtures;
    use crate::identity_provider::tests::{provider_with, settings};

    const END: &str = "2030-01-01T00:00:00Z";

    fn before_end(days: i64) -> Timestamp {
        Timestamp::parse(END).unwrap().plus_millis(-days * DAY)
    }

    fn imported(days_before_end: i64) -> IdentityProvider {
        let pem = fixtures::valid(Timestamp::from_millis(0), before_end(0)).pem();
        provider_with(vec![Certificate::from_pem(&pem).unwrap()], before_end(days_before_end))
    }

    fn summary(notices: &[Notice]) -> Vec<(u16, i64)> {
        notices.iter().map(|notice| (notice.threshold, notice.days_left)).collect()
    }

    #[test]
    fn each_threshold_is_told_once_when_it_is_due() {
        let mut provider = imported(400);
        for days in THRESHOLDS.map(i64::from) {
            assert_eq!(provider.next_notice_at(), Some(before_end(days)));
            assert_eq!(summary(&provider.take_notices(before_end(days).plus_millis(-1)).0), []);
            let (notices, after) = provider.take_notices(before_end(days).plus_millis(5));
            assert_eq!(summary(&notices), [(u16::try_from(days).unwrap(), days)]);
            assert_eq!(summary(&after.take_notices(before_end(days).plus_millis(5)).0), []);
            provider = after;
        }
        assert_eq!(provider.next_notice_at(), None);
    }

    #[test]
    fn a_threshold_passed_at_import_is_not_told() {
        for (days, next) in [(91, 90), (90, 60), (60, 30), (20, 14), (1, 0)] {
            let provider = imported(days);
            assert_eq!(provider.next_notice_at(), Some(before_end(next)), "{days}");
            assert_eq!(summary(&provider.take_notices(before_end(days)).0), [], "{days}");
        }
    }

    #[test]
    fn thresholds_passed_between_two_sweeps_are_told_oldest_first_with_the_days_that_are_left() {
        let (notices, provider) = imported(100).take_notices(before_end(10));
        assert_eq!(summary(&notices), [(90, 10), (60, 10), (30, 10), (14, 10)]);
        let (notices, provider) = provider.take_notices(before_end(-3));
        assert_eq!(summary(&notices), [(7, -3), (3, -3), (1, -3), (0, -3)]);
        assert_eq!(provider.take_notices(before_end(-30)), (vec![], provider));
    }

    #[test]
    fn two_certificates_are_told_of_in_the_order_of_time() {
        let certificate = |days: i64| {
            let pem = fixtures::valid(Timestamp::from_millis(0), before_end(days)).pem();
            Certificate::from_pem(&pem).unwrap()
        };
        let provider = provider_with(vec![certificate(0), certificate(20)], before_end(200));
        assert_eq!(provider.next_notice_at(), Some(before_end(110)));
        let (notices, _) = provider.take_notices(before_end(61));
        assert_eq!(summary(&notices), [(90, 41), (90, 61), (60, 41)]);
        let (notices, _) = provider.take_notices(before_end(50));
        assert_eq!(summary(&notices), [(90, 30), (90, 50), (60, 30), (60, 50), (30, 30)]);
        assert_eq!(provider.settings(), &settings());
    }

    proptest! {
        #[test]
        fn however_sweeps_fall_each_threshold_after_import_is_told_once_in_order(
            import in 1..200_i64,
            mut sweeps in proptest::collection::vec(-50..210 * DAY / 1000, 0..20),
        ) {
            let mut provider = imported(import);
            sweeps.sort_unstable();
            sweeps.reverse();
            sweeps.retain(|seconds| seconds * 1000 <= import * DAY);
            sweeps.push(-1);
            let mut all = Vec::new();
            for seconds in sweeps {
                let now = before_end(0).plus_millis(-seconds * 1000);
                let (notices, after) = provider.take_notices(now);
                for notice in &notices {
                    prop_assert!(due_at(notice.not_after, notice.threshold) <= now);
                    prop_assert_eq!(notice.days_left, (seconds as f64 / 86_400.0).ceil() as i64);
                }
                prop_assert!(after.next_notice_at().is_none_or(|next| next > now));
                prop_assert_eq!(after.take_notices(now), (vec![], after.clone()));
                all.extend(notices.into_iter().map(|notice| i64::from(notice.threshold)));
                provider = after;
            }
            let expected: Vec<_> = THRESHOLDS.map(i64::from).into_iter().filter(|days| *days < import).collect();
            prop_assert_eq!(all, expected);
        }
    }
}
