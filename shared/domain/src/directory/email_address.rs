//! An e-mail address, of a contact or of a user who signs in.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::domain_name::DomainName;

/// Largest size of an address, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const MAX: usize = 254;
/// Largest size of the part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// An e-mail address, in the client's spelling: `dot-atom@domain` (RFC 5322), with an internationalised local part or
/// without (RFC 6531). Quoted local parts and address literals are refused, because nobody receives mail at them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    text: String,
    domain: DomainName,
}

crate::text_field!(EmailAddress => Self, EmailAddress::parse, {
    "type": "string", "format": "email", "maxLength": MAX
});

impl EmailAddress {
    /// Parses an address.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "must be an e-mail address";
        let (local, domain) = text.rsplit_once('@').ok_or(WRONG)?;
        if text.len() > MAX || !(1..=MAX_LOCAL).contains(&local.len()) {
            return Err(WRONG);
        }
        let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atom_character);
        if !local.split('.').all(is_atom) || domain.ends_with('.') {
            return Err(WRONG);
        }
        let domain = DomainName::parse(domain).map_err(|_| WRONG)?;
        Ok(Self { text: text.to_owned(), domain })
    }

    /// Returns the address in the client's spelling.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }
}

fn is_atom_character(character: char) -> bool {
    match character.is_ascii() {
        true => character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character),
        false => !character.is_whitespace() && !character.is_control(),
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_kept_as_sent_and_their_domain_is_canonical() {
        for (text, domain) in [
            ("user@example.com", "example.com"),
            ("Jane.O'Neil+x=y@EXAMPLE.com", "example.com"),
            ("j\u{fc}rgen@b\u{fc}cher.example", "xn--bcher-kva.example"),
            (&format!("{}@example.com", "a".repeat(64)), "example.com"),
        ] {
            let address = EmailAddress::parse(text).unwrap();
            assert_eq!((address.as_str(), address.domain().as_str()), (text, domain));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "@",
            "user",
            "user@",
            "@example.com",
            "user@localhost",
            "user@example.com.",
            "user@[192.0.2.1]",
            "user@192.0.2.1",
            ".user@example.com",
            "us..er@example.com",
            "user.@example.com",
            "us er@example.com",
            "user@exa mple.com",
            "a@b@example.com",
            "\"a b\"@example.com",
            "user@example.com\n",
            "Jane <user@example.com>",
            &format!("{}@example.com", "a".repeat(65)),
            &format!("a@{}.com", vec!["b".repeat(62); 4].join(".")),
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,80}(@.{0,80})?") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(address.as_str(), text.as_str());
            }
        }
    }
}
