//! Certificates for tests, made by `rcgen` when they run.

use rcgen::{Certificate, CertificateParams, DnType, KeyPair};
use time::{Duration, OffsetDateTime};

use crate::timestamp::{SECOND, Timestamp};

/// A certificate with an own P-256 key, `CN=Example IdP,O=Example`, valid for ten years from 2020 on.
pub fn p256() -> Certificate {
    valid(Timestamp::parse("2020-01-01T00:00:00Z").unwrap(), Timestamp::parse("2030-01-01T00:00:00Z").unwrap())
}

/// The same, valid at other times.
pub fn valid(not_before: Timestamp, not_after: Timestamp) -> Certificate {
    let mut params = params(not_before, not_after);
    params.distinguished_name.push(DnType::CommonName, "Example IdP");
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

/// Parameters without a name.
pub fn params(not_before: Timestamp, not_after: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = calendar(not_before);
    params.not_after = calendar(not_after);
    params
}

fn calendar(moment: Timestamp) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(moment.as_millis().div_euclid(SECOND))
}
