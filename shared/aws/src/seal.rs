//! Encryption with the platform's KMS key, for texts that clients keep but cannot read.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeyPairSpec;

use trustplane_domain::Failure;
use trustplane_domain::ids::TenantId;

use crate::{KmsError, Meter, kms};

/// Largest text that KMS encrypts, in bytes.
pub const MAX_SEALED: usize = 4096;

/// Time limit for the creation of a key pair. KMS searches for primes.
const KEY_PAIR: Duration = Duration::from_secs(16);

/// An RSA key pair that KMS created.
pub struct NewKeyPair {
    /// The private key in PKCS #8, DER. Use it at once and do not store it.
    pub pkcs8: Vec<u8>,
    /// The private key, encrypted by KMS, to store.
    pub sealed: Vec<u8>,
}

/// Purpose of a text, which is in its encryption context (`purpose`). A text that was encrypted for one purpose cannot
/// be decrypted for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reason of a denied request.
    AuthorizationMessage,
    /// Private key that a service provider signs with.
    ServiceProviderKey,
    /// URL and signing secrets of a webhook.
    Webhook,
}

/// The platform's KMS key.
#[derive(Debug)]
pub struct Seal {
    sdk: SdkConfig,
    meter: Arc<Meter>,
    key_id: String,
    client: OnceLock<Client>,
}

/// Errors of encryption and decryption.
#[derive(Debug)]
pub enum SealError {
    /// The text was not encrypted with this key, for this purpose.
    NotSealed,
    /// KMS failed.
    Failed(KmsError),
}

impl Seal {
    /// Creates a client for the key with this id.
    pub fn new(sdk: &SdkConfig, meter: Arc<Meter>, key_id: String) -> Self {
        Self { sdk: sdk.clone(), meter, key_id, client: OnceLock::new() }
    }

    /// Encrypts `text`, at most [`MAX_SEALED`] bytes.
    pub async fn seal(&self, purpose: Purpose, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let call = self.client().encrypt().key_id(&self.key_id).plaintext(Blob::new(text));
        let sealed = call.encryption_context("purpose", purpose.as_str()).send().await.map_err(|error| said(&error))?;
        sealed.ciphertext_blob.map(Blob::into_inner).ok_or_else(|| SealError::Failed(KmsError::without("a ciphertext")))
    }

    /// Decrypts the output of [`Self::seal`].
    pub async fn open(&self, purpose: Purpose, sealed: Vec<u8>) -> Result<Vec<u8>, SealError> {
        let call = self.client().decrypt().key_id(&self.key_id).ciphertext_blob(Blob::new(sealed));
        let opened = call.encryption_context("purpose", purpose.as_str()).send().await.map_err(|error| said(&error))?;
        opened.plaintext.map(Blob::into_inner).ok_or_else(|| SealError::Failed(KmsError::without("a plaintext")))
    }

    /// Encrypts a text of one item of a tenant. Its encryption context has the tenant and the item (`tenant_id`, `item`),
    /// so it can be decrypted for them only.
    pub async fn seal_item(
        &self,
        purpose: Purpose,
        tenant: TenantId,
        item: impl ToString,
        text: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let call = self.client().encrypt().key_id(&self.key_id).plaintext(Blob::new(text));
        let call = call
            .encryption_context("purpose", purpose.as_str())
            .encryption_context("tenant_id", tenant.to_string())
            .encryption_context("item", item.to_string());
        let sealed = call.send().await.map_err(|error| said(&error))?;
        sealed.ciphertext_blob.map(Blob::into_inner).ok_or_else(|| SealError::Unavailable("no ciphertext".to_owned()))
    }

    /// Decrypts the output of [`Self::seal_item`].
    pub async fn open_item(
        &self,
        purpose: Purpose,
        tenant: TenantId,
        item: impl ToString,
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let call = self.client().decrypt().key_id(&self.key_id).ciphertext_blob(Blob::new(sealed));
        let call = call
            .encryption_context("purpose", purpose.as_str())
            .encryption_context("tenant_id", tenant.to_string())
            .encryption_context("item", item.to_string());
        let opened = call.send().await.map_err(|error| said(&error))?;
        opened.plaintext.map(Blob::into_inner).ok_or_else(|| SealError::Unavailable("no plaintext".to_owned()))
    }

    /// Creates an RSA key pair of 2048 bits for the service provider of an identity store. Its encryption context has
    /// the tenant and the store (`tenant_id`, `identity_store_id`), so it can be decrypted for them only.
    pub async fn key_pair(&self, tenant: TenantId, store: &str) -> Result<NewKeyPair, SealError> {
        let timeouts =
            TimeoutConfig::builder().operation_timeout(KEY_PAIR).operation_attempt_timeout(KEY_PAIR / 2).build();
        let call = self.client().generate_data_key_pair().key_id(&self.key_id).key_pair_spec(DataKeyPairSpec::Rsa2048);
        let made = call
            .encryption_context("purpose", Purpose::ServiceProviderKey.as_str())
            .encryption_context("tenant_id", tenant.to_string())
            .encryption_context("identity_store_id", store)
            .customize()
            .config_override(aws_sdk_kms::config::Builder::new().timeout_config(timeouts))
            .send()
            .await
            .map_err(|error| said(&error))?;
        match (made.private_key_plaintext, made.private_key_ciphertext_blob) {
            (Some(plain), Some(sealed)) => Ok(NewKeyPair { pkcs8: plain.into_inner(), sealed: sealed.into_inner() }),
            _ => Err(SealError::Failed(KmsError::without("a key pair"))),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| kms::client(&self.sdk, &self.meter))
    }
}

impl fmt::Debug for NewKeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NewKeyPair(redacted)")
    }
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationMessage => "authorization-message",
            Self::ServiceProviderKey => "service-provider-key",
            Self::Webhook => "webhook",
        }
    }
}

fn said<E, R>(error: &SdkError<E, R>) -> SealError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: fmt::Debug,
{
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("InvalidCiphertextException" | "IncorrectKeyException" | "ValidationException") => SealError::NotSealed,
        _ => SealError::Failed(KmsError::of(error)),
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NotSealed => Self::internal(error),
            SealError::Failed(error) => error.into(),
        }
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSealed => formatter.write_str("not a text that was sealed here"),
            Self::Failed(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for SealError {}
