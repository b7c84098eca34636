//! Patterns of names of events.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Selects events: `*`, a prefix such as `idp-certificate.*`, or a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventPattern(String);

crate::text_field!(EventPattern => Self, EventPattern::parse, {
    "type": "string", "pattern": r"^(\*|[a-z-]+\.(\*|[a-z_]+))$"
});

impl EventPattern {
    /// Parses a pattern.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "must be `*`, a resource type with `.*`, or a name of `GET /v1/event-types`";
        let word = |text: &str, extra: u8| {
            !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == extra)
        };
        let fits = text == "*"
            || text.split_once('.').is_some_and(|(kind, fact)| word(kind, b'-') && (fact == "*" || word(fact, b'_')));
        fits.then(|| Self(text.to_owned())).ok_or(FORM)
    }

    /// Reports that it selects events of this name.
    pub fn matches(&self, event: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => event.starts_with(prefix),
            None => self.0 == event,
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for EventPattern {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EventPattern> for String {
    fn from(pattern: EventPattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_all_a_resource_type_or_one_event() {
        for (pattern, selected, others) in [
            ("*", ["policy.saved", "access.denied"].as_slice(), [].as_slice()),
            ("policy.*", &["policy.saved", "policy.deleted"], &["policy-set.saved", "access.denied"]),
            ("policy.saved", &["policy.saved"], &["policy.saved_again", "policy.deleted"]),
        ] {
            let pattern = EventPattern::parse(pattern).unwrap();
            assert!(selected.iter().all(|event| pattern.matches(event)), "{pattern}");
            assert!(!others.iter().any(|event| pattern.matches(event)), "{pattern}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "policy", "policy.", ".saved", "*.saved", "policy.sa*", "Policy.saved", "policy.*.x", "**"] {
            assert!(EventPattern::parse(text).is_err(), "{text}");
        }
    }
}
