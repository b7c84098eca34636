//! Tests of `/v1/policies`: a tenant's own Cedar policies, and their effect on its requests.

use serde_json::{Value, json};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, world};
use trustplane_local::Options;

use crate::table::{audit_records, own_world, table};
use futures_util::future::join_all;

const PATH: &str = "/v1/policies";
const CONFIG: &str = "/v1/integrations/aws-identity-center/config";
const FORBID_ALL: &str = "forbid (principal, action, resource);";

/// Saves a policy of this customer.
pub async fn save(customer: &Customer, id: &str, text: &str) -> Reply {
    customer.put(&format!("{PATH}/{id}"), &json!({"text": text, "enabled": true})).await
}

/// The policies that every tenant has, sorted by id.
const BUILT_IN: [&str; 14] = [
    "built-in.admin",
    "built-in.approver",
    "built-in.editor",
    "built-in.four-eyes",
    "built-in.setup",
    "built-in.setup-aws-identity-center",
    "built-in.setup-changes",
    "built-in.setup-configuration",
    "built-in.setup-domains",
    "built-in.setup-enable",
    "built-in.setup-identity-provider",
    "built-in.system",
    "built-in.temporary-keys",
    "built-in.viewer",
];

fn ids(list: &Reply) -> Vec<&str> {
    list.body["data"].as_array().unwrap().iter().map(|policy| policy["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn one_is_saved_shown_changed_and_deleted() {
    let customer = world().customer().await;
    assert_eq!(ids(&customer.get(PATH).await.expect(200)), BUILT_IN);
    let text = "forbid (principal, action, resource) when { principal.age_days < 0 };";
    let saved = save(&customer, "never", text).await.expect(200);
    assert_eq!(saved.header("etag"), Some("\"1\""));
    let id = customer.admin[4..42].to_owned();
    assert_eq!(
        (&saved.body["id"], &saved.body["text"], &saved.body["enabled"], &saved.body["updated_by"]),
        (&json!("never"), &json!(text), &json!(true), &json!(id))
    );
    let listed = customer.get(PATH).await.expect(200);
    assert_eq!(listed.body["data"][BUILT_IN.len()], saved.body);
    assert_eq!((&listed.body["data"][0]["built_in"], &saved.body["built_in"]), (&json!(true), &json!(false)));

    // Saving the same text writes nothing; a change creates the next version.
    let again = save(&customer, "never", text).await.expect(200);
    assert_eq!((again.header("etag"), &again.body), (Some("\"1\""), &saved.body));
    let path = format!("{PATH}/never");
    let off = json!({"text": text, "enabled": false});
    let request = |tag: &str| customer.request("PUT", &path).json(&off).header("if-match", tag);
    let _ = customer.send(request("\"7\"")).await.refused(412, "precondition_failed");
    let changed = customer.send(request("\"1\"")).await.expect(200);
    assert_eq!((changed.header("etag"), &changed.body["enabled"]), (Some("\"2\""), &json!(false)));

    let _ = customer.delete(&path).await.expect(204);
    let _ = customer.delete(&path).await.refused(404, "not_found");
    assert_eq!(ids(&customer.get(PATH).await.expect(200)), BUILT_IN);

    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world()), tenant, "put-policy").await;
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!((&records[0]["before"], &records[0]["after"]["text"]), (&Value::Null, &json!(text)));
    assert_eq!((&records[1]["before"]["enabled"], &records[1]["after"]["enabled"]), (&json!(true), &json!(false)));
    assert_eq!((&records[1]["resource_type"], &records[1]["resource_id"]), (&json!("policy"), &json!("never")));
}

#[tokio::test]
async fn one_is_read_alone_with_the_tag_that_a_change_of_it_needs() {
    let customer = world().customer().await;
    let text = "forbid (principal, action, resource) when { principal.age_days < 0 };";
    let _ = save(&customer, "other", text).await.expect(200);
    let saved = save(&customer, "never", text).await.expect(200);
    let path = format!("{PATH}/never");
    let shown = customer.get(&path).await.expect(200);
    assert_eq!((shown.header("etag"), &shown.body), (Some("\"2\""), &saved.body));
    // A disabled one too.
    let off = customer.request("PUT", &path).json(&json!({"text": text, "enabled": false}));
    let _ = customer.send(off.header("if-match", shown.header("etag").unwrap())).await.expect(200);
    let shown = customer.get(&path).await.expect(200);
    assert_eq!((shown.header("etag"), &shown.body["enabled"]), (Some("\"3\""), &json!(false)));

    let listed = customer.get(PATH).await.expect(200);
    let built_in = customer.get(&format!("{PATH}/built-in.admin")).await.expect(200);
    assert_eq!((&built_in.body, built_in.header("etag")), (&listed.body["data"][0], None));
    for unknown in ["built-in.none", "nobody"] {
        let _ = customer.get(&format!("{PATH}/{unknown}")).await.refused(404, "not_found");
    }
    let _ = customer.get(&format!("{PATH}/a.b")).await.refused(400, "invalid_request");
    let stranger = world().customer().await;
    let _ = stranger.get(&path).await.refused(404, "not_found");
    for token in [&customer.viewer, &customer.approver, &customer.editor] {
        for id in ["never", "built-in.admin", "nobody"] {
            let reply = customer.send(customer.request_as(token, "GET", &format!("{PATH}/{id}"))).await;
            let _ = reply.refused(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn one_is_created_only_where_there_is_none() {
    let customer = world().customer().await;
    let path = format!("{PATH}/never");
    let text = "forbid (principal, action, resource) when { principal.age_days < 0 };";
    let create = |text: &str| {
        let request = customer.request("PUT", &path).json(&json!({"text": text, "enabled": true}));
        customer.send(request.header("if-none-match", "*"))
    };
    let _ = create(text).await.expect(200);
    let refused = create(&text.replace('0', "1")).await.refused(412, "precondition_failed");
    assert!(refused.body["message"].as_str().unwrap().contains("`If-None-Match`"), "{}", refused.text);
    assert_eq!(customer.get(&path).await.expect(200).body["text"], text);
    let refused = save(&customer, "schema", text).await.refused(400, "invalid_request");
    assert!(refused.body["details"]["id"].as_str().unwrap().contains("another id"), "{}", refused.text);
}

#[tokio::test]
async fn what_is_wrong_with_a_text_is_said_with_its_place_and_policy() {
    let customer = world().customer().await;
    let good = "permit (principal, action, resource);";
    for (text, line, column, said) in [
        ("permit (principal,\n action resource);".to_owned(), 2, 9, "unexpected token"),
        ("permit (principal, action, resource)\n  when { principal.nmae == \"x\" };".to_owned(), 2, 10, "`mine`"),
        (format!("{good}\n{good} permit (principal, action, resource) when {{ 1 }};"), 2, 83, "`mine.2`"),
        ("permit (principal, action == Trustplane::Action::\"fly\", resource);".to_owned(), 1, 1, "fly"),
        ("permit (principal == ?principal, action, resource);".to_owned(), 1, 1, "templates"),
        ("// nothing".to_owned(), 1, 1, "no policy"),
    ] {
        let refused = save(&customer, "mine", &text).await.refused(400, "invalid_policy");
        let problems = refused.body["details"]["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let problem = &problems[0];
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(said) && !message.contains("policy0"), "{message}");
        if said != "fly" {
            assert_eq!((&problem["line"], &problem["column"]), (&json!(line), &json!(column)), "{problem}");
        }
    }
    assert_eq!(ids(&customer.get(PATH).await.expect(200)).len(), BUILT_IN.len());
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_all_at_once() {
    let customer = world().customer().await;
    let refused = customer.put(&format!("{PATH}/a.b"), &json!({"text": 7})).await.refused(400, "invalid_request");
    let fields: Vec<&String> = refused.body["details"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["enabled", "id", "text"]);
    let refused = save(&customer, "built-in.viewer", FORBID_ALL).await.refused(400, "invalid_request");
    assert!(refused.body["details"]["id"].as_str().unwrap().contains("built-in"), "{}", refused.text);
    let _ = customer.delete(&format!("{PATH}/built-in.viewer")).await.refused(400, "invalid_request");
    let raw = customer.request("PUT", &format!("{PATH}/mine")).raw(b"{".to_vec());
    let _ = customer.send(raw).await.refused(400, "invalid_json");
}

#[tokio::test]
async fn texts_beyond_a_limit_are_refused_by_it() {
    let customer = world().customer().await;
    let within = |condition: &str| format!("permit (principal, action, resource) when {{ {condition} }};");
    let _ = save(&customer, "large", &"x".repeat(1_000_000)).await.refused(413, "too_large");
    for (text, limit) in [
        (" ".repeat(16 * 1024 + 1), "16 KiB"),
        (within(&format!("{}true{}", "(".repeat(7_000), ")".repeat(7_000))), "32 deep"),
        (within(&format!("true{}", "&&true".repeat(2_500))), "100 clauses"),
        (within(&format!("{}true", "!".repeat(15_000))), "32 deep"),
        ("permit(principal,action,resource);".repeat(101), "100 policies"),
    ] {
        let refused = save(&customer, "large", &text).await.refused(400, "invalid_policy");
        let said = refused.body["details"]["problems"][0]["message"].as_str().unwrap().to_owned();
        assert!(said.contains(limit), "{said}");
    }
    // Checked before any policy is evaluated: a text from a client that may not save it is not parsed.
    let long = json!({"text": "x".repeat(17_000), "enabled": true});
    let path = format!("{PATH}/large");
    let _ = customer
        .send(customer.request_as(&customer.viewer, "PUT", &path).json(&long))
        .await
        .refused(400, "invalid_policy");
    // The limit on all of a tenant's texts together.
    let _ = save(&customer, "ninety", &"permit(principal,action,resource);".repeat(90)).await.expect(200);
    let _ = save(&customer, "ten", &"permit(principal,action,resource);".repeat(10)).await.expect(200);
    let _ = save(&customer, "more", "permit(principal,action,resource);").await.refused(409, "conflict");
    let other = world().customer().await;
    let long = format!("//{}\npermit(principal,action,resource);", "x".repeat(16_000));
    for id in ["a", "b", "c", "d"] {
        let _ = save(&other, id, &long).await.expect(200);
    }
    let _ = save(&other, "e", &long).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_function_that_has_not_seen_this_version_reads_once_more_and_no_other() {
    // A separate stack, so that one process serves each function.
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let calls = async |reply: Reply| {
        let cost = customer.cost(&reply.expect(200)).await;
        assert_eq!(cost.dynamodb_calls, cost.dynamodb_round_trips);
        cost.dynamodb_calls
    };
    assert_eq!(calls(customer.get(CONFIG).await).await, 1);
    assert_eq!(calls(save(&customer, "one", &FORBID_ALL.replace(");", ") when { false };")).await).await, 2);
    assert_eq!(calls(customer.get(CONFIG).await).await, 2);
    assert_eq!(calls(customer.get(CONFIG).await).await, 1);
    assert_eq!(calls(customer.get(PATH).await).await, 2);
    assert_eq!(calls(customer.get(PATH).await).await, 1);
    // It has not seen its own write either.
    let path = format!("{PATH}/one");
    let off = json!({"text": FORBID_ALL, "enabled": false});
    assert_eq!(calls(customer.put(&path, &off).await).await, 3);
    assert_eq!(calls(customer.get(CONFIG).await).await, 2);
    assert_eq!(calls(customer.get(CONFIG).await).await, 1);
    let deleted = customer.delete(&path).await.expect(204);
    assert_eq!(customer.cost(&deleted).await.dynamodb_calls, 3);
}

#[tokio::test]
async fn a_notice_reaches_the_caller_as_far_as_the_dialect_has_a_place_for_it() {
    let customer = world().customer().await;
    let text = "@notice(\"Nothing is changed on this day.\")\n\
                forbid (principal, action, resource) unless { action in Trustplane::Action::\"administer\" };\n\
                @notice(\"Ask the owner.\")\nforbid (principal, action in Trustplane::Action::\"read\", resource);";
    let _ = save(&customer, "calm", text).await.expect(200);
    let refused = customer.get(CONFIG).await.refused(403, "forbidden");
    assert_eq!(refused.body["notices"], json!(["Ask the owner.", "Nothing is changed on this day."]));
    let refused = customer.get("/v1/instances").await.refused(403, "IIC.1000");
    let said = refused.body["error_msg"].as_str().unwrap();
    assert!(said.ends_with("Ask the owner. Nothing is changed on this day."), "{said}");
    let sealed = &refused.body["encoded_authorization_message"];
    let opened = world().invoke("decode-authorization-message", &json!({"encoded_message": sealed})).await.unwrap();
    assert_eq!(opened["determining_policies"], json!(["calm.0", "calm.1"]));
    let refused = customer.get("/organisations").await.expect(403);
    assert_eq!(refused.text, "");
    // It has no effect on other tenants.
    let _ = world().customer().await.get(CONFIG).await.expect(200);
}

#[tokio::test]
async fn whoever_locked_a_tenant_out_is_let_in_again_by_an_operator() {
    let customer = world().customer().await;
    let _ = save(&customer, "other", "forbid (principal, action, resource) when { principal.age_days < 0 };").await;
    let saved = save(&customer, "all", FORBID_ALL).await.expect(200);
    let warning = saved.body["warnings"][0].as_str().unwrap();
    assert!(warning.contains("(by `all`)"), "{warning}");
    let _ = customer.get(CONFIG).await.refused(403, "forbidden");
    let _ = customer.delete(&format!("{PATH}/all")).await.refused(403, "forbidden");
    let reset = world().invoke("reset-policies", &json!({"tenant_id": customer.tenant})).await.unwrap();
    assert_eq!(reset, json!({"tenant_id": customer.tenant, "disabled": ["all", "other"]}));
    let _ = customer.get(CONFIG).await.expect(200);
    let listed = customer.get(PATH).await.expect(200);
    for (place, id) in [(BUILT_IN.len(), "all"), (BUILT_IN.len() + 1, "other")] {
        let kept = &listed.body["data"][place];
        assert_eq!(
            (&kept["id"], &kept["enabled"], &kept["updated_by"]),
            (&json!(id), &json!(false), &json!("operator"))
        );
    }
    let again = world().invoke("reset-policies", &json!({"tenant_id": customer.tenant})).await.unwrap();
    assert_eq!(again["disabled"], json!([]));
    let records = audit_records(&table(world()), TenantId::parse(&customer.tenant).unwrap(), "reset-policies").await;
    assert_eq!((records.len(), &records[0]["before"]["policies_enabled"]), (1, &json!(["all", "other"])));
    let error = world().invoke("reset-policies", &json!({"tenant_id": "x"})).await.unwrap_err();
    assert_eq!(error["errorType"], "invalid_request");
}

#[tokio::test]
async fn a_policy_that_cannot_be_evaluated_denies_and_is_counted() {
    let customer = world().customer().await;
    // Valid by its types, but its sum overflows.
    let text = "forbid (principal, action == Trustplane::Action::\"get-identity-center-config\", resource)\n\
                when { 9223372036854775807 + context.hour + 1 < 0 };";
    let _ = save(&customer, "overflow", text).await.expect(200);
    let refused = customer.get(CONFIG).await.refused(403, "forbidden");
    assert_eq!(refused.body["notices"], json!([]));
    // An alarm counts the metric.
    let line = world().line(refused.header("x-request-id").unwrap()).await;
    assert_eq!((&line["level"], &line["policy_evaluation_failed"]), (&json!("ERROR"), &json!(true)));
    assert_eq!(line["PolicyErrors"], 1, "{line}");
    let _ = customer.delete(&format!("{PATH}/overflow")).await.expect(204);
    let _ = customer.get(CONFIG).await.expect(200);
}

#[tokio::test]
async fn policies_saved_at_the_same_time_are_all_there_and_a_new_one_holds_at_once() {
    let customer = world().customer().await;
    let saves = (0..4).map(|number| {
        let customer = &customer;
        async move {
            let text = "forbid (principal, action, resource) when { principal.age_days < 0 };";
            save(customer, &format!("p{number}"), text).await
        }
    });
    let replies = join_all(saves).await;
    let saved = replies.iter().filter(|reply| reply.status == 200).count();
    assert!(saved > 0 && replies.iter().all(|reply| matches!(reply.status, 200 | 409)), "{replies:?}");
    assert_eq!(ids(&customer.get(PATH).await.expect(200)).len(), BUILT_IN.len() + saved);
    for round in 0..5 {
        let _ = save(
            &customer,
            "gate",
            &FORBID_ALL.replace("action,", "action == Trustplane::Action::\"get-identity-center-config\","),
        )
        .await
        .expect(200);
        let denied = join_all((0..4).map(|_| customer.get(CONFIG))).await;
        assert!(denied.iter().all(|reply| reply.status == 403), "{round}");
        let _ = customer.delete(&format!("{PATH}/gate")).await.expect(204);
        let allowed = join_all((0..4).map(|_| customer.get(CONFIG))).await;
        assert!(allowed.iter().all(|reply| reply.status == 200), "{round}");
    }
}

#[tokio::test]
async fn policies_that_are_saved_at_the_same_time_do_not_refuse_each_other() {
    let customer = world().customer().await;
    let wanted: Vec<String> = (0..10).map(|number| format!("policy-{number}")).collect();
    for reply in join_all(wanted.iter().map(|id| save(&customer, id, "permit (principal, action, resource);"))).await {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let list = customer.get(PATH).await.expect(200);
    assert_eq!(ids(&list)[BUILT_IN.len()..], wanted);
}
