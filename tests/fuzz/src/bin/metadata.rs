//! Parses any text as an identity provider's metadata. It returns in time and without a panic, and accepted metadata
//! can be trusted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trustplane_domain::Timestamp;
use trustplane_domain::saml::IdentityProviderMetadata;

fuzz_target!(|text: &str| {
    let now = Timestamp::parse("2026-01-02T03:04:05Z").expect("a moment");
    if let Ok(read) = IdentityProviderMetadata::parse(text, now) {
        assert!(!read.certificates.is_empty());
        let login_url = read.settings.login_url.as_str().to_ascii_lowercase();
        assert!(login_url.starts_with("https://") || login_url.starts_with("http://"));
        let host = login_url.split(['/', ':']).nth(3).unwrap_or_default();
        assert!(login_url.starts_with("https://") || matches!(host, "localhost" | "127.0.0.1" | "["));
        assert!(!read.settings.entity_id.as_str().is_empty());
        assert!(!text.trim_start().starts_with("<!DOCTYPE"));
    }
});
