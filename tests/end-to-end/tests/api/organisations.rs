//! Tests of `/organisations`.

use serde_json::json;
use trustplane_end_to_end::{Customer, world};

use crate::directory::{errors, fields};
use futures_util::future::join_all;

const PATH: &str = "/organisations";

async fn make(customer: &Customer, id: &str, name: &str) {
    let _ = customer.post(PATH, &json!({"OrganisationId": id, "OrganisationName": name})).await.expect(201);
}

#[tokio::test]
async fn one_is_made_shown_and_changed() {
    let customer = world().customer().await;
    let new = json!({"OrganisationId": "Acme.1", "OrganisationName": "Acme", "unknown": 1});
    let made = customer.post(PATH, &new).await.expect(201);
    assert_eq!(made.header("etag"), Some("\"1\""));
    assert_eq!((&made.body["OrganisationId"], &made.body["Status"]), (&json!("Acme.1"), &json!("Active")));
    let shown = customer.get("/organisations/Acme.1").await.expect(200);
    assert_eq!((&shown.body, shown.header("etag")), (&made.body, Some("\"1\"")));

    let renamed = json!({"OrganisationId": "Acme.1", "OrganisationName": "Acme Bank"});
    let put = customer.put("/organisations/Acme.1", &renamed).await.expect(200);
    assert_eq!((put.header("etag"), &put.body["OrganisationName"]), (Some("\"2\""), &json!("Acme Bank")));
    assert_eq!(put.body["CreatedAt"], made.body["CreatedAt"]);
    // An update without a difference changes nothing, and is not written.
    let again = customer.put("/organisations/Acme.1", &renamed).await.expect(200);
    assert_eq!((again.header("etag"), &again.body), (Some("\"2\""), &put.body));
    assert_eq!(customer.cost(&again).await.dynamodb_calls, 1);
}

#[tokio::test]
async fn costs() {
    let customer = world().customer().await;
    let new = json!({"OrganisationId": "a", "OrganisationName": "A"});
    // The first one also counts the level.
    let first = customer.post(PATH, &new).await.expect(201);
    assert_eq!(customer.cost(&first).await.dynamodb_round_trips, 3);
    let made = customer.post(PATH, &json!({"OrganisationId": "b", "OrganisationName": "B"})).await.expect(201);
    let put = customer.put("/organisations/a", &json!({"OrganisationName": "C"})).await.expect(200);
    for reply in [made, put] {
        let cost = customer.cost(&reply).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    }
    let shown = customer.get("/organisations/a").await.expect(200);
    let cost = customer.cost(&shown).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    let listed = customer.get(PATH).await.expect(200);
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 1, 0));
}

#[tokio::test]
async fn an_id_is_given_once() {
    let customer = world().customer().await;
    make(&customer, "a", "A").await;
    let refused = customer.post(PATH, &json!({"OrganisationId": "a", "OrganisationName": "B"})).await.expect(409);
    assert_eq!(errors(&refused), ["there is an organisation `a` already"]);
    let body = json!({"OrganisationId": "b", "OrganisationName": "B"});
    let made = join_all((0..4).map(|_| customer.post(PATH, &body))).await;
    let mut statuses: Vec<u16> = made.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

#[tokio::test]
async fn made_side_by_side_all_are_there_and_counted() {
    let customer = world().customer().await;
    let bodies: Vec<_> = (0..6).map(|n| json!({"OrganisationId": format!("o-{n}"), "OrganisationName": "O"})).collect();
    for reply in join_all(bodies.iter().map(|body| customer.post(PATH, body))).await {
        let _ = reply.expect(201);
    }
    assert_eq!(customer.get(PATH).await.expect(200).body["totalSize"], 6);
}

#[tokio::test]
async fn a_retry_with_its_key_gets_the_same_reply() {
    let customer = world().customer().await;
    let post = |id: &str| {
        let body = json!({"OrganisationId": id, "OrganisationName": "A"});
        customer.request("POST", PATH).json(&body).header("idempotency-key", "once")
    };
    let first = customer.send(post("a")).await.expect(201);
    let again = customer.send(post("a")).await.expect(201);
    assert_eq!((&first.body, first.header("etag")), (&again.body, again.header("etag")));
    let _ = customer.send(post("b")).await.expect(422);
    let bad = customer.request("POST", PATH).json(&json!({})).header("idempotency-key", "a b");
    let refused = customer.send(bad).await.expect(400);
    assert_eq!(fields(&refused), ["Idempotency-Key", "OrganisationId", "OrganisationName"]);
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let customer = world().customer().await;
    let refused = customer.post(PATH, &json!({"OrganisationId": "a b", "Status": "Gone"})).await.expect(400);
    assert_eq!(fields(&refused), ["OrganisationId", "OrganisationName", "Status"]);
    make(&customer, "a", "A").await;
    let other = json!({"OrganisationId": "b", "OrganisationName": "A"});
    assert_eq!(fields(&customer.put("/organisations/a", &other).await.expect(400)), ["OrganisationId"]);
}

#[tokio::test]
async fn an_odd_id_is_well_formed_and_not_there() {
    let customer = world().customer().await;
    let longest = "x".repeat(40);
    for (id, status) in [
        ("a%20b", 404),
        ("a%23b%3Fc", 404),
        ("%C3%A9", 404),
        (longest.as_str(), 404),
        ("a%3Eb", 400),
        (&format!("{longest}x"), 400),
    ] {
        assert_eq!(customer.get(&format!("/organisations/{id}")).await.status, status, "{id}");
    }
}

#[tokio::test]
async fn if_match_names_the_version_that_may_be_replaced() {
    let customer = world().customer().await;
    make(&customer, "a", "A").await;
    let put = |name: &str, tag: &str| {
        customer.send(
            customer
                .request("PUT", "/organisations/a")
                .json(&json!({"OrganisationName": name}))
                .header("if-match", tag),
        )
    };
    let _ = put("B", "\"1\"").await.expect(200);
    let _ = put("C", "\"1\"").await.expect(412);
    let _ = put("C", "*").await.expect(200);
    // Creating an object below is not a change of the organisation.
    let server = json!({"CustomerFriendlyName": "S"});
    let _ = customer.post("/organisations/a/authorisationservers", &server).await.expect(201);
    let _ = put("D", "\"3\"").await.expect(200);
    let nobody = customer.request("PUT", "/organisations/b").json(&json!({"OrganisationName": "B"}));
    let _ = customer.send(nobody.header("if-match", "\"1\"")).await.expect(404);
}

#[tokio::test]
async fn pages_of_a_list_in_the_order_asked_for() {
    let customer = world().customer().await;
    let empty = customer.get(PATH).await.expect(200);
    assert_eq!((&empty.body["empty"], &empty.body["totalPages"]), (&json!(true), &json!(0)));
    for (id, name) in [("c", "1"), ("a", "2"), ("b", "2")] {
        make(&customer, id, name).await;
    }
    let ids = |body: &serde_json::Value| -> Vec<String> {
        let content = body["content"].as_array().unwrap();
        content.iter().map(|item| item["OrganisationId"].as_str().unwrap().to_owned()).collect()
    };
    let all = customer.get(PATH).await.expect(200);
    assert_eq!(ids(&all.body), ["a", "b", "c"]);
    let page = customer.get("/organisations?size=2&page=1&sort=OrganisationName,desc").await.expect(200);
    assert_eq!(ids(&page.body), ["c"]);
    assert_eq!(
        [&page.body["totalSize"], &page.body["totalPages"], &page.body["offset"], &page.body["numberOfElements"]],
        [&json!(3), &json!(2), &json!(2), &json!(1)]
    );
    let page = customer.get("/organisations?sort=OrganisationName&sort=OrganisationId%2Cdesc").await.expect(200);
    assert_eq!(ids(&page.body), ["c", "b", "a"]);
    let refused = customer.get("/organisations?page=-1&size=101&sort=Height").await.expect(400);
    assert_eq!(fields(&refused), ["page", "size", "sort"]);
}
