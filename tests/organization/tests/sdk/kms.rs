use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeyPairSpec, DataKeySpec, MacAlgorithmSpec, MessageType, SigningAlgorithmSpec};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use trustplane_organization::{KeySpec, KeyState, Organization, ROLE_ARN};

use crate::local::{As, Local};

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const MAC_KEY: &str = "2234abcd-12ab-34cd-56ef-1234567890ab";

async fn start() -> Local {
    let local = Local::start().await;
    add_keys(&local.organization);
    local
}

fn add_keys(organization: &Organization) {
    organization.add_key(KEY, KeySpec::SymmetricDefault);
    organization.add_key(MAC_KEY, KeySpec::Hmac256);
    organization.add_alias("trustplane", KEY);
}

#[tokio::test]
async fn ciphertexts_decrypt_after_a_restart() {
    let (local, restarted) = (start().await, start().await);
    let client = local.kms(&As::platform());
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{KEY}");
    let alias_arn = "arn:aws:kms:us-east-1:000000000000:alias/trustplane";
    for name in [KEY, &arn, "alias/trustplane", alias_arn] {
        let request = client.encrypt().key_id(name).plaintext(Blob::new("secret")).encryption_context("tenant", "one");
        let encrypted = request.send().await.unwrap();
        assert_eq!(encrypted.key_id(), Some(arn.as_str()));
        let blob = encrypted.ciphertext_blob.unwrap();
        assert!(!blob.as_ref().windows(6).any(|window| window == b"secret"));

        let decrypt = || restarted.kms(&As::platform()).decrypt().ciphertext_blob(blob.clone());
        let decrypted = decrypt().encryption_context("tenant", "one").send().await.unwrap();
        assert_eq!(decrypted.plaintext().unwrap().as_ref(), b"secret");
        let error = decrypt().encryption_context("tenant", "two").send().await.unwrap_err();
        assert!(error.into_service_error().is_invalid_ciphertext_exception());
        let error = decrypt().send().await.unwrap_err();
        assert!(error.into_service_error().is_invalid_ciphertext_exception());
    }
    let error = client.decrypt().ciphertext_blob(Blob::new("nonsense")).send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_ciphertext_exception());
}

#[tokio::test]
async fn a_ciphertext_of_another_key_is_told() {
    let local = start().await;
    local.organization.add_key("another", KeySpec::SymmetricDefault);
    let client = local.kms(&As::platform());
    let blob = client.encrypt().key_id(KEY).plaintext(Blob::new("x")).send().await.unwrap().ciphertext_blob.unwrap();
    let error = client.decrypt().key_id("another").ciphertext_blob(blob).send().await.unwrap_err();
    assert!(error.into_service_error().is_incorrect_key_exception());
}

#[tokio::test]
async fn data_keys() {
    let local = start().await;
    let client = local.kms(&As::platform());
    let made = client.generate_data_key().key_id(KEY).key_spec(DataKeySpec::Aes256).send().await.unwrap();
    assert_eq!(made.plaintext().unwrap().as_ref().len(), 32);
    let decrypted = client.decrypt().ciphertext_blob(made.ciphertext_blob.unwrap()).send().await.unwrap();
    assert_eq!(decrypted.plaintext(), made.plaintext.as_ref());
    let made = client.generate_data_key_without_plaintext().key_id(KEY).number_of_bytes(7).send().await.unwrap();
    let decrypted = client.decrypt().ciphertext_blob(made.ciphertext_blob.unwrap()).send().await.unwrap();
    assert_eq!(decrypted.plaintext().unwrap().as_ref().len(), 7);
    let error = client.generate_data_key().key_id(KEY).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn data_key_pairs() {
    let local = start().await;
    let client = local.kms(&As::platform());
    let pair = |spec| client.generate_data_key_pair().key_id(KEY).key_pair_spec(spec).encryption_context("a", "b");
    let made = pair(DataKeyPairSpec::Rsa2048).send().await.unwrap();
    let sealed = made.private_key_ciphertext_blob.unwrap();
    let decrypt = || client.decrypt().ciphertext_blob(sealed.clone());
    assert!(decrypt().send().await.unwrap_err().into_service_error().is_invalid_ciphertext_exception());
    let decrypted = decrypt().encryption_context("a", "b").send().await.unwrap();
    assert_eq!(decrypted.plaintext(), made.private_key_plaintext.as_ref());
    // Another library accepts the key, checks the consistency of its numbers, and signs with it.
    let key = RsaKeyPair::from_pkcs8(made.private_key_plaintext.unwrap().as_ref()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"message", &mut signature).unwrap();
    let public = made.public_key.unwrap();
    let (_, numbers) = public.as_ref().split_at(24);
    assert!(UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, numbers).verify(b"message", &signature).is_ok());
    assert_eq!(key.public().as_ref(), numbers);
    let error = pair(DataKeyPairSpec::Rsa4096).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn macs_are_the_same_after_a_restart() {
    let (local, restarted) = (start().await, start().await);
    let mac = async |local: &Local, message: &str| {
        let client = local.kms(&As::platform());
        let request = client.generate_mac().key_id(MAC_KEY).message(Blob::new(message));
        request.mac_algorithm(MacAlgorithmSpec::HmacSha256).send().await.unwrap().mac.unwrap()
    };
    let one = mac(&local, "message").await;
    assert_eq!(one.as_ref().len(), 32);
    assert_eq!(one, mac(&restarted, "message").await);
    assert_ne!(one, mac(&local, "another").await);

    let client = local.kms(&As::platform());
    let verify = |message: &str| {
        let request = client.verify_mac().key_id(MAC_KEY).message(Blob::new(message)).mac(one.clone());
        request.mac_algorithm(MacAlgorithmSpec::HmacSha256).send()
    };
    assert!(verify("message").await.unwrap().mac_valid());
    assert!(verify("another").await.unwrap_err().into_service_error().is_kms_invalid_mac_exception());
}

#[tokio::test]
async fn keys_are_for_what_they_are_for() {
    let local = start().await;
    let client = local.kms(&As::platform());
    let error = client.encrypt().key_id(MAC_KEY).plaintext(Blob::new("x")).send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_key_usage_exception());
    let request = client.generate_mac().key_id(KEY).message(Blob::new("x")).mac_algorithm(MacAlgorithmSpec::HmacSha256);
    assert!(request.send().await.unwrap_err().into_service_error().is_invalid_key_usage_exception());
    let request =
        client.generate_mac().key_id(MAC_KEY).message(Blob::new("x")).mac_algorithm(MacAlgorithmSpec::HmacSha512);
    assert!(request.send().await.unwrap_err().into_service_error().is_invalid_key_usage_exception());
    let metadata = client.describe_key().key_id(MAC_KEY).send().await.unwrap().key_metadata.unwrap();
    assert_eq!(metadata.mac_algorithms(), [MacAlgorithmSpec::HmacSha256]);
    assert!(metadata.enabled());
}

#[tokio::test]
async fn keys_fail_as_told() {
    let local = start().await;
    let client = local.kms(&As::platform());
    let encrypt = async |key: &str| {
        let request = client.encrypt().key_id(key).plaintext(Blob::new("x"));
        request.send().await.map(|_| ()).map_err(|error| error.code().unwrap_or("none").to_owned())
    };
    for (state, code) in [
        (KeyState::Disabled, "DisabledException"),
        (KeyState::PendingDeletion, "KMSInvalidStateException"),
        (KeyState::Denying, "AccessDeniedException"),
        (KeyState::Throttled, "ThrottlingException"),
        (KeyState::Failing, "KMSInternalException"),
    ] {
        local.organization.set_key_state(KEY, state);
        assert_eq!(encrypt(KEY).await, Err(code.to_owned()));
    }
    local.organization.set_key_state(KEY, KeyState::Enabled);
    assert_eq!(encrypt(KEY).await, Ok(()));
    assert_eq!(encrypt("no-such-key").await, Err("NotFoundException".into()));
    assert_eq!(encrypt("alias/none").await, Err("NotFoundException".into()));
    let error = client.encrypt().key_id(KEY).plaintext(Blob::new(vec![0; 4097])).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn customers_cannot_use_the_platform_s_keys() {
    let local = start().await;
    let client = local.kms(&local.assume(ROLE_ARN).await);
    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{KEY}");
    let error = client.encrypt().key_id(arn).plaintext(Blob::new("x")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    let error = client.encrypt().key_id(KEY).plaintext(Blob::new("x")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("NotFoundException"));
}

#[tokio::test]
async fn signatures_verify_with_the_public_key() {
    let (local, restarted) = (start().await, start().await);
    for local in [&local, &restarted] {
        local.organization.add_key("signing", KeySpec::EccNistP256);
    }
    let client = local.kms(&As::platform());
    let public = restarted.kms(&As::platform()).get_public_key().key_id("signing").send().await.unwrap();
    assert_eq!(public.signing_algorithms(), [SigningAlgorithmSpec::EcdsaSha256]);
    let info = public.public_key.unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &info.as_ref()[26..]);
    let sign = |message: &'static str, algorithm: SigningAlgorithmSpec| {
        client.sign().key_id("signing").message(Blob::new(message)).signing_algorithm(algorithm)
    };
    let signed = sign("message", SigningAlgorithmSpec::EcdsaSha256).send().await.unwrap().signature.unwrap();
    public.verify(b"message", signed.as_ref()).unwrap();
    let error = sign("message", SigningAlgorithmSpec::RsassaPssSha256).send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_key_usage_exception());
    let error =
        sign("short", SigningAlgorithmSpec::EcdsaSha256).message_type(MessageType::Digest).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
    let error = client.get_public_key().key_id(KEY).send().await.unwrap_err();
    assert!(error.into_service_error().is_unsupported_operation_exception());
}
