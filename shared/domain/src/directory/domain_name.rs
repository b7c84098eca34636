//! E-mail domains, and the rules on which of them a tenant can claim.

use std::fmt;

use super::domain_proof::CHALLENGE_LABEL;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

/// Largest number of labels of a [`DomainName`]. DNS allows 127. The lower bound keeps a routing lookup within one
/// read.
pub const MAX_LABELS: usize = 32;

/// Largest number of characters of a domain that can be proven: the name of the challenge's record is 22 longer.
pub const MAX_PROVABLE: usize = 253 - (CHALLENGE_LABEL.len() + 1);

/// Top-level domains below which the public DNS has no record of a tenant's (RFC 6761, 6762, 7686, 3172).
const WITHOUT_PUBLIC_DNS: [&str; 5] = ["arpa", "invalid", "local", "localhost", "onion"];

/// A domain name of at least two labels, in its canonical form: lower case, internationalised labels as punycode (UTS
/// #46, IDNA 2008), no dot at the end. It has letters, digits and hyphens only, and at most 253 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

impl DomainName {
    /// Parses a domain in any spelling.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let without_root = text.strip_suffix('.').unwrap_or(text);
        // Hyphens in the third and fourth place are valid in DNS, and in domains that are registered.
        let name = Uts46::new()
            .to_ascii(without_root.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
            .map_err(|_| "is not a domain name")?
            .into_owned();
        let labels = name.split('.').count();
        if labels < 2 {
            return Err("must be a domain name of two labels or more");
        }
        if labels > MAX_LABELS {
            return Err("must not have more than 32 labels");
        }
        let top = name.rsplit('.').next().unwrap_or_default();
        if top.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("must not be an IP address");
        }
        Ok(Self(name))
    }

    /// Returns the canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns an error unless one party can own the mail of this domain, and prove it in the public DNS. A public suffix (`co.uk`, publicsuffix.org)
    /// is not claimable, because anybody can register below it. Nor is a provider's domain where anybody can get a
    /// mailbox (`gmail.com`).
    pub fn claimable(&self) -> Result<(), &'static str> {
        if self.0.len() > MAX_PROVABLE {
            return Err("must have at most 231 characters, so that the record of its challenge has a valid name");
        }
        let top = self.0.rsplit('.').next().unwrap_or_default();
        if WITHOUT_PUBLIC_DNS.contains(&top) {
            return Err("is not in the public DNS, so nobody can prove it: use a domain that is registered");
        }
        if is_public_suffix(&self.0) {
            return Err("is a public suffix, under which anybody can register a domain");
        }
        if is_open_provider(&self.0) {
            return Err("is a mail provider's, where anybody can have an address");
        }
        Ok(())
    }

    /// Iterates over this domain and its claimable parents, longest first: the domains that can decide where an address
    /// at this domain signs in. There are at most [`MAX_LABELS`].
    pub fn candidates(&self) -> impl Iterator<Item = Self> {
        let starts = std::iter::once(0).chain(self.0.match_indices('.').map(|(at, _)| at + 1));
        starts
            .filter_map(|start| self.0.get(start..))
            .take_while(|name| name.contains('.') && !is_public_suffix(name))
            .map(|name| Self(name.to_owned()))
    }
}

/// An entry of a version's RestrictedDomains: a domain, or `*` for every address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RestrictedDomain {
    /// `*`: every address that no longer entry matches. It needs no proof and claims nothing.
    Any,
    /// One domain.
    Domain(DomainName),
}

impl RestrictedDomain {
    /// Parses `*` or a domain.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" { Ok(Self::Any) } else { DomainName::parse(text).map(Self::Domain) }
    }

    /// Returns the domain, which must be proven and is claimed; `None` for `*`.
    pub fn domain(&self) -> Option<&DomainName> {
        match self {
            Self::Any => None,
            Self::Domain(domain) => Some(domain),
        }
    }

    /// Returns `*` or the domain.
    pub fn as_str(&self) -> &str {
        self.domain().map_or("*", DomainName::as_str)
    }
}

crate::schema!(DomainName, {"type": "string", "maxLength": 253, "pattern": r"^\S*$"});
crate::schema!(RestrictedDomain, {"type": "string", "maxLength": 253, "pattern": r"^\S*$"});

/// Returns true if the Public Suffix List contains the whole name. An unknown top-level domain is not a suffix.
fn is_public_suffix(name: &str) -> bool {
    psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix.as_bytes() == name.as_bytes())
}

/// Domains where anybody can get an address, sorted, one per line.
const OPEN_PROVIDERS: &str = include_str!("mail_providers.txt");

fn is_open_provider(name: &str) -> bool {
    OPEN_PROVIDERS.lines().any(|line| line == name)
}

impl fmt::Display for DomainName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for DomainName {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.0
    }
}

impl fmt::Display for RestrictedDomain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<String> for RestrictedDomain {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RestrictedDomain> for String {
    fn from(domain: RestrictedDomain) -> Self {
        domain.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> DomainName {
        DomainName::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    #[test]
    fn spellings_of_one_domain_are_one_domain() {
        for (text, name) in [
            ("example.com", "example.com"),
            ("EXAMPLE.Com.", "example.com"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("BU\u{308}CHER.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("stra\u{df}e.example", "xn--strae-oqa.example"),
            ("\u{65e5}\u{672c}\u{3002}jp", "xn--wgv71a.jp"),
            ("a.b-c.d1.example", "a.b-c.d1.example"),
            ("ab--cd.example", "ab--cd.example"),
            ("R3---SN.Example", "r3---sn.example"),
        ] {
            assert_eq!(parse(text).as_str(), name, "{text}");
        }
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for text in [
            "",
            ".",
            "example",
            "example..com",
            ".example.com",
            "example.com..",
            "-a.example.com",
            "a-.example.com",
            "a_b.example.com",
            "a b.example.com",
            "user@example.com",
            "*.example.com",
            "*",
            "192.0.2.1",
            "example.123",
            "xn--a.example",
            "example.com/",
            "example.com\0",
            &format!("{}.example", "a".repeat(64)),
            &vec!["a"; 33].join("."),
            &format!("{}.com", vec!["a".repeat(60); 5].join(".")),
        ] {
            assert!(DomainName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_belongs_to_everybody_cannot_be_claimed() {
        for name in ["co.uk", "gov.uk", "github.io", "com.br", "s3.amazonaws.com", "\u{516c}\u{53f8}.cn"] {
            assert_eq!(parse(name).claimable().unwrap_err().split(',').next(), Some("is a public suffix"), "{name}");
        }
        for name in ["gmail.com", "Outlook.com", "yahoo.co.jp", "proton.me", "qq.com"] {
            assert!(parse(name).claimable().unwrap_err().starts_with("is a mail provider's"), "{name}");
        }
        for name in ["example.com", "example.co.uk", "mail.example.com", "acme.github.io", "idp.test", "a.corp"] {
            assert_eq!(parse(name).claimable(), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_could_never_be_proven_cannot_be_claimed() {
        let long = |length: usize| {
            let mut name = "example".to_owned();
            while name.len() < length {
                // A label and its dot; never so many that one character is left over.
                let left = length - name.len() - 1;
                let label = if left == 61 { 59 } else { left.min(60) };
                name = format!("{}.{name}", "a".repeat(label));
            }
            assert_eq!(name.len(), length);
            parse(&name)
        };
        assert_eq!(MAX_PROVABLE, 231);
        assert_eq!(long(231).claimable(), Ok(()));
        for name in [long(232), long(253), parse("corp.local"), parse("a.localhost"), parse("10.in-addr.arpa")] {
            assert!(name.claimable().is_err(), "{name}");
        }
        for name in ["a.invalid", "A.B.Onion"] {
            assert!(parse(name).claimable().unwrap_err().starts_with("is not in the public DNS"), "{name}");
        }
        assert_eq!(parse("local.example").claimable(), Ok(()));
    }

    #[test]
    fn the_list_of_providers_is_sorted_canonical_and_long() {
        let lines: Vec<&str> = OPEN_PROVIDERS.lines().collect();
        assert!(lines.len() > 100);
        assert!(lines.is_sorted_by(|a, b| a < b));
        for line in lines {
            assert_eq!(parse(line).as_str(), line);
        }
    }

    #[test]
    fn candidates_go_up_to_the_public_suffix() {
        let names = |text: &str| parse(text).candidates().map(String::from).collect::<Vec<_>>();
        assert_eq!(names("a.b.example.co.uk"), ["a.b.example.co.uk", "b.example.co.uk", "example.co.uk"]);
        assert_eq!(names("mail.corp.test"), ["mail.corp.test", "corp.test"]);
        assert!(names("co.uk").is_empty());
    }

    #[test]
    fn a_wildcard_is_no_domain() {
        assert_eq!(RestrictedDomain::parse("*"), Ok(RestrictedDomain::Any));
        assert!(RestrictedDomain::parse("*.example.com").is_err());
        assert_eq!(RestrictedDomain::parse("A.example").unwrap().as_str(), "a.example");
        let kept = serde_json::to_string(&[RestrictedDomain::Any]).unwrap();
        assert_eq!(serde_json::from_str::<Vec<RestrictedDomain>>(&kept).unwrap(), [RestrictedDomain::Any]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic_and_once_read_stays_as_it_is(text in ".{0,300}|[a-zA-Z0-9.\u{e0}-\u{17f}-]{0,80}") {
            if let Ok(name) = DomainName::parse(&text) {
                prop_assert!(name.as_str().len() <= 253);
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b)));
                prop_assert_eq!(DomainName::parse(name.as_str()), Ok(name.clone()));
                let _ = name.claimable();
                for candidate in name.candidates() {
                    prop_assert_eq!(DomainName::parse(candidate.as_str()), Ok(candidate));
                }
            }
        }

        #[test]
        fn case_never_tells_domains_apart(text in "[a-z0-9\u{e0}-\u{ff}]{1,10}(\\.[a-z0-9-]{1,10}){1,4}") {
            prop_assert_eq!(DomainName::parse(&text.to_uppercase()), DomainName::parse(&text.to_uppercase().to_lowercase()));
        }
    }
}
