//! The certificate authority of the local stack. Functions trust its servers on loopback in outgoing requests.

use crate::Error;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use uuid::Uuid;

/// The variable that names the root certificate to a function, and permits loopback addresses.
pub const VARIABLE: &str = "TRUSTPLANE_OUTBOUND_TEST_ROOT";

/// A root certificate, its key, and the file of the certificate.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: PathBuf,
    /// True if the file is removed with the stack.
    is_temporary: bool,
}

impl Authority {
    /// Creates an authority. Its root certificate is `root.pem` in the data folder, or a temporary file without one.
    pub fn new(data: Option<&Path>) -> Result<Self, Error> {
        let failed = |error: rcgen::Error| Error::while_doing("creating a root certificate", error);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Root of cargo local");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).map_err(failed)?;
        let root = match data {
            Some(data) => data.join("root.pem"),
            None => std::env::temp_dir().join(format!("trustplane-root-{}.pem", Uuid::new_v4())),
        };
        std::fs::write(&root, certificate.pem())
            .map_err(|error| Error::while_doing(format!("writing `{}`", root.display()), error))?;
        Ok(Self { issuer: Issuer::new(params, key), root, is_temporary: data.is_none() })
    }

    /// Returns the file of the root certificate, in PEM.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Creates the TLS configuration of a server with these host names and IP addresses.
    pub fn server(&self, names: &[&str]) -> Result<Arc<ServerConfig>, Error> {
        let failed = |error: rcgen::Error| Error::while_doing("creating a server's certificate", error);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        for name in names {
            params.subject_alt_names.push(match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName((*name).try_into().map_err(failed)?),
            });
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate: CertificateDer<'static> = params.signed_by(&key, &self.issuer).map_err(failed)?.der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(vec![certificate], key))
            .map_err(|error| Error::while_doing("configuring TLS", error))?;
        Ok(Arc::new(config))
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        if self.is_temporary {
            // A file that is gone already is no fault.
            let _ = std::fs::remove_file(&self.root);
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authority").field("root", &self.root).finish_non_exhaustive()
    }
}

/// Returns true if an endpoint's URL names this machine.
pub(crate) fn is_loopback(endpoint: &str) -> bool {
    let uri = endpoint.parse::<axum::http::Uri>().ok();
    let host = uri.as_ref().and_then(axum::http::Uri::host).map(|host| host.trim_matches(['[', ']']));
    host.is_some_and(|host| host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_this_machine_are_recognised() {
        for endpoint in ["http://127.0.0.1:1", "http://localhost:8000/", "http://[::1]:1"] {
            assert!(is_loopback(endpoint), "{endpoint}");
        }
        for endpoint in ["http://192.0.2.1:1", "http://localhost.example.com", "http://[2001:db8::1]:1", ""] {
            assert!(!is_loopback(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn a_temporary_root_is_removed_with_the_authority() {
        let authority = Authority::new(None).unwrap();
        let root = authority.root().to_owned();
        assert!(std::fs::read_to_string(&root).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        drop(authority);
        assert!(!root.exists());
    }
}
