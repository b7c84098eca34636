//! Evaluates the worked examples of `docs/policies.md`, and compares its tables with the schema.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trustplane_end_to_end::world;
use trustplane_runtime::routes;

const SCHEMA: &str = "/v1/policies/schema";

fn documentation() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policies.md")).unwrap()
}

/// Returns the fenced blocks of a section, each with its language.
fn blocks(section: &str) -> Vec<(&str, &str)> {
    let fenced = section.split("```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).collect()
}

#[tokio::test]
async fn every_worked_example_is_decided_as_it_says() {
    let customer = world().customer().await;
    let text = documentation();
    let (_, examples) = text.split_once("## Worked examples").unwrap();
    let mut count = 0;
    for section in examples.split("\n### ").skip(1) {
        let title = section.lines().next().unwrap();
        let [("cedar", policy), ("json", question), ("json", expected)] = blocks(section)[..] else {
            panic!("{title}: expected a policy, a question and a response");
        };
        // It can be saved, too.
        let saved = json!({"text": policy, "enabled": false});
        let _ = customer.put("/v1/policies/example", &saved).await.expect(200);
        let mut question: Value = serde_json::from_str(question).unwrap();
        question["policies"] = json!([{"id": "example", "text": policy}]);
        let reply = customer.post("/v1/policies/evaluate", &question).await.expect(200);
        let expected: Value = serde_json::from_str(expected).unwrap();
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&reply.body[field], value, "{title}: {field}: {}", reply.text);
        }
        // Without the policy, the role decides alone.
        question["policies"] = json!([]);
        let reply = customer.post("/v1/policies/evaluate", &question).await.expect(200);
        assert_eq!(reply.body["permitted"], true, "{title}: {}", reply.text);
        count += 1;
    }
    assert_eq!(count, 6);
}

#[tokio::test]
async fn the_schema_is_shown_with_comments_and_is_what_the_documentation_names() {
    let customer = world().customer().await;
    let reply = customer.send(customer.request_as(&customer.viewer, "GET", SCHEMA)).await.expect(200);
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    assert!(reply.text.contains("// `Monday` to `Sunday`, UTC."), "{}", reply.text);
    let cost = customer.cost(&reply).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    let actions = routes().filter_map(|(_, route)| route.action);
    for action in actions {
        let line = format!("action \"{}\" in [\"{}\"", action.name, action.group.as_str());
        assert!(reply.text.contains(&line), "{line}");
    }
    let documentation = documentation();
    let groups: BTreeSet<&str> = routes().filter_map(|(_, route)| Some(route.action?.group.as_str())).collect();
    for group in groups {
        assert!(documentation.contains(&format!("| `{group}` |")), "{group}");
    }
    let names = |kind: &str| -> Vec<String> {
        let (_, body) = reply.text.split_once(kind).unwrap_or_else(|| panic!("{kind}"));
        let lines = body.split_once("};").unwrap().0.lines().skip(1).map(str::trim);
        let fields = lines.filter(|line| !line.starts_with("//") && !line.is_empty());
        fields.map(|field| field.split(':').next().unwrap().to_owned()).collect()
    };
    let (of_principal, of_context) = (names("entity Credential in [Role] ="), names("type Context ="));
    assert!(of_principal.len() > 4 && of_context.len() > 4, "{of_principal:?} {of_context:?}");
    for (of, names) in [("principal", of_principal), ("context", of_context)] {
        for name in names {
            assert!(documentation.contains(&format!("`{of}.{name}`")), "`{of}.{name}` is not documented");
        }
    }
    // There is one form of it, so a browser gets that one.
    let browser = customer.send(customer.request("GET", SCHEMA).header("accept", "text/html")).await.expect(200);
    assert_eq!(browser.header("content-type"), Some("text/plain"));
    let strict = customer.get(&format!("{SCHEMA}?form=json")).await.refused(400, "invalid_request");
    assert!(strict.body["details"]["form"].is_string(), "{}", strict.text);
}
