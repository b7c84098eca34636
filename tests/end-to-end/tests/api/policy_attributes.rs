//! Tests of the attributes that policies can use, each with a policy of a tenant that depends on it.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_end_to_end::{Customer, world};

use crate::directory::Directory;
use crate::policies::save;

const CONFIG: &str = "/v1/integrations/aws-identity-center/config";
const EVALUATE: &str = "/v1/policies/evaluate";

fn config(region: &str) -> Value {
    json!({"sso_instance_arn": "", "role_arn": "", "region": region})
}

/// Returns true if a `forbid` with this condition denies saving the connection.
async fn forbidden_when(customer: &Customer, condition: &str) -> bool {
    let text = format!(
        "forbid (principal, action == Trustplane::Action::\"put-identity-center-config\", resource) when {{ {condition} }};"
    );
    let _ = save(customer, "rule", &text).await.expect(200);
    let reply = customer.put(CONFIG, &config("us-east-1")).await;
    assert!(matches!(reply.status, 200 | 403), "{}", reply.text);
    reply.status == 403
}

#[tokio::test]
async fn the_credential_and_where_it_comes_from() {
    let customer = world().customer().await;
    for (condition, forbidden) in [
        ("principal in Trustplane::Role::\"admin\"", true),
        ("principal.roles.contains(\"admin\")", true),
        ("principal.roles.contains(\"viewer\")", false),
        ("principal.name == \"admin\"", true),
        ("principal.name like \"*x*\"", false),
        ("principal.kind == \"bearer\"", true),
        ("principal.kind == \"access_key\"", false),
        ("resource.id == \"aws-identity-center\"", true),
        ("principal.age_days == 0", true),
        ("principal.age_days > 90", false),
        ("principal.created_at <= context.now", true),
        ("principal has expires_at", false),
        ("context has source_ip && context.source_ip.isLoopback()", true),
        ("context has source_ip && context.source_ip.isInRange(ip(\"203.0.113.0/24\"))", false),
    ] {
        assert_eq!(forbidden_when(&customer, condition).await, forbidden, "{condition}");
    }
}

#[tokio::test]
async fn the_time_of_day_and_the_weekday() {
    let customer = world().customer().await;
    let is_now = |now: Timestamp| {
        let calendar = now.calendar();
        format!("context.hour == {} && context.weekday == \"{}\"", calendar.hour(), calendar.weekday())
    };
    // A new hour may begin between the two.
    let now = Timestamp::now();
    let condition = format!("({}) || ({})", is_now(now), is_now(now.plus_millis(3_600_000)));
    assert!(forbidden_when(&customer, &condition).await);
    assert!(!forbidden_when(&customer, &is_now(now.plus_millis(7_200_000))).await);
}

#[tokio::test]
async fn the_resource_before_and_after() {
    let customer = world().customer().await;
    let text = "@notice(\"The region stays.\")\n\
                forbid (principal, action == Trustplane::Action::\"put-identity-center-config\", resource)\n\
                when { resource has before.region && resource has after.region }\n\
                unless { resource.before.region == resource.after.region };";
    let _ = save(&customer, "rule", text).await.expect(200);
    let _ = customer.put(CONFIG, &config("eu-west-1")).await.expect(200);
    let _ = customer.put(CONFIG, &config("eu-west-1")).await.expect(200);
    let refused = customer.put(CONFIG, &config("us-east-1")).await.refused(403, "forbidden");
    assert_eq!(refused.body["notices"], json!(["The region stays."]));
    assert_eq!(customer.get(CONFIG).await.expect(200).body["region"], "eu-west-1");
}

#[tokio::test]
async fn whether_it_is_the_submitters_own_version() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    // The opposite of the built-in policy, so it is this one that decides.
    let text = "@notice(\"Only your own.\")\n\
                forbid (principal, action in Trustplane::Action::\"approve\", resource)\n\
                when { context has own_version && !context.own_version };";
    let _ = save(customer, "rule", text).await.expect(200);
    let path = format!("{}/versions", directory.configuration().await);
    let content = |status: Option<&str>| {
        let mut content = json!({
            "ClientID": "trustplane",
            "RestrictedDomains": ["*"],
            "SupportedDomains": [],
            "GroupClaim": "groups",
            "AuthenticationPolicies": ["TWO_FACTOR"],
        });
        if let Some(status) = status {
            content["Status"] = json!(status);
        }
        content
    };
    let made =
        customer.send(customer.request_as(&customer.editor, "POST", &path).json(&content(None))).await.expect(201);
    let path = format!("{path}/{}", made.body["ID"].as_str().unwrap());
    let approve =
        || customer.send(customer.request_as(&customer.approver, "PUT", &path).json(&content(Some("Assignable"))));
    let _ = approve().await.expect(403);
    let _ = customer.delete("/v1/policies/rule").await.expect(204);
    let _ = approve().await.expect(200);
}

/// Content of a version with this many restricted and supported domains.
fn domains(restricted: usize, supported: usize) -> Value {
    let names = |kind: &str, count: usize| (0..count).map(|n| format!("{kind}{n}.example.com")).collect::<Vec<_>>();
    json!({
        "ClientID": "trustplane",
        "RestrictedDomains": names("r", restricted),
        "SupportedDomains": names("s", supported),
        "GroupClaim": "groups",
        "AuthenticationPolicies": [],
    })
}

#[tokio::test]
async fn policies_count_domains() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let text = "@notice(\"At most two domains.\")\n\
                forbid (principal, action in Trustplane::Action::\"write\", resource is Trustplane::SsoConfigurationVersion)\n\
                when { resource has after && resource.after.restricted_domain_count + resource.after.supported_domain_count > 2 };";
    let _ = save(customer, "few", text).await.expect(200);
    let versions = format!("{}/versions", directory.configuration().await);
    for (restricted, supported, status) in [(1, 1, 201), (2, 0, 201), (0, 3, 403), (2, 1, 403)] {
        let reply = customer.post(&versions, &domains(restricted, supported)).await;
        assert_eq!(reply.status, status, "{restricted} and {supported}: {}", reply.text);
    }
    // An evaluation counts what it is asked about, unless the question has the number.
    let image = |extra: Value| {
        let mut image = json!({
            "configuration_id": "c", "version": 1, "client_id": "trustplane", "group_claim": "groups",
            "group_claim_path": "$.", "additional_scope_values": "", "authentication_policies": [],
            "restricted_domains": ["a.example", "b.example", "a.example"], "supported_domains": [],
            "status": "Pending", "submitted_by": "x",
        });
        image.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        image
    };
    for (extra, permitted) in [
        (json!({}), true),
        (json!({"supported_domains": ["c.example"]}), false),
        (json!({"supported_domain_count": 1}), false),
    ] {
        let question = json!({
            "principal": {"roles": ["editor"]},
            "action": "create-sso-configuration-version",
            "resource": {"type": "sso-configuration-version", "id": "x", "after": image(extra)},
        });
        let reply = customer.post(EVALUATE, &question).await.expect(200);
        assert_eq!(reply.body["permitted"], permitted, "{}", reply.text);
    }
}

#[tokio::test]
async fn a_policy_that_can_never_hold_is_refused() {
    let customer = world().customer().await;
    for (condition, said) in [
        ("principal in Trustplane::Role::\"viwer\"", "viewer"),
        ("context.weekday == \"saturday\"", "did you mean `Saturday`?"),
        ("context.hour == 24", "expected 0 to 23"),
        ("principal.kind == \"temprary\"", "did you mean `temporary`?"),
        ("action == Trustplane::Action::\"put-polcy\"", "unrecognized action `Trustplane::Action::\"put-polcy\"`"),
    ] {
        let text = format!("forbid (principal, action, resource)\nwhen {{ {condition} }};");
        let refused = save(&customer, "never", &text).await.refused(400, "invalid_policy");
        let problem = &refused.body["details"]["problems"][0];
        assert_eq!(problem["line"], 2, "{condition}: {}", refused.text);
        assert!(problem["message"].as_str().unwrap().contains(said), "{condition}: {}", refused.text);
        let draft = question(&json!({"policies": [{"id": "never", "text": text}]}));
        let _ = customer.post(EVALUATE, &draft).await.refused(400, "invalid_policy");
    }
}

fn question(fields: &Value) -> Value {
    let mut question = json!({
        "principal": {"roles": ["editor"]},
        "action": "put-identity-center-config",
        "resource": {"type": "integration", "id": "aws-identity-center"},
    });
    for (name, value) in fields.as_object().unwrap() {
        question[name] = value.clone();
    }
    question
}

#[tokio::test]
async fn what_policies_would_decide_is_told_and_nothing_is_done() {
    let customer = world().customer().await;
    let ask = async |fields: Value| customer.post(EVALUATE, &question(&fields)).await.expect(200);
    let reply = ask(json!({})).await;
    assert_eq!(
        reply.body,
        json!({
            "permitted": true,
            "determining_policies": ["built-in.editor"],
            "notices": [],
            "errors": [],
            "matching_policy_ids": ["built-in.editor"],
            "reason": "permitted by `built-in.editor`",
        })
    );
    let cost = customer.cost(&reply).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    let reply = ask(json!({"principal": {"roles": ["viewer"]}})).await;
    assert_eq!((&reply.body["permitted"], &reply.body["reason"]), (&json!(false), &json!("no policy permits it")));
    for principal in [json!(&customer.viewer[4..42]), json!({"id": &customer.viewer[4..42]})] {
        let reply = ask(json!({"principal": principal, "action": "get-identity-center-config"})).await;
        assert_eq!(reply.body["determining_policies"], json!(["built-in.viewer"]));
    }

    let calm = "@notice(\"Not on Sundays.\") forbid (principal, action, resource) when { context.weekday == \"Sunday\" };\n\
                forbid (principal, action, resource) when { context.hour >= 22 || principal.age_days > 365 };";
    let drafts = json!([{"id": "calm", "text": calm}]);
    for (context, determining) in [
        (json!({"now": "2026-11-22T12:00:00Z"}), json!(["calm.0"])),
        (json!({"now": "2026-11-23T22:00:00Z"}), json!(["calm.1"])),
        (json!({"now": "2026-11-23T21:59:59Z"}), json!(["built-in.editor"])),
    ] {
        let reply = ask(json!({"policies": drafts, "context": context})).await;
        assert_eq!(reply.body["determining_policies"], determining, "{context}");
    }
    let old = json!({"roles": ["editor"], "created_at": "2020-01-01T00:00:00Z"});
    let reply = ask(json!({"policies": drafts, "principal": old, "context": {"now": "2026-11-23T12:00:00Z"}})).await;
    assert_eq!(reply.body["reason"], "forbidden by `calm.1`");
    let off = json!([{"id": "calm", "text": calm, "enabled": false}]);
    let reply = ask(json!({"policies": off, "context": {"now": "2026-11-22T12:00:00Z"}})).await;
    assert_eq!(reply.body["permitted"], true);

    // The saved set decides without a draft; a draft replaces it.
    let region = "forbid (principal, action, resource) when { resource is Trustplane::Integration && resource has after.region };";
    let _ = save(&customer, "region", region).await.expect(200);
    let resource = json!({"type": "integration", "id": "x", "after": {"region": "eu-west-1", "configured": false}});
    assert_eq!(ask(json!({"resource": resource})).await.body["determining_policies"], json!(["region"]));
    assert_eq!(ask(json!({"resource": resource, "policies": []})).await.body["permitted"], true);
    let overflow =
        json!([{"id": "o", "text": "forbid (principal, action, resource) when { 9223372036854775807 + 1 > 0 };"}]);
    let reply = ask(json!({"policies": overflow})).await;
    assert_eq!((&reply.body["permitted"], &reply.body["determining_policies"]), (&json!(false), &json!(["o"])));
    assert!(reply.body["errors"][0].as_str().unwrap().contains("`o`"), "{}", reply.text);
    // The kind of the principal decides.
    let temporary = json!({
        "principal": {"name": "t", "roles": ["admin"], "kind": "temporary"},
        "action": "create-api-key",
        "resource": {"type": "api-key", "id": "k"},
    });
    assert_eq!(ask(temporary).await.body["determining_policies"], json!(["built-in.temporary-keys"]));
    let own = json!({
        "principal": {"roles": ["approver"]},
        "action": "approve-sso-configuration-version",
        "resource": {"type": "sso-configuration-version", "id": "x"},
        "context": {"own_version": true, "source_ip": "203.0.113.7"},
    });
    assert_eq!(ask(own).await.body["determining_policies"], json!(["built-in.four-eyes"]));
}

/// Tests every field of a question: each decides, for a policy that depends on it alone.
#[tokio::test]
async fn every_field_of_a_question_counts() {
    let customer = world().customer().await;
    let now = "2026-11-23T12:00:00Z";
    let before = json!({"region": "us-east-1", "configured": true});
    for (condition, path, value) in [
        ("principal.name == \"ci\"", "/principal/name", json!("ci")),
        ("principal.kind == \"access_key\"", "/principal/kind", json!("access_key")),
        ("principal in Trustplane::Role::\"approver\"", "/principal/roles", json!(["editor", "approver"])),
        ("principal.age_days > 30", "/principal/created_at", json!("2026-01-01T00:00:00Z")),
        ("principal has expires_at", "/principal/expires_at", json!("2026-12-01T00:00:00Z")),
        ("resource.id == \"other\"", "/resource/id", json!("other")),
        ("resource has before && resource.before has region", "/resource/before", before.clone()),
        ("resource has after && resource.after has region", "/resource/after", before),
        ("context.weekday == \"Sunday\"", "/context/now", json!("2026-11-22T12:00:00Z")),
        ("context has source_ip && context.source_ip.isIpv6()", "/context/source_ip", json!("2001:db8::1")),
        ("context has own_version && context.own_version", "/context/own_version", json!(true)),
    ] {
        let text = format!("forbid (principal, action, resource is Trustplane::Integration) when {{ {condition} }};");
        let mut asked = json!({
            "principal": {"roles": ["editor"], "created_at": now},
            "action": "put-identity-center-config",
            "resource": {"type": "integration", "id": "aws-identity-center"},
            "context": {"now": now},
            "policies": [{"id": "rule", "text": text}],
        });
        let reply = customer.post(EVALUATE, &asked).await.expect(200);
        assert_eq!(reply.body["permitted"], true, "{path}: {}", reply.text);
        let (parent, field) = path.rsplit_once('/').unwrap();
        asked.pointer_mut(parent).unwrap()[field] = value;
        let reply = customer.post(EVALUATE, &asked).await.expect(200);
        assert_eq!(reply.body["determining_policies"], json!(["rule"]), "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_told_why() {
    let customer = world().customer().await;
    let refused = customer.post(EVALUATE, &json!({})).await.refused(400, "invalid_request");
    let fields: Vec<&String> = refused.body["details"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["action", "principal", "resource"]);
    let other = world().customer().await;
    for (wrong, field) in [
        (json!({"action": "fly"}), "action"),
        (json!({"principal": {"roles": ["root"]}}), "principal.roles"),
        (json!({"principal": 7}), "principal"),
        (json!({"principal": {"kind": "temprary"}}), "principal.kind"),
        (json!({"principal": {"rolse": ["viewer"]}}), "principal.rolse"),
        (json!({"principal": {"id": &customer.viewer[4..42], "kind": "temporary"}}), "principal.kind"),
        (json!({"reosurce": {}}), "reosurce"),
        (json!({"policeis": []}), "policeis"),
        (json!({"resource": {"type": "integration", "id": "x", "agter": {}}}), "resource.agter"),
        (json!({"resource": {"type": "integration", "id": "x", "after": {"configured": 1.5}}}), "resource.after"),
        (json!({"resource": {"type": "tenant", "id": "x"}}), "resource.type"),
        (json!({"resource": {"type": "integration", "id": "x", "after": {"unknown": 1}}}), "resource.after.unknown"),
        (json!({"resource": {"type": "integration", "id": "x", "after": {"unknown": 1}}}), "resource.after.configured"),
        (json!({"resource": {"type": "integration", "id": "x".repeat(1025)}}), "resource.id"),
        (
            json!({"resource": {"type": "integration", "id": "x", "before": {"region": "x".repeat(20_480)}}}),
            "resource.before",
        ),
        (json!({"principal": {"roles": ["viewer"], "name": "x".repeat(1025)}}), "principal.name"),
        (json!({"context": {"now": "soon", "moon": "full", "source_ip": "x"}}), "context.moon"),
        (json!({"policies": [{"id": "a.b"}]}), "policies.0.text"),
    ] {
        let refused = customer.post(EVALUATE, &question(&wrong)).await.refused(400, "invalid_request");
        assert!(refused.body["details"][field].is_string(), "{field}: {}", refused.text);
    }
    // Each attribute that does not fit the schema is named.
    for (after, attribute, said) in [
        (json!({"region": "eu-west-1"}), "configured", "is required"),
        (json!({"configured": true, "regoin": "x"}), "regoin", "is unknown: did you mean `region`?"),
        (json!({"configured": "yes"}), "configured", "must be `true` or `false`"),
        (json!({"configured": true, "role_arn": ["x"]}), "role_arn", "must be a string"),
    ] {
        let resource = json!({"resource": {"type": "integration", "id": "x", "after": after}});
        let refused = customer.post(EVALUATE, &question(&resource)).await.refused(400, "invalid_request");
        let details = json!({format!("resource.after.{attribute}"): said});
        assert_eq!(refused.body["details"], details, "{}", refused.text);
    }
    let unknown = question(&json!({"principal": &other.viewer[4..42]}));
    let _ = customer.post(EVALUATE, &unknown).await.refused(404, "not_found");
    let drafts =
        json!([{"id": "good", "text": "permit (principal, action, resource);"}, {"id": "bad", "text": "permit"}]);
    let refused = customer.post(EVALUATE, &question(&json!({"policies": drafts}))).await.refused(400, "invalid_policy");
    let said = refused.body["details"]["problems"][0]["message"].as_str().unwrap();
    assert!(said.starts_with("`bad`: "), "{said}");
}
