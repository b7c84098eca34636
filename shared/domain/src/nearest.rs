//! The known name that an unknown one most resembles, for messages.

/// Least similarity (Jaro-Winkler) of a name that is suggested.
const LEAST: f64 = 0.8;
/// Largest number of known names that a message lists.
const LISTED: usize = 12;

/// Returns the known name that is most like `name`, if one is alike.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The comparison takes time with the square of the length.
    if name.len() > 128 {
        return None;
    }
    let name = name.to_lowercase();
    let alike = known.into_iter().map(|other| (strsim::jaro_winkler(&name, &other.to_lowercase()), other));
    alike.filter(|(alike, _)| *alike >= LEAST).max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, other)| other)
}

/// Returns the message for an unknown name: the nearest known one, or all where they are few.
pub fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(nearest) = nearest(name, known.iter().copied()) {
        return format!("is unknown: did you mean `{nearest}`?");
    }
    match known.len() {
        0 => "is unknown: remove it".to_owned(),
        1..=LISTED => format!("is unknown: expected `{}`", known.join("`, `")),
        _ => "is unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["put-policy", "delete-policy", "create-api-key", "overlap_seconds", "roles"];
        for (name, found) in [
            ("put-polcy", Some("put-policy")),
            ("deletepolicy", Some("delete-policy")),
            ("overlap", Some("overlap_seconds")),
            ("ROLES", Some("roles")),
            ("role", Some("roles")),
            ("x", None),
            ("", None),
            (&"r".repeat(100_000), None),
        ] {
            assert_eq!(nearest(name, known), found, "{name}");
        }
    }

    #[test]
    fn the_message_says_what_to_do() {
        assert_eq!(unknown("rolse", ["roles"]), "is unknown: did you mean `roles`?");
        assert_eq!(unknown("x", ["limit", "cursor"]), "is unknown: expected `limit`, `cursor`");
        assert_eq!(unknown("x", []), "is unknown: remove it");
        let many: Vec<String> = (0..20).map(|number| format!("name-{number}")).collect();
        assert_eq!(unknown("x", many.iter().map(String::as_str)), "is unknown");
    }
}
