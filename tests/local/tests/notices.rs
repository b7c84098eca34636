//! Tests of the rules that send notices to people: `NoticesRule` of the template, and the examples for chats in
//! `docs/notifications.md`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;
use trustplane_local::pattern::Pattern;

const EVENT_TYPES: &str = include_str!("../../../functions/platform/src/event_types.json");
const TEMPLATE: &str = include_str!("../../../template.yaml");
const MANUAL: &str = include_str!("../../../docs/notifications.md");

/// The events of the catalogue: a name, the mark of a notice, and an example of the detail.
fn event_types() -> Vec<(String, bool, Value)> {
    let document: Value = serde_json::from_str(EVENT_TYPES).unwrap();
    let rows = document["data"].as_array().unwrap().iter();
    rows.map(|row| {
        let name = row["name"].as_str().unwrap().to_owned();
        (name, row["notice"].as_bool().unwrap(), row["example"].clone())
    })
    .collect()
}

/// A value of YAML without its tags.
fn plain(value: &Yaml) -> Value {
    match value {
        Yaml::Tagged(tagged) => plain(&tagged.value),
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(fields) => {
            fields.iter().map(|(name, field)| (name.as_str().unwrap().to_owned(), plain(field))).collect()
        }
        other => serde_json::to_value(other).unwrap(),
    }
}

/// The properties of a rule of a template.
fn rule(template: &str, name: &str) -> Value {
    let template = plain(&serde_yaml_ng::from_str(template).unwrap());
    let rule = &template["Resources"][name];
    assert_eq!(rule["Type"], "AWS::Events::Rule");
    rule["Properties"].clone()
}

/// The code blocks of the manual in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let (from, to) = (format!("```{language}\n"), "\n```");
    MANUAL.split(&from).skip(1).map(|rest| rest.split_once(to).unwrap().0).collect()
}

/// The text that EventBridge makes of an event: each `<name>` is replaced by the value at its path.
///
/// Source: "Amazon EventBridge input transformation", Amazon EventBridge User Guide.
fn transformed(transformer: &Value, template: &str, event: &Value) -> String {
    let paths = transformer["InputPathsMap"].as_object().unwrap();
    let text = paths.iter().fold(template.to_owned(), |text, (name, path)| {
        let pointer = path.as_str().unwrap().replace("$.", "/").replace('.', "/");
        let value = event.pointer(&pointer).unwrap_or_else(|| panic!("{path} of {event}"));
        let mark = format!("<{name}>");
        assert!(text.contains(&mark), "`{name}` is not used");
        text.replace(&mark, value.as_str().unwrap())
    });
    assert!(!text.contains('<'), "{text}");
    text
}

fn event(name: &str, detail: &Value) -> Value {
    json!({"source": "trustplane", "detail-type": name, "detail": detail})
}

/// Checks that a rule takes all notices, nothing else, and only names that exist.
fn takes_notices_alone(rule: &Value) {
    let pattern = Pattern::parse(&rule["EventPattern"]).unwrap();
    let types = event_types();
    assert!(types.iter().filter(|(_, notice, _)| *notice).count() > 10);
    for (name, notice, example) in &types {
        assert_eq!(pattern.matches(&event(name, example)), *notice, "{name}");
        assert_eq!(example["contacts"].is_array(), *notice, "{name}");
        let forged = json!({"source": "other", "detail-type": name, "detail": example});
        assert!(!pattern.matches(&forged), "{name}");
    }
    let known: BTreeSet<&str> = types.iter().map(|(name, ..)| name.as_str()).collect();
    for name in rule["EventPattern"]["detail-type"].as_array().unwrap() {
        assert!(known.contains(name.as_str().unwrap()), "there is no event {name}");
    }
}

/// Renders every notice by a template, the first target's own if there is none.
fn rendered(rule: &Value, template: Option<&str>) -> Vec<(String, Value)> {
    let transformer = &rule["Targets"][0]["InputTransformer"];
    let template = template.unwrap_or_else(|| transformer["InputTemplate"].as_str().unwrap());
    let notices = event_types().into_iter().filter(|(_, notice, _)| *notice);
    notices
        .map(|(name, _, example)| {
            let text = transformed(transformer, template, &event(&name, &example));
            let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            (name, value)
        })
        .collect()
}

#[test]
fn the_rule_of_the_template_takes_all_notices_and_makes_a_text_of_each() {
    let rule = rule(TEMPLATE, "NoticesRule");
    takes_notices_alone(&rule);
    for (name, text) in rendered(&rule, None) {
        let text = text.as_str().unwrap();
        assert!(text.starts_with(&format!("Trustplane: {name} of ")), "{text}");
    }
    // The manual shows such a text.
    let shown = blocks("text")[0];
    let expected = rendered(&rule, None).into_iter().find(|(name, _)| name == "idp-certificate.expiring").unwrap().1;
    assert_eq!(expected, shown);
}

#[test]
fn without_a_topic_there_is_no_rule() {
    let template = plain(&serde_yaml_ng::from_str(TEMPLATE).unwrap());
    assert_eq!(template["Parameters"]["NoticesTopic"]["Default"], "");
    assert_eq!(template["Resources"]["NoticesRule"]["Condition"], "NoticesAreSent");
}

#[test]
fn the_examples_for_chats_take_all_notices_and_make_bodies_that_the_chats_take() {
    let rule = rule(blocks("yaml")[0], "Rule");
    takes_notices_alone(&rule);
    for (name, body) in rendered(&rule, None) {
        assert!(body["text"].as_str().unwrap().starts_with(&format!("Trustplane: {name} of ")), "{body}");
    }
    let teams = blocks("json").into_iter().find(|block| block.contains("adaptive")).unwrap();
    for (name, body) in rendered(&rule, Some(teams)) {
        let card = &body["attachments"][0]["content"];
        assert_eq!((&body["type"], &card["type"]), (&json!("message"), &json!("AdaptiveCard")));
        let text = card["body"][0]["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("Trustplane: {name} of ")), "{text}");
    }
}
