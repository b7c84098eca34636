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
        assert!(read.settings.login_url.as_str().starts_with("https://"));
        assert!(!read.settings.entity_id.as_str().is_empty());
        assert!(!text.contains("<!DOCTYPE") && !text.contains("<!ENTITY"));
    }
});
