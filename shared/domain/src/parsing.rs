//! The count of expensive parses: XML, X.509, policies. The log shows it, so that a test can show that a request without a
//! valid credential costs none.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

/// Counts one document that is about to be parsed on this thread.
pub fn count() {
    COUNT.set(COUNT.get().saturating_add(1));
}

/// Returns the count of this thread, and resets it.
pub fn take() -> u32 {
    COUNT.take()
}

#[cfg(test)]
mod tests {
    use crate::certificate::Certificate;
    use crate::saml::IdentityProviderMetadata;
    use crate::{Timestamp, parsing};

    #[test]
    fn documents_are_counted_whether_they_are_good_or_not() {
        let _ = parsing::take();
        assert!(Certificate::from_pem("x").is_err() && Certificate::from_base64_der("x").is_err());
        assert!(IdentityProviderMetadata::parse("<a/>", Timestamp::from_millis(0)).is_err());
        assert_eq!((parsing::take(), parsing::take()), (3, 0));
    }
}
