//! The archive of seals: an S3 bucket whose objects nobody can delete or replace before their time (Object Lock).
//!
//! The SDK's client of S3 would make a function twice as large. Two calls are enough here, signed by the SDK's own signer:
//! `PutObject`, and `ListObjectVersions`, which also shows objects that a delete marker hides.

use std::sync::Arc;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_types::service_config::ServiceConfigKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use trustplane_domain::Timestamp;
use trustplane_domain::audit_chain::ArchivedSeal;
use trustplane_domain::ids::TenantId;

use crate::said::chain;
use crate::{Counting, Meter};

/// Versions of a page: the newest seal is among the first, unless delete markers were put before it.
const PAGE: usize = 20;
/// Larger than the number of any seal. Keys count down from it, so that the newest seal of a tenant is listed first.
const END: u64 = 999_999_999_999;
/// Namespace of the responses of S3.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The archive.
#[derive(Debug)]
pub struct Archive {
    sdk: SdkConfig,
    meter: Arc<Meter>,
    /// Scheme, host and the beginning of the path.
    base: String,
}

/// The newest seal of a tenant in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// The seal.
    pub seal: ArchivedSeal,
    /// The time since which it is there.
    pub at: Timestamp,
}

/// A call to the archive that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveError(String);

impl std::fmt::Display for ArchiveError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the archive of seals: {}", self.0)
    }
}

impl std::error::Error for ArchiveError {}

/// A request to S3.
#[derive(Clone, Debug)]
struct Call {
    method: &'static str,
    /// The path with the query.
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Archive {
    /// Creates a client of the bucket with this host name. `meter` counts its calls.
    pub fn new(sdk: &SdkConfig, meter: Arc<Meter>, host: &str) -> Self {
        let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        let of_service = key.ok().and_then(|key| sdk.service_config()?.load_config(key));
        // The variable of the service precedes that of all services.
        let endpoint = of_service.or_else(|| sdk.endpoint_url().map(str::to_owned));
        let base = match endpoint {
            Some(endpoint) => format!("{}/{host}", endpoint.trim_end_matches('/')),
            None => format!("https://{host}"),
        };
        Self { sdk: sdk.clone(), meter, base }
    }

    /// Returns the newest seal of a tenant.
    ///
    /// # Errors
    /// [`ArchiveError`] if S3 is not reached or refuses the call, and if there is no seal under delete markers.
    pub async fn newest(&self, tenant: TenantId) -> Result<Option<Archived>, ArchiveError> {
        let path = format!("?max-keys={PAGE}&prefix=seals%2F{tenant}%2F&versions=");
        let call = Call { method: "GET", path: format!("/{path}"), headers: Vec::new(), body: String::new() };
        newest(&self.send("ListObjectVersions", call).await?)
    }

    /// Adds a seal of a tenant. The bucket locks it.
    ///
    /// # Errors
    /// [`ArchiveError`] if S3 is not reached or refuses the call.
    pub async fn add(&self, tenant: TenantId, seal: &ArchivedSeal, now: Timestamp) -> Result<(), ArchiveError> {
        let body = json!({"tenant_id": tenant, "seal": seal.number, "hash": seal.hash, "archived_at": now}).to_string();
        let checksum = STANDARD.encode(Sha256::digest(&body));
        // A bucket that locks objects takes none without a checksum ("PutObject", Amazon S3 API Reference).
        let headers = [("content-type", "application/json"), ("x-amz-checksum-sha256", &checksum)];
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let call = Call { method: "PUT", path: format!("/{}", key(tenant, seal)), headers, body };
        self.send("PutObject", call).await.map(drop)
    }

    /// Returns the mode and the days of the bucket's locks; `None` if it locks no object by itself.
    ///
    /// # Errors
    /// [`ArchiveError`] if S3 is not reached or refuses the call.
    pub async fn lock(&self) -> Result<Option<(String, String)>, ArchiveError> {
        let call = Call { method: "GET", path: "/?object-lock=".to_owned(), headers: Vec::new(), body: String::new() };
        lock(&self.send("GetObjectLockConfiguration", call).await?)
    }

    async fn send(&self, name: &'static str, mut call: Call) -> Result<String, ArchiveError> {
        let signature = self.signature(&call).await?;
        call.headers.extend(signature);
        let failed = |what: &str| ArchiveError(format!("{name}: the configuration has no {what}"));
        let operation = Operation::builder()
            .service_name("s3")
            .operation_name(name)
            .http_client(self.sdk.http_client().ok_or_else(|| failed("HTTP client"))?)
            .endpoint_url(&self.base)
            .no_auth()
            // A run that fails is repeated.
            .no_retry()
            .timeout_config(self.sdk.timeout_config().ok_or_else(|| failed("time limits"))?.clone())
            .interceptor(Counting::other(&self.meter))
            .serializer(|call: Call| request(&call))
            .deserializer(response)
            .build();
        let sent = operation.invoke(call).await;
        sent.map_err(|error| match error.as_service_error() {
            Some(ArchiveError(message)) => ArchiveError(format!("{name}: {message}")),
            None => ArchiveError(format!("{name}: {}", chain(&error))),
        })
    }

    /// Returns the headers that sign a call.
    async fn signature(&self, call: &Call) -> Result<Vec<(String, String)>, ArchiveError> {
        let fault = |error: &dyn std::error::Error| ArchiveError(format!("signature: {}", chain(error)));
        let missing = |what: &str| ArchiveError(format!("signature: there is no {what}"));
        let provider = self.sdk.credentials_provider().ok_or_else(|| missing("credential"))?;
        let identity = provider.provide_credentials().await.map_err(|error| fault(&error))?.into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.sdk.region().ok_or_else(|| missing("region"))?.as_ref())
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| fault(&error))?
            .into();
        let headers = call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let url = format!("{}{}", self.base, call.path);
        let body = SignableBody::Bytes(call.body.as_bytes());
        let signable = SignableRequest::new(call.method, url, headers, body).map_err(|error| fault(&error))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| fault(&error))?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// The key of a seal's object: letters, digits, `-` and `/` only.
fn key(tenant: TenantId, seal: &ArchivedSeal) -> String {
    format!("seals/{tenant}/{:012}-{}-{}", END.saturating_sub(seal.number), seal.number, seal.hash)
}

fn request(call: &Call) -> Result<HttpRequest, aws_smithy_runtime_api::box_error::BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(call.body.as_str()));
    request.set_method(call.method)?;
    request.set_uri(call.path.as_str())?;
    for (name, value) in &call.headers {
        let _ = request.headers_mut().try_insert(name.clone(), value.clone())?;
    }
    Ok(request)
}

fn response(response: &HttpResponse) -> Result<String, OrchestratorError<ArchiveError>> {
    let body = response.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    if response.status().is_success() {
        Ok(body.into_owned())
    } else {
        let message = format!("S3 responds {}: {body}", response.status().as_u16());
        Err(OrchestratorError::operation(ArchiveError(message)))
    }
}

/// Reads the mode and the days out of a response of `GetObjectLockConfiguration`.
fn lock(xml: &str) -> Result<Option<(String, String)>, ArchiveError> {
    let document = roxmltree::Document::parse(xml).map_err(|error| ArchiveError(format!("the lock: {error}")))?;
    let text = |name: &str| {
        let found = document.descendants().find(|element| element.has_tag_name((NAMESPACE, name)));
        found.and_then(|element| element.text()).map(str::to_owned)
    };
    let years = || text("Years").map(|years| format!("{years} x 365"));
    Ok(text("Mode").zip(text("Days").or_else(years)))
}

/// Reads the newest seal out of a response of `ListObjectVersions`.
fn newest(xml: &str) -> Result<Option<Archived>, ArchiveError> {
    let document = roxmltree::Document::parse(xml).map_err(|error| ArchiveError(format!("the list: {error}")))?;
    let named = |name| (NAMESPACE, name);
    let mut markers = 0;
    for entry in document.root_element().children() {
        if entry.has_tag_name(named("DeleteMarker")) {
            markers += 1;
        } else if entry.has_tag_name(named("Version")) {
            let text = |name| entry.children().find(|child| child.has_tag_name(named(name))).and_then(|one| one.text());
            let found = text("Key").and_then(parse).zip(text("LastModified").and_then(Timestamp::parse));
            let (seal, at) = found.ok_or_else(|| ArchiveError("the list has an object that is no seal".to_owned()))?;
            return Ok(Some(Archived { seal, at }));
        }
    }
    if markers > 0 {
        return Err(ArchiveError(format!("{markers} delete markers hide the seals, remove the markers")));
    }
    Ok(None)
}

fn parse(key: &str) -> Option<ArchivedSeal> {
    let mut parts = key.rsplit('/').next()?.split('-').skip(1);
    let (number, hash) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
    Some(ArchivedSeal { number, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(number: u64) -> ArchivedSeal {
        ArchivedSeal { number, hash: "ab".repeat(32) }
    }

    #[test]
    fn the_newest_seal_sorts_first_and_its_key_says_all() {
        let tenant = TenantId::from_random([1; 16]);
        let keys: Vec<String> = [12_345, 100, 99, 9, 1].map(|number| key(tenant, &seal(number))).into();
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(parse(&keys[0]), Some(seal(12_345)));
        assert_eq!((parse("seals/x/readme"), parse("")), (None, None));
    }

    #[test]
    fn a_lock_is_read_as_s3_writes_it() {
        // As in "GetObjectLockConfiguration", Amazon S3 API Reference.
        let of = |rule: &str| {
            lock(&format!(
                "<?xml version=\"1.0\"?><ObjectLockConfiguration xmlns=\"{NAMESPACE}\"><ObjectLockEnabled>Enabled\
                 </ObjectLockEnabled>{rule}</ObjectLockConfiguration>"
            ))
        };
        let rule = "<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>400</Days></DefaultRetention></Rule>";
        assert_eq!(of(rule), Ok(Some(("COMPLIANCE".to_owned(), "400".to_owned()))));
        let years = rule.replace("Days>", "Years>").replace("400", "2");
        assert_eq!(of(&years).unwrap().unwrap().1, "2 x 365");
        assert_eq!(of(""), Ok(None));
    }

    #[test]
    fn a_list_is_read_as_s3_writes_it() {
        // As in "ListObjectVersions", Amazon S3 API Reference.
        let list = |entries: &str| {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListVersionsResult xmlns=\"{NAMESPACE}\"><Name>bucket</Name>\
                 <Prefix>seals/</Prefix><KeyMarker/><MaxKeys>20</MaxKeys><IsTruncated>false</IsTruncated>{entries}\
                 </ListVersionsResult>"
            )
        };
        let tenant = TenantId::from_random([1; 16]);
        let version = |number: u64| {
            let key = key(tenant, &seal(number));
            format!(
                "<Version><Key>{key}</Key><VersionId>3/L4kqtJl</VersionId><IsLatest>true</IsLatest>\
                 <LastModified>2026-10-12T17:50:30.000Z</LastModified><ETag>&quot;fba9&quot;</ETag></Version>"
            )
        };
        let marker = "<DeleteMarker><Key>k</Key><LastModified>2026-10-12T17:50:30.000Z</LastModified></DeleteMarker>";
        assert_eq!(newest(&list("")), Ok(None));
        let found = newest(&list(&format!("{}{}", version(7), version(6)))).unwrap().unwrap();
        assert_eq!((found.seal, found.at), (seal(7), Timestamp::parse("2026-10-12T17:50:30Z").unwrap()));
        assert_eq!(newest(&list(&format!("{marker}{}", version(7)))).unwrap().unwrap().seal, seal(7));
        assert!(newest(&list(marker)).unwrap_err().to_string().contains("1 delete markers"));
        let stranger = version(7).replace("-7-", "-");
        assert!(newest(&list(&stranger)).is_err() && newest("<html>").is_err());
    }
}
