//! Secrets of access keys, derived with a KMS key for message authentication codes. The key never leaves KMS.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::MacAlgorithmSpec;
use trustplane_domain::access_key::{AccessKeyId, SecretAccessKey};
use trustplane_domain::temporary_key::TemporaryKey;

use crate::{KmsError, Meter, kms};

/// Time for which a process caches a secret. A secret never becomes wrong: the state of its credential is read for each
/// request.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// Largest number of secrets in a process's cache.
const MAX_KEPT: usize = 1000;

/// Secrets by the text that they are derived from, each with the end of its time in the cache.
type Kept = HashMap<String, (SecretAccessKey, Instant)>;

/// Derives the secrets of access keys.
pub struct Deriver {
    sdk: SdkConfig,
    meter: Arc<Meter>,
    key_id: String,
    client: OnceLock<Client>,
    kept: Mutex<Kept>,
}

impl Deriver {
    /// Creates a client for the KMS key with this id, an `HMAC_256` key.
    pub fn new(sdk: &SdkConfig, meter: Arc<Meter>, key_id: String) -> Self {
        Self { sdk: sdk.clone(), meter, key_id, client: OnceLock::new(), kept: Mutex::default() }
    }

    /// Derives the secret of the access key with this id. Makes one call, or none if the secret was derived in the last
    /// five minutes.
    ///
    /// An id has a checksum, so most invented ids are refused before this call.
    pub async fn derive(&self, id: AccessKeyId) -> Result<SecretAccessKey, KmsError> {
        self.derived(format!("trustplane secret access key {id}")).await
    }

    /// Derives the secret of a temporary access key, from its id and security token together.
    pub async fn derive_temporary(&self, key: &TemporaryKey) -> Result<SecretAccessKey, KmsError> {
        self.derived(format!("trustplane temporary secret access key {key}")).await
    }

    async fn derived(&self, from: String) -> Result<SecretAccessKey, KmsError> {
        let kept =
            self.kept().get(&from).filter(|(_, until)| Instant::now() < *until).map(|(secret, _)| secret.clone());
        if let Some(secret) = kept {
            return Ok(secret);
        }
        let secret = SecretAccessKey::from_mac(&self.mac(&from).await?);
        keep(&mut self.kept(), from, secret.clone(), Instant::now() + KEPT);
        Ok(secret)
    }

    async fn mac(&self, message: &str) -> Result<[u8; 32], KmsError> {
        let call = self.client().generate_mac().key_id(&self.key_id).message(Blob::new(message));
        let made = call.mac_algorithm(MacAlgorithmSpec::HmacSha256).send().await;
        let made = made.map_err(|error| KmsError::of(&error))?;
        let mac = made.mac.map(Blob::into_inner).and_then(|mac| <[u8; 32]>::try_from(mac).ok());
        mac.ok_or_else(|| KmsError::without("a code of 256 bits"))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| kms::client(&self.sdk, &self.meter))
    }
}

/// Adds a secret to the cache. A full cache loses the secret that would expire first.
fn keep(kept: &mut Kept, from: String, secret: SecretAccessKey, until: Instant) {
    if kept.len() >= MAX_KEPT {
        let first = kept.iter().min_by_key(|(_, (_, until))| *until).map(|(from, _)| from.clone());
        if let Some(first) = first {
            kept.remove(&first);
        }
    }
    kept.insert(from, (secret, until));
}

impl fmt::Debug for Deriver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Deriver(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_loses_one_secret() {
        let (mut kept, now) = (Kept::new(), Instant::now());
        let secret = SecretAccessKey::from_mac(&[1; 32]);
        for index in 0..=MAX_KEPT {
            let until = now + Duration::from_millis(u64::try_from(index).unwrap());
            keep(&mut kept, index.to_string(), secret.clone(), until);
        }
        assert_eq!(kept.len(), MAX_KEPT);
        assert!(!kept.contains_key("0") && kept.contains_key("1") && kept.contains_key(&MAX_KEPT.to_string()));
    }
}
