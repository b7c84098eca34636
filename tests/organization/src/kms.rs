//! KMS: encryption, data keys, MACs and signatures with keys of the platform's account.
//!
//! Source: the API reference of AWS Key Management Service.

mod key;
mod signing;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use self::key::{Key, key_of_ciphertext};
pub use self::key::{KeySpec, KeyState};
pub(crate) use self::signing::Rsa;
use self::signing::Unsigned;
use crate::Service;
use crate::fixture::{CREATED, PLATFORM_ACCOUNT, REGION};
use crate::role::Caller;
use crate::state::State;
use crate::wire::{Failure, constraint, input, missing};

/// Creates a key pair if the operation needs one. Takes half a second.
pub(crate) fn key_pair(operation: &str) -> Option<Rsa> {
    let mut seed = [0; 32];
    let wanted = operation == "GenerateDataKeyPair" && SystemRandom::new().fill(&mut seed).is_ok();
    wanted.then(|| Rsa::derive(&seed))
}

/// Performs an operation; `made` is the result of [`key_pair`].
pub(crate) fn call(
    state: &State,
    caller: &Caller,
    region: &str,
    operation: &str,
    body: &[u8],
    made: Option<&Rsa>,
) -> Result<Value, Failure> {
    let request: Input = input(body)?;
    let desk = Desk { state, caller, region, operation };
    match operation {
        "DescribeKey" => desk.describe_key(&request),
        "Encrypt" => desk.encrypt(&request),
        "Decrypt" => desk.decrypt(&request),
        "GenerateDataKey" => desk.generate_data_key(&request, true),
        "GenerateDataKeyWithoutPlaintext" => desk.generate_data_key(&request, false),
        "GenerateDataKeyPair" => desk.generate_data_key_pair(&request, made.ok_or_else(internal)?),
        "GenerateMac" => desk.generate_mac(&request),
        "VerifyMac" => desk.verify_mac(&request),
        "Sign" => desk.sign(&request),
        "GetPublicKey" => desk.public_key(&request),
        _ => Err(Failure::unknown_operation(Service::Kms, operation)),
    }
}

struct Desk<'a> {
    state: &'a State,
    caller: &'a Caller,
    region: &'a str,
    operation: &'a str,
}

/// The members of all operations. Each operation reads its own.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
    plaintext: Option<String>,
    ciphertext_blob: Option<String>,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
    encryption_algorithm: Option<String>,
    key_spec: Option<String>,
    key_pair_spec: Option<String>,
    number_of_bytes: Option<i64>,
    message: Option<String>,
    mac: Option<String>,
    mac_algorithm: Option<String>,
    message_type: Option<String>,
    signing_algorithm: Option<String>,
}

impl Desk<'_> {
    fn describe_key(&self, request: &Input) -> Result<Value, Failure> {
        let key = self.key(request)?;
        let (list, algorithms) = key.spec.algorithms();
        Ok(json!({ "KeyMetadata": {
            "AWSAccountId": PLATFORM_ACCOUNT,
            "KeyId": key.id,
            "Arn": key.arn(),
            "CreationDate": CREATED,
            "Enabled": key.state != KeyState::Disabled && key.state != KeyState::PendingDeletion,
            "Description": "",
            "KeyUsage": key.spec.usage(),
            "KeyState": match key.state {
                KeyState::Disabled => "Disabled",
                KeyState::PendingDeletion => "PendingDeletion",
                _ => "Enabled",
            },
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "CustomerMasterKeySpec": key.spec.as_str(),
            "KeySpec": key.spec.as_str(),
            "MultiRegion": false,
            list: algorithms,
        }}))
    }

    fn encrypt(&self, request: &Input) -> Result<Value, Failure> {
        let key = self.usable(request, "ENCRYPT_DECRYPT")?;
        symmetric(request)?;
        let plaintext = blob(request.plaintext.as_deref(), "plaintext", 4096)?;
        let ciphertext = key.encrypt(&plaintext, &request.encryption_context).ok_or_else(internal)?;
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(ciphertext),
            "KeyId": key.arn(),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }

    fn decrypt(&self, request: &Input) -> Result<Value, Failure> {
        let ciphertext = blob(request.ciphertext_blob.as_deref(), "ciphertextBlob", 6144)?;
        symmetric(request)?;
        let invalid = || Failure::new("InvalidCiphertextException", "");
        let (id, _) = key_of_ciphertext(&ciphertext).ok_or_else(invalid)?;
        let key = self.state.keys.get(id).ok_or_else(invalid)?;
        if request.key_id.is_some() && self.usable(request, "ENCRYPT_DECRYPT")?.id != key.id {
            let message = "The key ID in the request does not identify a CMK that can perform this operation.";
            return Err(Failure::new("IncorrectKeyException", message));
        }
        self.allow(key)?;
        self.check_state(key)?;
        let plaintext = key.decrypt(&ciphertext, &request.encryption_context).ok_or_else(invalid)?;
        Ok(json!({
            "KeyId": key.arn(),
            "Plaintext": STANDARD.encode(plaintext),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }

    fn generate_data_key(&self, request: &Input, with_plaintext: bool) -> Result<Value, Failure> {
        let key = self.usable(request, "ENCRYPT_DECRYPT")?;
        let length = match (request.key_spec.as_deref(), request.number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(n @ 1..=1024)) => usize::try_from(n).unwrap_or(32),
            (None, Some(n)) => {
                let text = constraint(&n.to_string(), "numberOfBytes", "have value less than or equal to 1024");
                return Err(validation(text));
            }
            (Some(spec), None) => {
                return Err(validation(constraint(spec, "keySpec", "satisfy enum value set: [AES_256, AES_128]")));
            }
            _ => {
                return Err(validation("Please specify either number of bytes or key spec.".into()));
            }
        };
        let mut plaintext = vec![0; length];
        SystemRandom::new().fill(&mut plaintext).map_err(|_| internal())?;
        let ciphertext = key.encrypt(&plaintext, &request.encryption_context).ok_or_else(internal)?;
        let mut body = json!({ "CiphertextBlob": STANDARD.encode(ciphertext), "KeyId": key.arn() });
        if let (true, Some(body)) = (with_plaintext, body.as_object_mut()) {
            body.insert("Plaintext".into(), STANDARD.encode(plaintext).into());
        }
        Ok(body)
    }

    /// Returns a new RSA key pair, with its private key also encrypted.
    fn generate_data_key_pair(&self, request: &Input, made: &Rsa) -> Result<Value, Failure> {
        let key = self.usable(request, "ENCRYPT_DECRYPT")?;
        match request.key_pair_spec.as_deref() {
            Some("RSA_2048") => {}
            Some(other) => {
                return Err(validation(constraint(other, "keyPairSpec", "satisfy enum value set: [RSA_2048]")));
            }
            None => return Err(validation(missing("keyPairSpec"))),
        }
        let private_key = made.private_key().ok_or_else(internal)?;
        let ciphertext = key.encrypt(&private_key, &request.encryption_context).ok_or_else(internal)?;
        Ok(json!({
            "KeyId": key.arn(),
            "KeyPairSpec": "RSA_2048",
            "PrivateKeyCiphertextBlob": STANDARD.encode(ciphertext),
            "PrivateKeyPlaintext": STANDARD.encode(private_key),
            "PublicKey": STANDARD.encode(made.public_key()),
        }))
    }

    fn generate_mac(&self, request: &Input) -> Result<Value, Failure> {
        let key = self.usable(request, "GENERATE_VERIFY_MAC")?;
        let message = blob(request.message.as_deref(), "message", 4096)?;
        mac_algorithm(request, key)?;
        Ok(json!({ "Mac": STANDARD.encode(key.mac(&message)), "MacAlgorithm": "HMAC_SHA_256", "KeyId": key.arn() }))
    }

    fn verify_mac(&self, request: &Input) -> Result<Value, Failure> {
        let key = self.usable(request, "GENERATE_VERIFY_MAC")?;
        let message = blob(request.message.as_deref(), "message", 4096)?;
        let mac = blob(request.mac.as_deref(), "mac", 6144)?;
        mac_algorithm(request, key)?;
        if !key.verifies_mac(&message, &mac) {
            return Err(Failure::new("KMSInvalidMacException", ""));
        }
        Ok(json!({ "KeyId": key.arn(), "MacValid": true, "MacAlgorithm": "HMAC_SHA_256" }))
    }

    fn sign(&self, request: &Input) -> Result<Value, Failure> {
        let key = self.usable(request, "SIGN_VERIFY")?;
        let message = blob(request.message.as_deref(), "message", 4096)?;
        let is_digest = match request.message_type.as_deref() {
            None | Some("RAW") => false,
            Some("DIGEST") => true,
            Some(other) => {
                return Err(validation(constraint(other, "messageType", "satisfy enum value set: [RAW, DIGEST]")));
            }
        };
        let algorithm = request.signing_algorithm.as_deref().ok_or_else(|| validation(missing("signingAlgorithm")))?;
        let key_pair = key.key_pair().ok_or_else(internal)?;
        let signature = key_pair.sign(algorithm, &message, is_digest).map_err(|error| match error {
            Unsigned::Algorithm => Failure::new(
                "InvalidKeyUsageException",
                format!("Algorithm {algorithm} is incompatible with key spec {}.", key.spec.as_str()),
            ),
            Unsigned::DigestLength => validation(format!("Digest is invalid length for algorithm {algorithm}.")),
            Unsigned::Failed => internal(),
        })?;
        Ok(json!({
            "KeyId": key.arn(),
            "Signature": STANDARD.encode(signature),
            "SigningAlgorithm": algorithm,
        }))
    }

    fn public_key(&self, request: &Input) -> Result<Value, Failure> {
        let key = self.key(request)?;
        self.check_state(key)?;
        let key_pair = key.key_pair().ok_or_else(|| {
            let message = format!("{} is not asymmetric.", key.arn());
            Failure::new("UnsupportedOperationException", message)
        })?;
        let (list, algorithms) = key.spec.algorithms();
        Ok(json!({
            "KeyId": key.arn(),
            "PublicKey": STANDARD.encode(key_pair.public_key()),
            "CustomerMasterKeySpec": key.spec.as_str(),
            "KeySpec": key.spec.as_str(),
            "KeyUsage": key.spec.usage(),
            list: algorithms,
        }))
    }

    /// Returns the request's key, if its usage permits the operation.
    fn usable(&self, request: &Input, usage: &str) -> Result<&Key, Failure> {
        let key = self.key(request)?;
        self.check_state(key)?;
        if key.spec.usage() != usage {
            let message =
                format!("{} key usage is {} which is not valid for {}.", key.arn(), key.spec.usage(), self.operation);
            return Err(Failure::new("InvalidKeyUsageException", message));
        }
        Ok(key)
    }

    /// Finds the request's key by its id, ARN or alias.
    fn key(&self, request: &Input) -> Result<&Key, Failure> {
        let name = request.key_id.as_deref().ok_or_else(|| validation(missing("keyId")))?;
        let (region, account, resource) = match name.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, "kms", region, account, resource] if partition.starts_with("aws") => {
                (*region, *account, (*resource).to_owned())
            }
            ["arn", ..] => {
                return Err(Failure::new("NotFoundException", format!("Invalid arn {name}")));
            }
            _ if name.starts_with("alias/") => (self.region, self.caller.account.as_str(), name.to_owned()),
            _ => (self.region, self.caller.account.as_str(), format!("key/{name}")),
        };
        let key = match resource.strip_prefix("alias/") {
            Some(alias) => self.state.aliases.get(alias).and_then(|id| self.state.keys.get(id)),
            None => resource.strip_prefix("key/").and_then(|id| self.state.keys.get(id)),
        };
        let here = region == REGION && self.region == REGION && account == PLATFORM_ACCOUNT;
        let key = key.filter(|_| here).ok_or_else(|| {
            let arn = format!("arn:aws:kms:{region}:{account}:{resource}");
            let message = if resource.starts_with("alias/") {
                format!("Alias {arn} is not found.")
            } else {
                format!("Key '{arn}' does not exist")
            };
            Failure::new("NotFoundException", message)
        })?;
        self.allow(key)?;
        Ok(key)
    }

    /// Allows only the platform's own account to use its keys.
    fn allow(&self, key: &Key) -> Result<(), Failure> {
        let action = format!("kms:{}", self.operation);
        if self.caller.account != PLATFORM_ACCOUNT || key.state == KeyState::Denying {
            let message = format!(
                "User: {} is not authorized to perform: {action} on this resource because the resource does not exist in \
                 this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
                self.caller.arn
            );
            return Err(Failure::new("AccessDeniedException", message));
        }
        self.state.authorize(self.caller, self.region, &action, &[&key.arn()])
    }

    fn check_state(&self, key: &Key) -> Result<(), Failure> {
        match key.state {
            KeyState::Enabled | KeyState::Denying => Ok(()),
            KeyState::Disabled => Err(Failure::new("DisabledException", format!("{} is disabled.", key.arn()))),
            KeyState::PendingDeletion => {
                Err(Failure::new("KMSInvalidStateException", format!("{} is pending deletion.", key.arn())))
            }
            KeyState::Throttled => Err(Failure::throttled(Service::Kms)),
            KeyState::Failing => Err(internal()),
        }
    }
}

fn validation(message: String) -> Failure {
    Failure::new("ValidationException", message)
}

fn internal() -> Failure {
    Failure::internal(Service::Kms)
}

/// Decodes a member that contains between one and `max` bytes.
fn blob(value: Option<&str>, member: &str, max: usize) -> Result<Vec<u8>, Failure> {
    let value = value.ok_or_else(|| validation(missing(member)))?;
    let bytes = STANDARD
        .decode(value)
        .map_err(|error| Failure::front_end("SerializationException", format!("{member}: {error}")))?;
    match bytes.len() {
        0 => Err(validation(constraint("", member, "have length greater than or equal to 1"))),
        // KMS does not show the sent value either.
        n if n > max => {
            Err(validation(constraint("*****", member, &format!("have length less than or equal to {max}"))))
        }
        _ => Ok(bytes),
    }
}

fn symmetric(request: &Input) -> Result<(), Failure> {
    match request.encryption_algorithm.as_deref() {
        None | Some("SYMMETRIC_DEFAULT") => Ok(()),
        Some(other) => Err(Failure::new(
            "InvalidKeyUsageException",
            format!("Algorithm {other} is incompatible with key spec SYMMETRIC_DEFAULT."),
        )),
    }
}

fn mac_algorithm(request: &Input, key: &Key) -> Result<(), Failure> {
    match request.mac_algorithm.as_deref() {
        Some("HMAC_SHA_256") => Ok(()),
        None => Err(validation(missing("macAlgorithm"))),
        Some(other) => Err(Failure::new(
            "InvalidKeyUsageException",
            format!("Algorithm {other} is incompatible with key spec {}.", key.spec.as_str()),
        )),
    }
}
