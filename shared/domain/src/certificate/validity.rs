//! The time in which a certificate is valid.

use x509_cert::certificate::Raw;
use x509_cert::time::Validity;

use super::Fault;
use crate::timestamp::Timestamp;

/// The first and the last moment of a certificate.
pub(super) fn read(validity: &Validity<Raw>) -> Result<(Timestamp, Timestamp), Fault> {
    let not_before = moment(&validity.not_before)?;
    let not_after = moment(&validity.not_after)?;
    if not_after < not_before { Err(Fault::NeverValid) } else { Ok((not_before, not_after)) }
}

fn moment(time: &x509_cert::time::Time) -> Result<Timestamp, Fault> {
    let millis = time.to_unix_duration().as_millis();
    i64::try_from(millis)
        .map(Timestamp::from_millis)
        .map_err(|_| Fault::NotX509("its validity is out of range".to_owned()))
}
