//! The HTTP client and SDK configuration that all AWS clients share.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_types::origin::Origin;

use crate::{environment, http};

/// The roots of Amazon Trust Services, which every AWS endpoint of the standard partition chains to. The system's 144
/// would cost more start-up time than all else together.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// Names a file of PEM certificates to trust instead, as in the AWS CLI.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// The configuration that the environment gives: region, credentials, endpoints (`AWS_ENDPOINT_URL` and
/// `AWS_ENDPOINT_URL_<SERVICE>`), FIPS and dual stack (`AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`). Nothing else is
/// looked for: no profile, no metadata of a container or an instance.
///
/// A call takes at most 10 seconds, an attempt 3, a connection 1.5; three attempts in all. `endpoint` takes the place of
/// all endpoints.
pub async fn load(endpoint: Option<&str>) -> Result<SdkConfig, std::io::Error> {
    let pem = match std::env::var_os(CA_BUNDLE) {
        Some(path) => std::fs::read(path)?,
        None => AMAZON_ROOTS.to_vec(),
    };
    let sdk = sdk_config(pem).await;
    Ok(match endpoint {
        Some(endpoint) => sdk.into_builder().endpoint_url(endpoint).build(),
        None => sdk,
    })
}

/// As [`load`], trusting the certificates of `pem`.
pub async fn sdk_config(pem: Vec<u8>) -> SdkConfig {
    let mut sdk = environment::configuration().await;
    // As the SDK's own loader does, so that a service's default does not take its place.
    sdk.insert_origin("retry_config", Origin::shared_config());
    sdk.http_client(http::client(&pem))
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_millis(1_500))
                .operation_attempt_timeout(Duration::from_secs(3))
                .operation_timeout(Duration::from_secs(10))
                .build(),
        )
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The certificates of the file, as DER.
    fn ours() -> BTreeSet<Vec<u8>> {
        let text = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
        blocks
            .map(|block| {
                let body = block.split("-----END").next().unwrap();
                STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap()
            })
            .collect()
    }

    #[test]
    fn the_roots_are_those_of_amazon_in_mozillas_list() {
        let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| root.as_ref().to_vec());
        let named = |root: &Vec<u8>, name: &[u8]| root.windows(name.len()).any(|part| part == name);
        let amazon: BTreeSet<_> = mozilla
            .filter(|root| named(root, b"Amazon Root CA") || named(root, b"Starfield Services Root Certificate"))
            .collect();
        assert!(!amazon.is_empty());
        assert_eq!(ours(), amazon, "Amazon's roots have changed: bring amazon_roots.pem up to date");
    }
}
