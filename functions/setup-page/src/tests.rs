use super::*;

fn settings() -> Settings {
    Settings::read(&|_| None).unwrap()
}

#[test]
fn the_document_names_files_that_are_served() {
    let (page, assets) = (Page::new(&settings()).unwrap(), Assets::new(&settings()).unwrap());
    assert_eq!(page.documents.len(), NAMES.len());
    for (language, script) in NAMES {
        assert!(assets.files.contains_key(*script), "{language}");
        let html = html::document(&settings(), language, &style_name(&style(&settings())), script);
        let named: Vec<&str> = html.split("\"/setup/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(named.len(), 2, "{html}");
        assert!(named.iter().all(|name| assets.files[*name].1 == FOREVER), "{named:?}");
    }
}

#[test]
fn the_first_view_is_small() {
    let (page, assets) = (Page::new(&settings()).unwrap(), Assets::new(&settings()).unwrap());
    for ((_, document), (_, script)) in page.documents.iter().zip(SCRIPTS) {
        let size = document.size() + assets.files["theme.css"].0.size() + script.len();
        assert!(size <= 60_000, "{size} bytes");
    }
}

#[test]
fn another_colour_is_another_file() {
    let other = Settings::read(&|name| (name == "TRUSTPLANE_SETUP_ACCENT_COLOR").then(|| "#884400".to_owned()));
    assert_ne!(style_name(&style(&settings())), style_name(&style(&other.unwrap())));
}

#[test]
fn the_policy_permits_no_inline_code_and_one_foreign_origin() {
    let headers = |name: &'static str, value: &'static str| {
        Headers::of(&Settings::read(&|asked| (asked == name).then(|| value.to_owned())).unwrap())
    };
    let plain = format!("{:?}", headers("", ""));
    assert!(!plain.contains("unsafe") && !plain.contains("https:") && plain.contains("frame-ancestors 'none'"));
    assert!(plain.contains("DENY"));
    let logo = format!("{:?}", headers("TRUSTPLANE_SETUP_LOGO_URL", "https://cdn.example.com/a.svg"));
    assert_eq!(logo.matches("https:").count(), 1);
    let framed = format!("{:?}", headers("TRUSTPLANE_SETUP_FRAME_ORIGINS", "https://app.example.com"));
    assert!(framed.contains("frame-ancestors https://app.example.com;") && !framed.contains("DENY"), "{framed}");
}
