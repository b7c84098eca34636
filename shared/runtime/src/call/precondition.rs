//! `If-Match`: the resource is still the one that the client has seen. `If-None-Match`: there is none yet.

use trustplane_domain::Failure;

use super::Call;

impl Call {
    /// Checks `If-Match`, and `If-None-Match` of a PUT, against the version of the resource: 404 before 412 before 409. A
    /// GET ignores them.
    pub(super) fn precondition<T>(&self, version: Option<u64>, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let outcome = match outcome {
            Err(Failure::NotFound(what)) => return Err(Failure::NotFound(what)),
            other => other,
        };
        let is_read = self.request.method == "GET";
        let is_other = |wanted: &str| !is_read && !matches_etag(wanted, version);
        if self.request.header("if-match").is_some_and(is_other) {
            return Err(Failure::PreconditionFailed);
        }
        match self.request.header("if-none-match") {
            Some(known) if self.request.method == "PUT" && is_known(known, version) => Err(Failure::MustNotExist),
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

/// Matches `If-None-Match` (RFC 9110, 13.1.2: `*` or a list of entity tags, which may be weak) against `version`.
fn is_known(known: &str, version: Option<u64>) -> bool {
    let strong: Vec<&str> = known.split(',').map(|tag| tag.trim().trim_start_matches("W/")).collect();
    matches_etag(&strong.join(","), version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_as_the_rfc_has_it() {
        assert!(is_known("*", Some(1)));
        assert!(is_known("\"2\", W/\"3\"", Some(3)));
        assert!(!is_known("\"2\"", Some(3)));
        assert!(!is_known("*", None));
    }

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
