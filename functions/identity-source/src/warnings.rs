//! Remarks on a change that succeeded: the `Warning` header of its response, and its audit record.

use serde::Serialize;
use trustplane_domain::Timestamp;
use trustplane_domain::identity_provider::{IdentityProvider, Offer};
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_runtime::{Response, warning};

/// Sentences that are sent. The last one counts the rest where there are more.
const MAX: usize = 8;

/// The agent of a warning, without the name of a host.
const AGENT: &str = "-";

/// The sentence about a provider that wants signed requests and will not get them.
const UNSIGNED: &str = "the identity provider wants signed requests, and no certificate of the service provider is active: \
                        activate one with `saml-certificates`, or set `want_request_signed` to false";

/// Remarks on a change that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "IdentityProviderRemarks"))]
pub(crate) struct Remarks {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// True if the provider wants signed requests and nothing signs them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unsigned_requests: bool,
}

impl Remarks {
    /// Remarks on the parts of metadata that are left out, and on certificates that others may refuse.
    pub(crate) fn of(offer: &Offer) -> Self {
        Self { warnings: offer.warnings(), unsigned_requests: false }
    }

    /// These remarks, and one where the provider is enabled and wants signed requests that nothing signs.
    pub(crate) fn on_signing(
        mut self,
        provider: &IdentityProvider,
        service_provider: Option<&ServiceProvider>,
        now: Timestamp,
    ) -> Self {
        let is_signed = service_provider.is_some_and(|provider| !provider.published(now).is_empty());
        if provider.is_enabled() && provider.settings().want_request_signed && !is_signed {
            self.warnings.push(UNSIGNED.to_owned());
            self.unsigned_requests = true;
        }
        self
    }

    /// The response, with the `Warning` header where there is a remark.
    pub(crate) fn warn(&self, response: Response) -> Response {
        warn(response, &self.warnings)
    }
}

/// The response, with these sentences in the `Warning` header.
pub(crate) fn warn(response: Response, sentences: &[String]) -> Response {
    match header(sentences) {
        Some(value) => response.header("warning", value),
        None => response,
    }
}

/// Returns the header's value for these sentences: up to eight warnings of up to 200 ASCII characters each, separated by
/// commas. None without a sentence.
fn header(sentences: &[String]) -> Option<String> {
    let mut warnings: Vec<String> = if sentences.len() > MAX {
        let sent = sentences.iter().take(MAX - 1).map(|sentence| warning(AGENT, sentence));
        let rest = sentences.len() - (MAX - 1);
        sent.chain([warning(AGENT, &format!("{rest} more warnings, which `preview` and the audit record list"))])
            .collect()
    } else {
        sentences.iter().map(|sentence| warning(AGENT, sentence)).collect()
    };
    warnings.dedup();
    (!warnings.is_empty()).then(|| warnings.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sentences: &[&str]) -> Option<String> {
        header(&sentences.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn each_sentence_is_one_warning() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["a `b` 'c'"]).unwrap(), "299 - \"a `b` 'c'\"");
        assert_eq!(of(&["a", "b, c"]).unwrap(), "299 - \"a\", 299 - \"b, c\"");
    }

    #[test]
    fn many_are_counted() {
        let many: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        let header = header(&many).unwrap();
        assert_eq!(header.matches("299 - ").count(), MAX);
        assert!(header.contains("\"6\", 299 - \"13 more warnings"), "{header}");
        let eight = super::header(many.get(..8).unwrap()).unwrap();
        assert!(eight.ends_with("299 - \"7\"") && !eight.contains("more"), "{eight}");
    }
}
