//! The settings of a process: environment variables, read once at its start.
//!
//! A function reads the settings that it needs and no others. One that is missing or cannot be read ends the process
//! with its name, before the first request.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use trustplane_domain::Failure;
use trustplane_domain::directory::sso_configuration::RedirectBase;
use trustplane_domain::region::AccountId;

use crate::{Function, Permission};

/// An error of the settings. Names the setting.
pub(crate) type SettingsError = Box<dyn std::error::Error + Send + Sync>;

/// The settings of a function.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) account: AccountId,
    pub(crate) table: String,
    pub(crate) bootstrap_template_url: Setting<String>,
    pub(crate) dead_letters: Setting<String>,
    /// Without one the system's servers are asked.
    pub(crate) dns_server: Setting<SocketAddr>,
    pub(crate) event_bus: Setting<String>,
    pub(crate) key_id: Setting<String>,
    pub(crate) mac_key_id: Setting<String>,
    pub(crate) redirect_base: Setting<RedirectBase>,
    /// Without a slash at its end.
    pub(crate) saml_base: Setting<String>,
    pub(crate) signing_key_id: Setting<String>,
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
        let is_one_of = |names: &[&str]| names.contains(&function.name);
        Ok(Self {
            account: reader.required("TRUSTPLANE_ACCOUNT_ID", AccountId::parse)?,
            table: reader.required("TRUSTPLANE_TABLE", text)?,
            bootstrap_template_url: reader.needed(
                "TRUSTPLANE_BOOTSTRAP_TEMPLATE_URL",
                is_one_of(&["create-bootstrap-template"]),
                text,
            )?,
            dead_letters: reader.needed("TRUSTPLANE_DEAD_LETTERS", uses(Permission::DeadLetters), text)?,
            dns_server: reader.optional(
                "TRUSTPLANE_DNS_SERVER",
                is_one_of(&["check-domains", "verify-sso-configuration-domain"]),
                dns_server,
            )?,
            event_bus: reader.needed("TRUSTPLANE_EVENT_BUS", uses(Permission::PutEvents), text)?,
            key_id: reader.needed("TRUSTPLANE_KEY_ID", uses(Permission::Seal) || uses(Permission::KeyPair), text)?,
            mac_key_id: reader.needed("TRUSTPLANE_MAC_KEY_ID", uses(Permission::Mac), text)?,
            redirect_base: reader.needed(
                "TRUSTPLANE_REDIRECT_BASE",
                is_one_of(&["create-sso-configuration", "put-sso-configuration"]),
                RedirectBase::parse,
            )?,
            saml_base: reader.needed(
                "TRUSTPLANE_SAML_BASE",
                is_one_of(&["create-external-idp", "explain-external-idp-response", "get-sp-config"]),
                |base| text(base.trim_end_matches('/')),
            )?,
            signing_key_id: reader.needed("TRUSTPLANE_SIGNING_KEY_ID", uses(Permission::PublicKey), text)?,
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
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Setting<T>, SettingsError> {
        let value = if is_needed { Some(self.required(name, parse)?) } else { None };
        Ok(Setting { name, value })
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

/// Parses an IP address with or without a port.
fn dns_server(text: &str) -> Result<SocketAddr, &'static str> {
    let with_port = text.parse::<SocketAddr>();
    let address = with_port.or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
    address.map_err(|_| "must be an IP address, with or without a port")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{function, functions};

    fn environment(name: &str) -> Option<String> {
        let value = match name {
            "TRUSTPLANE_ACCOUNT_ID" => "000000000000",
            "TRUSTPLANE_DNS_SERVER" => "192.0.2.53",
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
            ("TRUSTPLANE_BOOTSTRAP_TEMPLATE_URL", "create-bootstrap-template", Some("get-external-id")),
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
}
