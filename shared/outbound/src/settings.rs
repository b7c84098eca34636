//! Settings of a [`Client`](crate::Client).

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use trustplane_domain::outbound::Rules;
use url::{Host, Url};

/// Names a PEM file of root certificates to trust beside Mozilla's, and permits loopback addresses.
const TEST_ROOT: &str = "TRUSTPLANE_OUTBOUND_TEST_ROOT";
/// Host names of the service's own API, with commas between them.
const API_HOST: &str = "TRUSTPLANE_API_HOST";
/// DNS server to ask instead of the system's.
const DNS_SERVER: &str = "TRUSTPLANE_DNS_SERVER";
/// Variables that redirect all AWS clients of a process.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL", "TRUSTPLANE_ENDPOINT_URL"];

/// Settings of a [`Client`](crate::Client).
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// DNS server to ask instead of the system's.
    pub dns_server: Option<SocketAddr>,
    /// Host names of the service's own API. No request goes there.
    pub own_hosts: Vec<String>,
    test_root: Option<TestRoot>,
}

/// Root certificates of a test or of the local stack, with permission for loopback addresses.
///
/// [`Settings::read`] alone makes one, and only in a process whose AWS endpoint is on this machine.
#[derive(Clone, Debug)]
pub struct TestRoot(Vec<CertificateDer<'static>>);

/// Reason why a process must not start.
#[derive(Debug)]
pub struct SettingsError(String);

impl Settings {
    /// Reads the environment of this process: `TRUSTPLANE_DNS_SERVER`, `TRUSTPLANE_API_HOST` and
    /// `TRUSTPLANE_OUTBOUND_TEST_ROOT`.
    pub fn from_env() -> Result<Self, SettingsError> {
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        Self::read(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Reads the variables of an environment, see [`Settings::from_env`].
    pub fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let variables: BTreeMap<_, _> = variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let own_hosts = variables.get(API_HOST).map(String::as_str).unwrap_or_default();
        let own_hosts = own_hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
        Ok(Self {
            dns_server: variables.get(DNS_SERVER).map(|text| dns_server(text)).transpose()?,
            own_hosts: own_hosts.map(str::to_owned).collect(),
            test_root: variables.get(TEST_ROOT).map(|path| TestRoot::read(path, &variables)).transpose()?,
        })
    }

    /// The rules for URLs. A handler that stores a URL checks it by them, so that a tenant hears of a fault at once.
    pub fn rules(&self) -> Rules {
        let rules = Rules::new(self.own_hosts.iter().cloned());
        if self.test_root.is_some() { rules.with_loopback() } else { rules }
    }

    /// Certificates to trust beside Mozilla's roots.
    pub(crate) fn further_roots(&self) -> &[CertificateDer<'static>] {
        self.test_root.as_ref().map_or(&[], |root| &root.0)
    }
}

/// Parses an IP address, with or without a port.
fn dns_server(text: &str) -> Result<SocketAddr, SettingsError> {
    let with_port = text.parse::<SocketAddr>();
    let address = with_port.or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
    address.map_err(|_| SettingsError(format!("`{DNS_SERVER}` must be an IP address, with or without a port")))
}

impl TestRoot {
    fn read(path: &str, variables: &BTreeMap<String, String>) -> Result<Self, SettingsError> {
        if !is_local(variables) {
            return Err(SettingsError(format!(
                "`{TEST_ROOT}` is for tests: unset it, or set `AWS_ENDPOINT_URL` to a loopback address"
            )));
        }
        let unreadable = |error: &dyn fmt::Display| SettingsError(format!("`{TEST_ROOT}` names `{path}`: {error}"));
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable(&error))?;
        if certificates.is_empty() {
            return Err(unreadable(&"the file has no PEM certificate"));
        }
        Ok(Self(certificates))
    }
}

/// Returns `true` where the AWS endpoint is redirected to this machine, and no endpoint of a single service elsewhere.
fn is_local(variables: &BTreeMap<String, String>) -> bool {
    let general = variables.keys().any(|name| ENDPOINTS.contains(&name.as_str()));
    let mut endpoints = variables.iter().filter(|(name, _)| ENDPOINTS.iter().any(|prefix| name.starts_with(prefix)));
    general && endpoints.all(|(_, endpoint)| is_loopback(endpoint))
}

fn is_loopback(endpoint: &str) -> bool {
    let url = Url::parse(endpoint);
    match url.as_ref().ok().and_then(Url::host) {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn a_deployment_has_no_test_root() {
        let settings = read(&[
            ("TRUSTPLANE_API_HOST", "api.example.com, api2.example.com,"),
            ("TRUSTPLANE_DNS_SERVER", "192.0.2.53"),
            ("TRUSTPLANE_OUTBOUND_TEST_ROOT", ""),
        ])
        .unwrap();
        assert_eq!(settings.own_hosts, ["api.example.com", "api2.example.com"]);
        assert_eq!(settings.dns_server, "192.0.2.53:53".parse().ok());
        assert!(Settings::read([("TRUSTPLANE_DNS_SERVER".to_owned(), "dns.example.com".to_owned())]).is_err());
        assert!(settings.test_root.is_none());
        assert!(!settings.rules().allows(std::net::Ipv4Addr::LOCALHOST.into()));
    }

    #[test]
    fn a_test_root_is_refused_unless_every_aws_endpoint_is_on_this_machine() {
        let folder = std::env::temp_dir().join(format!("trustplane-root-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("root.pem");
        let root = rcgen::generate_simple_self_signed(["root".to_owned()]).unwrap().cert.pem();
        std::fs::write(&path, root).unwrap();
        let path = path.to_str().unwrap();
        let with = |endpoints: &[(&str, &str)]| {
            let root = [("TRUSTPLANE_OUTBOUND_TEST_ROOT", path)];
            read(&[&root[..], endpoints].concat())
        };
        for endpoints in [
            &[][..],
            &[("AWS_ENDPOINT_URL", "")],
            &[("AWS_ENDPOINT_URL", "127.0.0.1:8000")],
            &[("AWS_ENDPOINT_URL", "https://dynamodb.eu-west-1.amazonaws.com")],
            &[("AWS_ENDPOINT_URL", "http://127.0.0.1.example.com:8000")],
            &[("AWS_ENDPOINT_URL", "http://127.0.0.1@example.com:8000")],
            &[("AWS_ENDPOINT_URL", "http://10.0.0.1:8000")],
            &[("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000")],
            &[
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:8000"),
                ("AWS_ENDPOINT_URL_STS", "https://sts.eu-west-1.amazonaws.com"),
            ],
            &[("AWS_ENDPOINT_URL", "http://127.0.0.1:8000"), ("TRUSTPLANE_ENDPOINT_URL", "http://host.example:8000")],
        ] {
            let error = with(endpoints).unwrap_err().to_string();
            assert!(error.contains("`TRUSTPLANE_OUTBOUND_TEST_ROOT` is for tests"), "{endpoints:?}: {error}");
        }
        for endpoint in ["http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:8000/"] {
            let settings = with(&[("AWS_ENDPOINT_URL", endpoint)]).unwrap();
            assert_eq!(settings.further_roots().len(), 1);
            assert!(settings.rules().allows(std::net::Ipv4Addr::LOCALHOST.into()));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_template_does_not_declare_the_test_root() {
        let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml")).unwrap();
        assert!(template.contains("TRUSTPLANE_"));
        assert!(!template.contains(TEST_ROOT));
    }

    #[test]
    fn a_test_root_must_be_a_file_of_certificates() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (path, message) in [("/nowhere/root.pem", "`/nowhere/root.pem`"), (manifest, "no PEM certificate")] {
            let variables = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("TRUSTPLANE_OUTBOUND_TEST_ROOT", path)];
            let error = read(&variables).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
