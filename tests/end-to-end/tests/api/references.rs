//! Tests of `/references/…`: lookups that need no organisation.

use serde_json::{Value, json};
use trustplane_local::Options;

use crate::directory::{Directory, configuration, errors, fields};
use crate::table::own_world;

#[tokio::test]
async fn every_configuration_is_there_with_whose_it_is() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let first = directory.configuration().await;
    let first = first.rsplit('/').next().unwrap();
    let other = json!({"OrganisationId": "beta", "OrganisationName": "Beta"});
    let _ = customer.post("/organisations", &other).await.expect(201);
    let server = json!({"CustomerFriendlyName": "Beta ID", "CustomerFriendlyLogoUri": "https://beta.example/logo.svg"});
    let server = customer.post("/organisations/beta/authorisationservers", &server).await.expect(201);
    let server = server.body["AuthorisationServerId"].as_str().unwrap();
    let path = format!("/organisations/beta/authorisationservers/{server}/sso-configuration");
    let mut second = configuration();
    second["DisplayName"] = json!("Beta staff");
    let second = customer.post(&path, &second).await.expect(201);

    let listed = customer.get("/references/users/sso-configurations?sort=DisplayName,desc").await.expect(200);
    let expected = json!([
        {
            "ID": second.body["ID"], "DisplayName": "Beta staff", "ServerID": server, "ServerName": "Beta ID",
            "ServerLogoURI": "https://beta.example/logo.svg", "OrganisationID": "beta", "OrganisationName": "Beta",
        },
        {
            "ID": first, "DisplayName": "Acme staff", "ServerID": directory.server_id, "ServerName": "Acme",
            "OrganisationID": "acme", "OrganisationName": "Acme",
        },
    ]);
    assert_eq!(listed.body["content"], expected);
    assert_eq!((&listed.body["totalSize"], &listed.body["totalPages"]), (&json!(2), &json!(1)));
    // The credential and the listing concurrently, then the names of the listed objects.
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (3, 2));
    let page = customer.get("/references/users/sso-configurations?size=1&page=1&sort=OrganisationID").await.expect(200);
    assert_eq!((&page.body["content"][0], &page.body["totalSize"]), (&expected[0], &json!(2)));

    let shown = customer.get(&format!("/references/users/sso-configurations/{first}")).await.expect(200);
    assert_eq!(shown.body, expected[1]);
    let cost = customer.cost(&shown).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
}

#[tokio::test]
async fn a_reference_says_what_stands_in_the_way_and_what_is_wrong() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let id = directory.configuration().await.rsplit('/').next().unwrap().to_owned();
    let path = format!("/references/users/sso-configurations/{id}");
    let withdrawn = json!({"OrganisationName": "Acme", "Status": "Withdrawn"});
    let _ = customer.put(&directory.organisation, &withdrawn).await.expect(200);
    let shown = customer.get(&path).await.expect(200);
    assert_eq!(shown.header("warning"), Some("299 trustplane \"the organisation is withdrawn\""));

    let refused = customer.get("/references/users/sso-configurations/x").await.expect(400);
    assert_eq!(fields(&refused), ["ssoConfigurationId"]);
    let refused = customer.get("/references/users/sso-configurations?size=0&sort=Status").await.expect(400);
    assert_eq!(fields(&refused), ["size", "sort"]);
    let unknown = "/references/users/sso-configurations/3fa85f64-5717-4562-b3fc-2c963f66afa6";
    assert_eq!(errors(&customer.get(unknown).await.expect(404)), ["there is no such SSO configuration"]);
    let not_json = customer.request("GET", &path).header("accept", "text/html");
    let _ = customer.send(not_json).await.expect(406);

    let other = Directory::new().await;
    let _ = other.customer.get(&path).await.expect(404);
    let listed = other.customer.get("/references/users/sso-configurations").await.expect(200);
    assert_eq!(listed.body["content"], json!([]));
}

#[tokio::test]
async fn more_is_on_a_page_than_one_read_of_dynamodb_takes() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    for number in 0..60 {
        let id = format!("org-{number:02}");
        let body = json!({"OrganisationId": id, "OrganisationName": id});
        let _ = customer.post("/organisations", &body).await.expect(201);
        let servers = format!("/organisations/{id}/authorisationservers");
        let server = customer.post(&servers, &json!({"CustomerFriendlyName": id})).await.expect(201);
        let server = server.body["AuthorisationServerId"].as_str().unwrap();
        let _ = customer.post(&format!("{servers}/{server}/sso-configuration"), &configuration()).await.expect(201);
    }
    let listed = customer.get("/references/users/sso-configurations?size=100").await.expect(200);
    let content = listed.body["content"].as_array().unwrap();
    let own =
        |one: &Value| one["OrganisationID"] == one["OrganisationName"] && one["ServerName"] == one["OrganisationID"];
    assert_eq!((content.len(), content.iter().filter(|one| own(one)).count()), (60, 60));
    // 120 names need two concurrent calls.
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (4, 2));
}

#[tokio::test]
async fn the_public_key_is_pem_and_kms_is_asked_once_a_process() {
    let world = own_world(Options::default());
    let customer = world.customer().await;
    let path = "/references/resources/openid-provider-public-key";
    let first = customer.get(path).await.expect(200);
    assert_eq!(first.header("content-type"), Some("application/x-pem-file"));
    // The schema checks its format. P-256: an object identifier, and a point of 65 bytes.
    assert!(
        first.text.starts_with("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"),
        "{}",
        first.text
    );
    let second = customer.send(customer.request_as(&customer.viewer, "GET", path)).await.expect(200);
    assert_eq!(first.text, second.text);
    let costs = [customer.cost(&first).await, customer.cost(&second).await];
    assert_eq!(costs.map(|cost| (cost.dynamodb_calls, cost.aws_calls)), [(1, 1), (1, 0)]);
    for (accept, media_type) in [
        ("application/x-pem-file", "application/x-pem-file"),
        ("application/json", "application/x-pem-file"),
        ("*/*", "application/x-pem-file"),
        ("application/x-pem-key", "application/x-pem-key"),
        ("Application/X-PEM-Certificate;q=0.5, text/html", "application/x-pem-certificate"),
    ] {
        let reply = customer.send(customer.request("GET", path).header("accept", accept)).await.expect(200);
        assert_eq!((reply.header("content-type"), &reply.text), (Some(media_type), &first.text), "{accept}");
    }
    let refused = customer.send(customer.request("GET", path).header("accept", "text/html")).await.expect(406);
    assert!(refused.text.contains("application/x-pem-key"), "{}", refused.text);
}
