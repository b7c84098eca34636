//! The settings of the page: environment variables that the template sets from its parameters.

use std::env;

use crate::colour::Colour;

/// An error of the settings. Names the setting.
pub(crate) type SettingsError = Box<dyn std::error::Error + Send + Sync>;

/// The settings of the page.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Name of the platform.
    pub(crate) name: String,
    /// An `https` URL.
    pub(crate) logo_url: Option<String>,
    pub(crate) accent: Colour,
    /// An `https` or `mailto` URL.
    pub(crate) support_url: Option<String>,
    /// Origins whose pages may show the page in a frame.
    pub(crate) frame_origins: Vec<String>,
}

impl Settings {
    /// Reads the settings.
    pub(crate) fn from_env() -> Result<Self, SettingsError> {
        Self::read(&|name| env::var(name).ok())
    }

    pub(crate) fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let text = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let fault = |name: &str, fault: &str| format!("the environment variable `{name}` {fault}");
        let url = |name: &'static str, schemes: &[&str]| {
            let found = text(name);
            let is_good = |url: &String| schemes.iter().any(|scheme| is_url(url, scheme));
            match found {
                Some(url) if !is_good(&url) => Err(fault(name, &format!("must begin with {}", schemes.join(" or ")))),
                other => Ok(other),
            }
        };
        let accent = text("TRUSTPLANE_SETUP_ACCENT_COLOR").unwrap_or_else(|| "#2457d6".to_owned());
        let accent = Colour::parse(&accent)
            .ok_or_else(|| fault("TRUSTPLANE_SETUP_ACCENT_COLOR", "must be a colour such as `#2457d6`"))?;
        let origins = text("TRUSTPLANE_SETUP_FRAME_ORIGINS").unwrap_or_default();
        let frame_origins: Vec<String> =
            origins.split([',', ' ']).filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
        if !frame_origins.iter().all(|origin| origin_of(origin).as_deref() == Some(origin)) {
            let text = "must be origins such as `https://app.example.com`, with commas between them";
            return Err(fault("TRUSTPLANE_SETUP_FRAME_ORIGINS", text).into());
        }
        Ok(Self {
            name: text("TRUSTPLANE_SETUP_PLATFORM_NAME").unwrap_or_else(|| "Trustplane".to_owned()),
            logo_url: url("TRUSTPLANE_SETUP_LOGO_URL", &["https://"])?,
            accent,
            support_url: url("TRUSTPLANE_SETUP_SUPPORT_URL", &["https://", "mailto:"])?,
            frame_origins,
        })
    }

    /// The origin of the logo, for the policy of the page.
    pub(crate) fn logo_origin(&self) -> Option<String> {
        origin_of(self.logo_url.as_deref()?)
    }
}

/// Returns true for a URL of this scheme whose characters are harmless in a header.
fn is_url(url: &str, scheme: &str) -> bool {
    let rest = url.strip_prefix(scheme).unwrap_or_default();
    let is_plain = rest.chars().all(|letter| letter.is_ascii_graphic() && !"\"'<>;,\\`{}".contains(letter));
    is_plain && !rest.is_empty() && (scheme == "mailto:" || origin_of(url).is_some())
}

/// Returns scheme, host and port of an `https` URL.
fn origin_of(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let is_host = |letter: char| letter.is_ascii_alphanumeric() || "-.:".contains(letter);
    (host.starts_with(|letter: char| letter.is_ascii_alphanumeric()) && host.chars().all(is_host))
        .then(|| format!("https://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Result<Settings, String> {
        Settings::read(&|asked| (asked == name).then(|| value.to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_name_no_other_origin() {
        let settings = with("", "").unwrap();
        assert_eq!((settings.name.as_str(), settings.logo_origin()), ("Trustplane", None));
        assert!(settings.frame_origins.is_empty() && settings.support_url.is_none());
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_named() {
        for (name, value) in [
            ("TRUSTPLANE_SETUP_ACCENT_COLOR", "blue"),
            ("TRUSTPLANE_SETUP_LOGO_URL", "http://example.com/logo.svg"),
            ("TRUSTPLANE_SETUP_LOGO_URL", "https://example.com; script-src *"),
            ("TRUSTPLANE_SETUP_LOGO_URL", "https://example.com/a;b"),
            ("TRUSTPLANE_SETUP_LOGO_URL", "https://'self'/a"),
            ("TRUSTPLANE_SETUP_SUPPORT_URL", "javascript:alert(1)"),
            ("TRUSTPLANE_SETUP_FRAME_ORIGINS", "https://app.example.com/path"),
            ("TRUSTPLANE_SETUP_FRAME_ORIGINS", "*"),
            ("TRUSTPLANE_SETUP_FRAME_ORIGINS", "https://app.example.com; default-src *"),
        ] {
            let error = with(name, value).unwrap_err();
            assert!(error.contains(name), "{value}: {error}");
        }
    }

    #[test]
    fn origins_are_separated_by_commas_or_spaces() {
        let settings = with("TRUSTPLANE_SETUP_FRAME_ORIGINS", "https://a.example, https://b.example:8443").unwrap();
        assert_eq!(settings.frame_origins, ["https://a.example", "https://b.example:8443"]);
        let settings = with("TRUSTPLANE_SETUP_LOGO_URL", "https://cdn.example.com/logo.svg?v=2").unwrap();
        assert_eq!(settings.logo_origin().as_deref(), Some("https://cdn.example.com"));
        assert!(with("TRUSTPLANE_SETUP_SUPPORT_URL", "mailto:help@example.com").is_ok());
    }
}
