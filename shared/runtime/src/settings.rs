//! The settings of a process: environment variables, read once at its start.
//!
//! A function reads the settings that it needs and no others. One that is missing or cannot be read ends the process
//! with its name, before the first request.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use lambda_http::http::Uri;
use trustplane_domain::Failure;
use trustplane_domain::directory::redirect_uri::RedirectBase;
use trustplane_domain::region::AccountId;

use crate::{Function, Permission};

/// An error of the settings. Names the setting.
pub(crate) type SettingsError = Box<dyn std::error::Error + Send + Sync>;

/// The settings of a function.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) account: AccountId,
    /// The host name of the bucket that seals are archived in.
    pub(crate) archive: Setting<String>,
    pub(crate) audit_retention_days: u32,
    pub(crate) table: String,
    /// The endpoint of all AWS clients in `sam local`, instead of AWS's own.
    pub(crate) endpoint_url: Setting<String>,
    /// Without one, responses have no link that opens the template.
    pub(crate) bootstrap_template_url: Setting<String>,
    pub(crate) dead_letters: Setting<String>,
    /// Without one the system's servers are asked.
    pub(crate) dns_server: Setting<SocketAddr>,
    pub(crate) event_bus: Setting<String>,
    pub(crate) key_id: Setting<String>,
    pub(crate) mac_key_id: Setting<String>,
    /// Without one, log lines have no metrics.
    pub(crate) metric_namespace: Setting<String>,
    /// Calls per second of a reading of an organization, in a process whose AWS is this machine's.
    pub(crate) reading_calls_per_second: Setting<u32>,
    pub(crate) redirect_base: Setting<RedirectBase>,
    /// Without a slash at its end.
    pub(crate) saml_base: Setting<String>,
    /// The queue of scheduled events that no run handled.
    pub(crate) schedule_dead_letters: Setting<String>,
    /// The base of setup links, without a slash at its end.
    pub(crate) setup_base: Setting<String>,
    pub(crate) signing_key_id: Setting<String>,
    /// The version of the template.
    pub(crate) template_version: Setting<String>,
}

/// A setting that some functions need.
#[derive(Debug)]
pub(crate) struct Setting<T> {
    name: &'static str,
    value: Option<T>,
}

/// A setting that the function was started without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unset(&'static str);

impl fmt::Display for Unset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the function was started without `{}`, list it as needing that", self.0)
    }
}

impl std::error::Error for Unset {}

impl From<Unset> for Failure {
    fn from(unset: Unset) -> Self {
        Self::internal(unset)
    }
}

impl Settings {
    /// Reads the settings that `function` needs.
    pub(crate) fn from_env(function: &Function) -> Result<Self, SettingsError> {
        Self::read(function, &|name| std::env::var(name).ok())
    }

    fn read(function: &Function, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let reader = Reader { variable };
        let uses = |wanted| function.all_permissions().any(|used| used == wanted);
        let inspects = uses(Permission::Inspect);
        let is_one_of = |names: &[&str]| names.contains(&function.name);
        Ok(Self {
            account: reader.required("TRUSTPLANE_ACCOUNT_ID", AccountId::parse)?,
            archive: reader.needed("TRUSTPLANE_ARCHIVE", uses(Permission::ReadArchive), inspects, text)?,
            audit_retention_days: reader.required("TRUSTPLANE_AUDIT_RETENTION_DAYS", days)?,
            table: reader.required("TRUSTPLANE_TABLE", text)?,
            endpoint_url: reader.optional("TRUSTPLANE_ENDPOINT_URL", true, |url| {
                endpoint_url(url, variable("AWS_SAM_LOCAL").is_some_and(|value| value == "true"))
            })?,
            bootstrap_template_url: reader.optional(
                "TRUSTPLANE_BOOTSTRAP_TEMPLATE_URL",
                inspects || is_one_of(&["create-bootstrap-template"]),
                text,
            )?,
            dead_letters: reader.needed("TRUSTPLANE_DEAD_LETTERS", uses(Permission::DeadLetters), inspects, text)?,
            dns_server: reader.optional(
                "TRUSTPLANE_DNS_SERVER",
                is_one_of(&["check-domains", "verify-sso-configuration-domain"]),
                dns_server,
            )?,
            event_bus: reader.needed("TRUSTPLANE_EVENT_BUS", uses(Permission::PutEvents), inspects, text)?,
            key_id: reader.needed(
                "TRUSTPLANE_KEY_ID",
                uses(Permission::Seal) || uses(Permission::KeyPair),
                inspects,
                text,
            )?,
            mac_key_id: reader.needed("TRUSTPLANE_MAC_KEY_ID", uses(Permission::Mac), inspects, text)?,
            metric_namespace: reader.optional("TRUSTPLANE_METRIC_NAMESPACE", true, text)?,
            reading_calls_per_second: reader.optional(
                "TRUSTPLANE_READING_CALLS_PER_SECOND",
                is_one_of(&["sync-organizations"]),
                |text| pace(text, variable("AWS_ENDPOINT_URL").as_deref().unwrap_or_default()),
            )?,
            redirect_base: reader.needed(
                "TRUSTPLANE_REDIRECT_BASE",
                is_one_of(&["create-sso-configuration", "put-sso-configuration"]),
                inspects,
                RedirectBase::parse,
            )?,
            saml_base: reader.needed(
                "TRUSTPLANE_SAML_BASE",
                is_one_of(&["create-external-idp", "explain-external-idp-response", "get-sp-config"]),
                inspects,
                |base| text(base.trim_end_matches('/')),
            )?,
            schedule_dead_letters: reader.optional("TRUSTPLANE_SCHEDULE_DEAD_LETTERS", inspects, text)?,
            setup_base: reader.optional("TRUSTPLANE_SETUP_BASE", is_one_of(&["create-setup-link"]), |base| {
                text(base.trim_end_matches('/'))
            })?,
            signing_key_id: reader.needed("TRUSTPLANE_SIGNING_KEY_ID", uses(Permission::PublicKey), inspects, text)?,
            template_version: reader.optional("TRUSTPLANE_TEMPLATE_VERSION", inspects, text)?,
        })
    }
}

impl<T> Setting<T> {
    /// The value.
    ///
    /// # Errors
    /// [`Unset`] in a function that [`Settings::from_env`] does not know to need it.
    pub(crate) fn get(&self) -> Result<&T, Unset> {
        self.value.as_ref().ok_or(Unset(self.name))
    }

    /// The value, where the function needs the setting and it is set.
    pub(crate) fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The client that is made with the setting.
    pub(crate) fn map<U>(&self, make: impl FnOnce(&T) -> U) -> Setting<U> {
        Setting { name: self.name, value: self.value.as_ref().map(make) }
    }
}

/// The environment.
struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn required<T, E: fmt::Display>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SettingsError> {
        let value = self.optional(name, true, parse)?.value;
        value.ok_or_else(|| format!("the environment variable `{name}` is not set").into())
    }

    fn needed<T, E: fmt::Display>(
        &self,
        name: &'static str,
        is_needed: bool,
        is_inspected: bool,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Setting<T>, SettingsError> {
        match is_needed {
            true => Ok(Setting { name, value: Some(self.required(name, parse)?) }),
            // A function that inspects the deployment reports a missing setting.
            false => self.optional(name, is_inspected, parse),
        }
    }

    fn optional<T, E: fmt::Display>(
        &self,
        name: &'static str,
        is_needed: bool,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Setting<T>, SettingsError> {
        let text = is_needed.then(|| (self.variable)(name)).flatten().filter(|text| !text.is_empty());
        let value = text.map(|text| parse(&text)).transpose();
        let value = value.map_err(|fault| format!("the environment variable `{name}` {fault}"))?;
        Ok(Setting { name, value })
    }
}

fn text(text: &str) -> Result<String, std::convert::Infallible> {
    Ok(text.to_owned())
}

fn days(text: &str) -> Result<u32, &'static str> {
    let days = text.parse().ok().filter(|days| (1..=36_500).contains(days));
    days.ok_or("must be a number of days from 1 to 36500")
}

/// Parses an IP address with or without a port.
fn dns_server(text: &str) -> Result<SocketAddr, &'static str> {
    let with_port = text.parse::<SocketAddr>();
    let address = with_port.or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
    address.map_err(|_| "must be an IP address, with or without a port")
}

/// Parses a number of calls per second. A deployment has none: AWS's limit is shared with the customer's other tools.
fn pace(text: &str, endpoint: &str) -> Result<u32, &'static str> {
    if !is_loopback(endpoint) {
        return Err("must be absent in a deployment: it is for tests whose `AWS_ENDPOINT_URL` is on this machine");
    }
    text.parse().ok().filter(|calls| (1..=100_000).contains(calls)).ok_or("must be a number from 1 to 100000")
}

/// Reports a URL of this machine.
fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Parses an endpoint that takes the place of AWS. A deployment has none: outside `sam local` only this machine's own
/// addresses are permitted, so that a changed variable cannot send credentials elsewhere.
fn endpoint_url(url: &str, in_sam_local: bool) -> Result<String, &'static str> {
    if url.parse::<Uri>().ok().and_then(|uri| uri.scheme().cloned()).is_none() {
        return Err("must be a URL such as `http://127.0.0.1:3100`, or empty");
    }
    if in_sam_local || is_loopback(url) {
        Ok(url.to_owned())
    } else {
        Err("must be empty in a deployment: other endpoints than AWS's are for `sam local` and loopback addresses")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{function, functions};

    fn environment(name: &str) -> Option<String> {
        let value = match name {
            "TRUSTPLANE_ACCOUNT_ID" => "000000000000",
            "TRUSTPLANE_AUDIT_RETENTION_DAYS" => "400",
            "TRUSTPLANE_DNS_SERVER" => "192.0.2.53",
            "TRUSTPLANE_ENDPOINT_URL" | "TRUSTPLANE_READING_CALLS_PER_SECOND" => "",
            "TRUSTPLANE_REDIRECT_BASE" | "TRUSTPLANE_SAML_BASE" => "https://auth.example.com/",
            _ => "example",
        };
        Some(value.to_owned())
    }

    fn without(missing: &'static str) -> impl Fn(&str) -> Option<String> {
        move |name| environment(name).filter(|_| name != missing)
    }

    #[test]
    fn every_function_starts_with_all_settings() {
        for function in functions() {
            let settings = Settings::read(function, &environment).unwrap();
            assert!(settings.saml_base.value().is_none_or(|base| base == "https://auth.example.com"));
        }
    }

    #[test]
    fn a_missing_setting_ends_the_functions_that_need_it_with_its_name() {
        for (missing, needing, other) in [
            ("TRUSTPLANE_TABLE", "get-health", None),
            ("TRUSTPLANE_AUDIT_RETENTION_DAYS", "put-organisation", None),
            ("TRUSTPLANE_ARCHIVE", "verify-audit", Some("publish-audit")),
            ("TRUSTPLANE_DEAD_LETTERS", "publish-audit", Some("check-domains")),
            ("TRUSTPLANE_EVENT_BUS", "publish-audit", Some("check-domains")),
            ("TRUSTPLANE_KEY_ID", "decode-authorization-message", Some("list-tenants")),
            ("TRUSTPLANE_KEY_ID", "create-saml-certificate", Some("list-api-keys")),
            ("TRUSTPLANE_MAC_KEY_ID", "create-credential", Some("list-tenants")),
            ("TRUSTPLANE_MAC_KEY_ID", "list-api-keys", Some("get-health")),
            ("TRUSTPLANE_REDIRECT_BASE", "put-sso-configuration", Some("get-sso-configuration")),
            ("TRUSTPLANE_SAML_BASE", "create-external-idp", Some("delete-external-idp")),
            ("TRUSTPLANE_SIGNING_KEY_ID", "get-openid-provider-public-key", Some("get-sso-route")),
        ] {
            let error = Settings::read(function(needing).unwrap(), &without(missing)).unwrap_err().to_string();
            assert_eq!(error, format!("the environment variable `{missing}` is not set"), "{needing}");
            if let Some(other) = other {
                assert!(Settings::read(function(other).unwrap(), &without(missing)).is_ok(), "{missing} {other}");
            }
        }
    }

    #[test]
    fn a_retention_is_a_number_of_days() {
        assert_eq!((days("1"), days("36500")), (Ok(1), Ok(36_500)));
        assert!(["", "0", "-1", "36501", "1.5", "400d"].iter().all(|text| days(text).is_err()));
    }

    #[test]
    fn a_dns_server_may_be_left_out_and_must_be_an_address() {
        let function = function("check-domains").unwrap();
        let absent = Settings::read(function, &without("TRUSTPLANE_DNS_SERVER")).unwrap();
        assert_eq!(absent.dns_server.value(), None);
        for (text, address) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(dns_server(text).unwrap().to_string(), address);
        }
        let named = |name: &str| match name {
            "TRUSTPLANE_DNS_SERVER" => Some("dns.example.com".to_owned()),
            _ => environment(name),
        };
        let error = Settings::read(function, &named).unwrap_err().to_string();
        assert_eq!(
            error,
            "the environment variable `TRUSTPLANE_DNS_SERVER` must be an IP address, with or without a port"
        );
    }

    #[test]
    fn a_reading_is_faster_on_this_machine_alone() {
        let read = |pace: &'static str, endpoint: &'static str| {
            let variable = move |name: &str| match name {
                "TRUSTPLANE_READING_CALLS_PER_SECOND" => Some(pace.to_owned()),
                "AWS_ENDPOINT_URL" => Some(endpoint.to_owned()),
                _ => environment(name),
            };
            let settings = Settings::read(function("sync-organizations").unwrap(), &variable);
            settings.map(|settings| settings.reading_calls_per_second.value().copied())
        };
        assert_eq!(read("", "").unwrap(), None);
        assert_eq!(read("500", "http://127.0.0.1:3100").unwrap(), Some(500));
        for (pace, endpoint) in
            [("500", ""), ("500", "https://sso.us-east-1.amazonaws.com"), ("0", "http://localhost:1")]
        {
            let error = read(pace, endpoint).unwrap_err().to_string();
            assert!(error.contains("`TRUSTPLANE_READING_CALLS_PER_SECOND` must be"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_other_than_awss_starts_in_sam_local_or_on_this_machine_alone() {
        let function = function("get-health").unwrap();
        let read = |url: &'static str, sam: Option<&'static str>| {
            let variable = move |name: &str| match name {
                "TRUSTPLANE_ENDPOINT_URL" => Some(url.to_owned()),
                "AWS_SAM_LOCAL" => sam.map(str::to_owned),
                _ => environment(name),
            };
            Settings::read(function, &variable).map(|settings| settings.endpoint_url.value().cloned())
        };
        assert_eq!(read("", None).unwrap(), None);
        for url in ["http://127.0.0.1:3100", "http://localhost:1", "http://[::1]:3100/"] {
            assert_eq!(read(url, None).unwrap().as_deref(), Some(url));
        }
        for url in [
            "http://192.0.2.1:3100",
            "https://example.com",
            "http://127.0.0.1@example.com",
            "http://127.0.0.1.example.com",
        ] {
            let error = read(url, None).unwrap_err().to_string();
            assert!(error.contains("`TRUSTPLANE_ENDPOINT_URL` must be empty in a deployment"), "{url}: {error}");
            assert!(read(url, Some("false")).is_err());
            assert_eq!(read(url, Some("true")).unwrap().as_deref(), Some(url));
        }
        for url in ["127.0.0.1:3100", "localhost", "http://"] {
            let error = read(url, Some("true")).unwrap_err().to_string();
            assert!(error.contains("`TRUSTPLANE_ENDPOINT_URL` must be a URL"), "{url}: {error}");
        }
    }
}
