//! `If-Match`: the resource is still the one that the client has seen.

use trustplane_domain::Failure;

use super::Call;

impl Call {
    /// Checks `If-Match` against the version of the resource: 404 before 412 before 409. A GET ignores it.
    pub(super) fn precondition<T>(&self, version: Option<u64>, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let outcome = match outcome {
            Err(Failure::NotFound(what)) => return Err(Failure::NotFound(what)),
            other => other,
        };
        let is_read = self.request.method == "GET";
        match self.request.header("if-match") {
            Some(wanted) if !is_read && !matches_etag(wanted, version) => Err(Failure::PreconditionFailed),
            _ => outcome,
        }
    }
}

/// Matches `If-Match` (RFC 9110, 13.1.1: `*` or a list of strong entity tags) against `version`.
fn matches_etag(wanted: &str, version: Option<u64>) -> bool {
    let Some(version) = version else { return false };
    let current = format!("\"{version}\"");
    wanted.trim() == "*" || wanted.split(',').any(|tag| tag.trim() == current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_as_the_rfc_has_it() {
        assert!(matches_etag("\"3\"", Some(3)));
        assert!(matches_etag("\"1\" , \"3\"", Some(3)));
        assert!(matches_etag("*", Some(0)));
        assert!(!matches_etag("*", None));
        assert!(!matches_etag("W/\"3\"", Some(3)));
        assert!(!matches_etag("3", Some(3)));
        assert!(!matches_etag("", Some(3)));
    }
}
