//! Choice of a language.

/// Returns the language of `known` that `Accept-Language` prefers, else the first of them that is English, else the first.
pub(crate) fn choose<'a>(accepted: &str, known: &[&'a str]) -> Option<&'a str> {
    let mut wanted: Vec<(&str, f32)> = accepted.split(',').filter_map(parse).collect();
    // Stable: of two with the same quality, the first.
    wanted.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let found = wanted.iter().find_map(|(tag, _)| {
        let base = tag.split('-').next().unwrap_or_default();
        known.iter().find(|known| known.eq_ignore_ascii_case(tag) || known.eq_ignore_ascii_case(base))
    });
    found.or_else(|| known.iter().find(|known| **known == "en")).or(known.first()).copied()
}

fn parse(one: &str) -> Option<(&str, f32)> {
    let (tag, rest) = one.split_once(';').unwrap_or((one, ""));
    let quality = rest.trim().strip_prefix("q=").map_or(Some(1.0), |text| text.trim().parse().ok())?;
    (quality > 0.0 && !tag.trim().is_empty()).then(|| (tag.trim(), quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_known_language_is_chosen() {
        let known = ["de", "en", "pt-BR"];
        for (accepted, chosen) in [
            ("", "en"),
            ("de", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("fr,en;q=0.5,de;q=0.7", "de"),
            ("pt-br", "pt-BR"),
            ("de;q=0,fr", "en"),
            ("*", "en"),
            ("de;q=x, fr;;", "en"),
        ] {
            assert_eq!(choose(accepted, &known), Some(chosen), "{accepted}");
        }
        assert_eq!((choose("en", &["de"]), choose("en", &[])), (Some("de"), None));
    }
}
