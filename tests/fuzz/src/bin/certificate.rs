//! Parses any bytes as a certificate's DER, and any text as its PEM. It returns without a panic, and an accepted input
//! is a whole certificate.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use trustplane_domain::certificate::{Certificate, holds_private_key};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = Certificate::from_base64_der(&STANDARD.encode(bytes)) {
        assert_eq!(read.to_base64_der(), STANDARD.encode(bytes));
        let again = Certificate::from_pem(read.pem());
        assert_eq!(again.as_ref(), Ok(&read));
        assert!(read.serial_number().as_number().is_none() || read.serial_number().as_str().len() <= 40);
        let kept = serde_json::to_string(&read).expect("is kept as JSON");
        assert_eq!(serde_json::from_str::<Certificate>(&kept).ok().as_ref(), Some(&read));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(read) = Certificate::from_pem(text)
    {
        assert_eq!(read.pem(), text);
        assert!(!holds_private_key(text));
    }
});
