//! Notices that a certificate of a service provider expires soon.

use super::ServiceProvider;
use crate::certificate::CertificateId;
use crate::expiry::{Notices, days_left};
use crate::timestamp::Timestamp;

/// Days before the expiry at which a notice is due.
pub const THRESHOLDS: [u16; 7] = [90, 60, 30, 14, 7, 3, 1];

/// A notice that a certificate expires soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiryNotice {
    /// Id of the certificate.
    pub certificate: CertificateId,
    /// Days before the expiry at which this notice was due.
    pub threshold: u16,
    /// Days left, rounded up.
    pub days_left: i64,
}

impl ServiceProvider {
    /// Returns the time of the next notice; `None` if none is left.
    pub fn next_notice_at(&self) -> Option<Timestamp> {
        self.certificates.iter().filter_map(|one| one.notices().next_at()).min()
    }

    /// Takes the notices that are due at `now`. Returns them, and the service provider without them.
    pub fn take_notices(&self, now: Timestamp) -> (Vec<ExpiryNotice>, Self) {
        let (mut notices, mut after) = (Vec::new(), self.clone());
        for certificate in &mut after.certificates {
            if let Some(threshold) = certificate.notices().due(now) {
                certificate.noticed = Some(threshold);
                let days_left = days_left(certificate.certificate.not_after(), now);
                notices.push(ExpiryNotice { certificate: certificate.id, threshold, days_left });
            }
        }
        (notices, after)
    }
}

impl super::SigningCertificate {
    fn notices(&self) -> Notices {
        let end = self.certificate.not_after();
        Notices { thresholds: &THRESHOLDS, end, since: self.created_at, given: self.noticed }
    }
}
