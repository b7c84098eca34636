//! Tests of `/organisations/{OrganisationId}/authorisationservers`.

use serde_json::json;

use crate::directory::{Directory, errors, fields};

#[tokio::test]
async fn one_is_made_shown_and_changed() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let servers = format!("{}/authorisationservers", directory.organisation);
    let new = json!({
        "CustomerFriendlyName": "Acme",
        "CustomerFriendlyDescription": "Sign in with Acme",
        "CustomerFriendlyLogoUri": "https://acme.example/logo.svg",
        "Issuer": "https://auth.acme.example",
        "OpenIDDiscoveryDocument": "https://auth.acme.example/.well-known/openid-configuration",
    });
    let made = customer.post(&servers, &new).await.expect(201);
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&made.body[name], value);
    }
    assert_eq!((&made.body["OrganisationId"], &made.body["Status"]), (&json!("acme"), &json!("Active")));
    let path = format!("{servers}/{}", made.body["AuthorisationServerId"].as_str().unwrap());
    let shown = customer.get(&path).await.expect(200);
    assert_eq!((&shown.body, shown.header("etag")), (&made.body, Some("\"1\"")));

    assert_eq!(made.body["AutoRegistrationSupported"], false);
    // The response can be sent back.
    let again = customer.put(&path, &made.body).await.expect(200);
    assert_eq!((&again.body, again.header("etag")), (&made.body, Some("\"1\"")));

    let fewer = json!({"CustomerFriendlyName": "Acme", "Status": "Inactive"});
    let put = customer.put(&path, &fewer).await.expect(200);
    assert_eq!((put.header("etag"), put.body.get("Issuer")), (Some("\"2\""), None));
    // The fields that clients require are always there.
    for field in ["CustomerFriendlyDescription", "CustomerFriendlyLogoUri"] {
        assert_eq!(put.body[field], "", "{}", put.text);
    }
    let again = customer.put(&path, &put.body).await.expect(200);
    assert_eq!((&again.body, again.header("etag")), (&put.body, Some("\"2\"")));
    let stale = customer.request("PUT", &path).json(&new).header("if-match", "\"1\"");
    let _ = customer.send(stale).await.expect(412);
    let listed = customer.get(&format!("{servers}?sort=CreatedAt,desc")).await.expect(200);
    assert_eq!((&listed.body["totalSize"], &listed.body["content"][0]), (&json!(2), &put.body));
}

#[tokio::test]
async fn a_list_is_filtered() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let servers = format!("{}/authorisationservers", directory.organisation);
    let beta = json!({
        "CustomerFriendlyName": "Beta", "Status": "Inactive",
        "OpenIDDiscoveryDocument": "https://beta.example/.well-known/openid-configuration",
    });
    let beta = customer.post(&servers, &beta).await.expect(201);
    let beta_id = beta.body["AuthorisationServerId"].as_str().unwrap();
    let names = async |path: &str| {
        let page = customer.get(path).await.expect(200).body;
        assert_eq!(page["totalSize"], page["content"].as_array().unwrap().len());
        let names = page["content"].as_array().unwrap().iter().map(|server| &server["CustomerFriendlyName"]);
        names.map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("status=Active", &["Acme"][..]),
        ("status=Active,Inactive", &["Acme", "Beta"]),
        ("hideInactive=true", &["Acme"]),
        ("filterBy=bet", &["Beta"]),
        (&format!("filterBy={beta_id}"), &["Beta"]),
        ("containsOpenIdDiscoveryDocument=true", &["Beta"]),
        ("containsOpenIdDiscoveryDocument=false&filterBy=beta", &[]),
    ] {
        assert_eq!(names(&format!("{servers}?{query}")).await, expected, "{query}");
    }
    let wrong = format!("{servers}?status=Gone&hideInactive=1&containsOpenIdDiscoveryDocument=x&size=0");
    let refused = customer.get(&wrong).await.expect(400);
    assert_eq!(fields(&refused), ["containsOpenIdDiscoveryDocument", "hideInactive", "size", "status"]);

    // Organisations likewise.
    for (id, status) in [("beta", "Withdrawn"), ("gamma", "Pending")] {
        let body = json!({"OrganisationId": id, "OrganisationName": format!("{id} inc"), "Status": status});
        let _ = customer.post("/organisations", &body).await.expect(201);
    }
    for (query, expected) in [
        ("status=Pending,Withdrawn", &["beta", "gamma"][..]),
        ("hideInactive=true", &["acme"]),
        ("filterBy=INC", &["beta", "gamma"]),
        ("filterBy=gam&status=Withdrawn", &[]),
    ] {
        let page = customer.get(&format!("/organisations?{query}")).await.expect(200).body;
        let ids: Vec<&str> =
            page["content"].as_array().unwrap().iter().map(|one| one["OrganisationId"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let refused = customer.get("/organisations?status=Inactive").await.expect(400);
    assert_eq!(fields(&refused), ["status"]);
}

#[tokio::test]
async fn costs() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let servers = format!("{}/authorisationservers", directory.organisation);
    let body = json!({"CustomerFriendlyName": "Another"});
    let made = customer.post(&servers, &body).await.expect(201);
    let put = customer.put(&directory.server, &body).await.expect(200);
    for reply in [made, put] {
        let cost = customer.cost(&reply).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
    }
    let shown = customer.get(&directory.server).await.expect(200);
    let cost = customer.cost(&shown).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (1, 1));
    let listed = customer.get(&servers).await.expect(200);
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 1));
}

#[tokio::test]
async fn what_is_wrong_and_what_is_not_there() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let body = json!({"CustomerFriendlyName": "x".repeat(256), "Issuer": "http://a.example", "Status": "Gone"});
    let refused = customer.put("/organisations/a%3Cb/authorisationservers/x", &body).await.expect(400);
    let expected = ["AuthorisationServerId", "CustomerFriendlyName", "Issuer", "OrganisationId", "Status"];
    assert_eq!(fields(&refused), expected);

    let unknown = "/authorisationservers/3fa85f64-5717-4562-b3fc-2c963f66afa6";
    let missing = customer.get(&format!("{}{unknown}", directory.organisation)).await.expect(404);
    assert_eq!(errors(&missing), ["there is no such authorisation server"]);
    let missing = customer.get(&format!("/organisations/nobody{unknown}")).await.expect(404);
    assert_eq!(errors(&missing), ["there is no such organisation"]);
    let good = json!({"CustomerFriendlyName": "A"});
    let _ = customer.post("/organisations/nobody/authorisationservers", &good).await.expect(404);
    let _ = customer.get("/organisations/nobody/authorisationservers").await.expect(404);
    // A server of another organisation of the same tenant.
    let other = json!({"OrganisationId": "other", "OrganisationName": "Other"});
    let _ = customer.post("/organisations", &other).await.expect(201);
    let _ =
        customer.get(&format!("/organisations/other/authorisationservers/{}", directory.server_id)).await.expect(404);
    let upper = format!("{}/authorisationservers/{}", directory.organisation, directory.server_id.to_uppercase());
    let _ = customer.get(&upper).await.expect(200);
}
