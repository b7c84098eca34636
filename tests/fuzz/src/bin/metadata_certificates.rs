//! Imports well-formed metadata that the fuzzer puts together. The certificates are those that an independent reader
//! finds, and where it finds none the metadata is refused.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use trustplane_domain::Timestamp;
use trustplane_domain::saml::IdentityProviderMetadata;
use trustplane_fuzz::metadata::{Choices, NOW, document, usable};

fuzz_target!(|bytes: &[u8]| {
    let document = document(&mut Choices(bytes));
    let expected = usable(&document);
    let now = Timestamp::parse(NOW).expect("a moment");
    match IdentityProviderMetadata::parse(&document, now) {
        Ok(read) => {
            let found: Vec<String> = read.certificates.iter().map(|one| one.to_base64_der()).collect();
            let expected: Vec<String> = expected.iter().map(|der| STANDARD.encode(der)).collect();
            assert_eq!(found, expected, "{document}");
        }
        Err(fault) => assert!(expected.is_empty(), "{fault}: {document}"),
    }
});
