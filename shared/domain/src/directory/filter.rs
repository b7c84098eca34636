//! Filters of the lists of organisations and authorisation servers, as Raidiam Connect's clients send them.

use std::collections::BTreeSet;

use crate::Faults;

/// Largest number of characters of `filterBy`.
const MAX_TEXT: usize = 255;
/// The status of an object in use.
const ACTIVE: &str = "Active";

/// The filters of a request. An absent one leaves nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    statuses: BTreeSet<String>,
    hides_inactive: bool,
    text: Option<String>,
    has_discovery_document: Option<bool>,
}

/// The facts of an object that filters look at.
#[derive(Clone, Copy, Debug)]
pub struct Filtered<'a> {
    /// Its status.
    pub status: &'a str,
    /// Its id and its name.
    pub texts: [&'a str; 2],
    /// True if it has an `OpenIDDiscoveryDocument`; `None` for an object that cannot have one.
    pub has_discovery_document: Option<bool>,
}

impl Filter {
    /// Parses `status` (one or more of the statuses, repeated or separated by commas), `hideInactive`, `filterBy` and
    /// `containsOpenIdDiscoveryDocument`. Other parameters are ignored.
    pub fn parse<'q>(
        query: impl IntoIterator<Item = (&'q str, &'q str)>,
        parse_status: impl Fn(&str) -> Result<&'static str, String>,
    ) -> Result<Self, Faults> {
        let (mut filter, mut faults) = (Self::default(), Faults::default());
        for (name, value) in query {
            match name {
                "status" => {
                    let statuses = value.split(',').filter_map(|word| faults.take(name, parse_status(word)));
                    filter.statuses.extend(statuses.map(str::to_owned));
                }
                "hideInactive" => filter.hides_inactive = faults.take(name, flag(value)).unwrap_or_default(),
                "containsOpenIdDiscoveryDocument" => filter.has_discovery_document = faults.take(name, flag(value)),
                "filterBy" if value.chars().count() > MAX_TEXT => {
                    faults.add(name, format!("must be at most {MAX_TEXT} characters"));
                }
                "filterBy" => filter.text = Some(value.trim().to_lowercase()),
                _ => {}
            }
        }
        if faults.is_empty() { Ok(filter) } else { Err(faults) }
    }

    /// Returns true if the filter leaves nothing out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns true if the object is in the filtered list.
    pub fn matches(&self, object: Filtered<'_>) -> bool {
        let Filtered { status, texts, has_discovery_document } = object;
        let has_text = |text: &String| texts.iter().any(|other| other.to_lowercase().contains(text));
        let has_document = self.has_discovery_document.zip(has_discovery_document);
        (self.statuses.is_empty() || self.statuses.contains(status))
            && (!self.hides_inactive || status == ACTIVE)
            && self.text.as_ref().is_none_or(has_text)
            && has_document.is_none_or(|(wanted, found)| wanted == found)
    }
}

fn flag(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be `true` or `false`"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::authorisation_server::ServerStatus;
    use super::*;

    fn parse(query: &[(&'static str, &'static str)]) -> Result<Filter, Faults> {
        Filter::parse(query.iter().copied(), |word| ServerStatus::parse(word).map(ServerStatus::as_str))
    }

    #[test]
    fn each_filter_leaves_out_what_it_says() {
        let acme = Filtered { status: "Active", texts: ["1", "Acme Bank"], has_discovery_document: Some(true) };
        let beta = Filtered { status: "Inactive", texts: ["2", "Beta"], has_discovery_document: Some(false) };
        for (query, expected) in [
            (&[][..], [true, true]),
            (&[("status", "Active")], [true, false]),
            (&[("status", "Active,Inactive")], [true, true]),
            (&[("status", "Active"), ("status", "Inactive")], [true, true]),
            (&[("hideInactive", "true")], [true, false]),
            (&[("hideInactive", "false")], [true, true]),
            (&[("hideInactive", "true"), ("status", "Inactive")], [false, false]),
            (&[("filterBy", "aCMe")], [true, false]),
            (&[("filterBy", " 2 ")], [false, true]),
            (&[("filterBy", "")], [true, true]),
            (&[("containsOpenIdDiscoveryDocument", "true")], [true, false]),
            (&[("containsOpenIdDiscoveryDocument", "false")], [false, true]),
            (&[("other", "x")], [true, true]),
        ] {
            let filter = parse(query).unwrap();
            assert_eq!([acme, beta].map(|one| filter.matches(one)), expected, "{query:?}");
        }
        let without = Filtered { has_discovery_document: None, ..acme };
        assert!(parse(&[("containsOpenIdDiscoveryDocument", "false")]).unwrap().matches(without));
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let query = [("status", "Gone"), ("hideInactive", "1"), ("containsOpenIdDiscoveryDocument", "")];
        let faults = parse(&query).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["containsOpenIdDiscoveryDocument", "hideInactive", "status"]);
        assert!(Filter::parse([("filterBy", "x".repeat(256).as_str())], |_| Err(String::new())).is_err());
    }
}
