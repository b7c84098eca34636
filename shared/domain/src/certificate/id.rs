//! The id of a certificate.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::uuid_id;

uuid_id! {
    /// A certificate of an identity provider or of a service provider. Made by the service, the same for no two
    /// imports even of one certificate.
    CertificateId
}
