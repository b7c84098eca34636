//! Redirect URIs: a base that the deployment chooses, and a suffix that the client chooses or the id of the
//! configuration.

use uuid::Uuid;

use super::https_url::HttpsUrl;
use super::ids::SsoConfigurationId;

/// Largest number of characters of a [`RedirectUriSuffix`].
const MAX_SUFFIX: usize = 40;

/// The end of a redirect URI: 1 to 40 characters that a path can contain unescaped, including `/`. It has no empty, `.`
/// or `..` segment, so the URI stays below its base; and is no UUID, which redirect URIs without a suffix end in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUriSuffix(String);

impl RedirectUriSuffix {
    /// Parses a suffix, with or without the `/` that separates it from the base.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if !(1..=MAX_SUFFIX).contains(&text.chars().count()) {
            return Err("must be 1 to 40 characters");
        }
        let path = text.strip_prefix('/').unwrap_or(text);
        if is_uuid(path) {
            return Err("must not have the form of a UUID: redirect URIs without a suffix end in one");
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
        let sound = path.split('/').all(is_segment);
        sound
            .then(|| Self(path.to_owned()))
            .ok_or("must be a path that needs no escaping, without empty, `.` or `..` segments")
    }
}

crate::text_field!(RedirectUriSuffix => Self, RedirectUriSuffix::parse, {
    "type": "string", "minLength": 1, "maxLength": MAX_SUFFIX
});

/// Prefix of all redirect URIs: an `https` URL without a query, short enough that every redirect URI has at most 255
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectBase(String);

impl RedirectBase {
    /// Parses the base, with or without a `/` at its end.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = HttpsUrl::parse(text)?;
        if url.has_query() {
            return Err("must not have a query");
        }
        // A suffix has at most 40 characters, and a `/` before it.
        let base = text.trim_end_matches('/');
        if base.len() > 255 - 41 {
            return Err("must be at most 214 characters");
        }
        Ok(Self(base.to_owned()))
    }

    /// Returns the redirect URI with this suffix.
    pub fn with_suffix(&self, suffix: &RedirectUriSuffix) -> String {
        format!("{}/{}", self.0, suffix.0)
    }

    pub(super) fn with_id(&self, id: SsoConfigurationId) -> String {
        format!("{}/{id}", self.0)
    }
}

/// Returns true if the text has the form of a UUID, with or without hyphens.
pub(super) fn is_uuid(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_stays_below_the_base() {
        for sound in ["a", "/a", "a/b", "a:b@c", &"x".repeat(40)] {
            assert!(RedirectUriSuffix::parse(sound).is_ok(), "{sound}");
        }
        for wrong in ["", "/", "//a", "a//b", "a/", "..", "a/../b", ".", "a?b", "a#b", "a%2eb", "a b", "\u{e9}", "a\\b"]
        {
            assert!(RedirectUriSuffix::parse(wrong).is_err(), "{wrong}");
        }
        assert!(RedirectUriSuffix::parse(&"x".repeat(41)).is_err());
    }

    #[test]
    fn every_redirect_uri_fits() {
        let longest = format!("https://sso.example/{}", "x".repeat(214 - 20));
        let base = RedirectBase::parse(&longest).unwrap();
        assert_eq!(base.with_suffix(&RedirectUriSuffix::parse(&"y".repeat(40)).unwrap()).len(), 255);
        assert!(RedirectBase::parse(&format!("{longest}x")).is_err());
        assert!(RedirectBase::parse("https://sso.example/?a=").is_err());
        assert!(RedirectBase::parse("http://sso.example/").is_err());
    }

    #[test]
    fn a_suffix_is_not_the_id_of_another_configuration() {
        for id in ["3fa85f64-5717-4562-b3fc-2c963f66afa6", "3FA85F64-5717-4562-B3FC-2C963F66AFA6"] {
            for wrong in [id.to_owned(), format!("/{id}"), id.replace('-', "")] {
                assert!(RedirectUriSuffix::parse(&wrong).is_err(), "{wrong}");
            }
        }
        assert!(RedirectUriSuffix::parse("3fa85f64-5717-4562-b3fc-2c963f66afa").is_ok());
    }
}
