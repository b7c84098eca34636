//! Tests that apply to all endpoints of the directory: FAPI headers, errors, the objects above, and the log of requests.

use serde_json::{Value, json};
use trustplane_end_to_end::{Customer, Reply, Request, world};

use crate::table::break_tenant;

/// A customer with an organisation, and an authorisation server in it.
pub struct Directory {
    /// The customer.
    pub customer: Customer,
    /// `/organisations/{OrganisationId}`.
    pub organisation: String,
    /// `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}`.
    pub server: String,
    /// The server's id.
    pub server_id: String,
}

impl Directory {
    /// Creates a new customer with them.
    pub async fn new() -> Self {
        Self::of(world().customer().await).await
    }

    /// Creates them in the tenant of `customer`.
    pub async fn of(customer: Customer) -> Self {
        let organisation = json!({"OrganisationId": "acme", "OrganisationName": "Acme"});
        let _ = customer.post("/organisations", &organisation).await.expect(201);
        let organisation = "/organisations/acme".to_owned();
        let servers = format!("{organisation}/authorisationservers");
        let made = customer.post(&servers, &json!({"CustomerFriendlyName": "Acme"})).await.expect(201);
        let server_id = made.body["AuthorisationServerId"].as_str().unwrap().to_owned();
        Self { server: format!("{servers}/{server_id}"), customer, organisation, server_id }
    }

    /// Returns the path of the SSO configurations.
    pub fn configurations(&self) -> String {
        format!("{}/sso-configuration", self.server)
    }

    /// Creates an SSO configuration. Returns its path.
    pub async fn configuration(&self) -> String {
        let made = self.customer.post(&self.configurations(), &configuration()).await.expect(201);
        format!("{}/{}", self.configurations(), made.body["ID"].as_str().unwrap())
    }
}

/// Returns the body of an SSO configuration.
pub fn configuration() -> Value {
    json!({"DisplayName": "Acme staff", "Contacts": ["it@acme.example"]})
}

/// Returns the texts of an error.
pub fn errors(reply: &Reply) -> Vec<String> {
    let errors = reply.body["errors"].as_array().unwrap_or_else(|| panic!("{}", reply.text));
    errors.iter().map(|error| error.as_str().unwrap().to_owned()).collect()
}

/// Returns the fields that an error names, one per text.
pub fn fields(reply: &Reply) -> Vec<String> {
    errors(reply).iter().map(|error| error.split(' ').next().unwrap().to_owned()).collect()
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[tokio::test]
async fn the_interaction_id_is_echoed_whatever_the_outcome() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let path = directory.configuration().await;
    let sent = "73CAC523-d3ae-2289-b106-330a6218710d";
    let requests = [
        (customer.request("GET", &directory.organisation), 200),
        (customer.request("GET", "/organisations/nobody"), 404),
        (customer.request("GET", "/organisations/acme/nothing"), 404),
        (customer.request("PATCH", &directory.organisation), 405),
        (customer.request("PUT", &directory.organisation).raw(b"{".to_vec()), 400),
        (customer.request("GET", &directory.organisation).header("accept", "text/html"), 406),
        (customer.request_as(&customer.viewer, "DELETE", &path), 403),
        (Request::new("GET", &directory.organisation), 401),
        (customer.request("DELETE", &path), 204),
    ];
    for (request, status) in requests {
        let reply = customer.send(request.clone().header("x-fapi-interaction-id", sent)).await;
        assert_eq!(reply.status, status, "{request:?}: {}", reply.text);
        assert_eq!(reply.header("x-fapi-interaction-id"), Some(sent), "{request:?}");
    }
}

#[tokio::test]
async fn without_a_good_interaction_id_a_new_one_is_made() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let mut seen = Vec::new();
    for sent in [None, Some(""), Some("x"), Some("73cac523d3ae2289b106330a6218710d"), Some("<script>")] {
        let mut request = customer.request("GET", &directory.organisation);
        if let Some(sent) = sent {
            request = request.header("x-fapi-interaction-id", sent);
        }
        let reply = customer.send(request).await.expect(200);
        let made = reply.header("x-fapi-interaction-id").unwrap().to_owned();
        assert!(is_uuid(&made), "{made}");
        assert!(!seen.contains(&made));
        seen.push(made);
    }
}

#[tokio::test]
async fn what_fapi_has_clients_send_is_checked_all_at_once() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let get = |name: &str, value: &str| customer.request("GET", &directory.organisation).header(name, value);
    for (name, value) in [
        ("x-fapi-auth-date", "Sun, 10 Sep 2017 19:43:31 UTC"),
        ("x-fapi-auth-date", "Sun, 10 Sep 2017 19:43:31 GMT"),
        ("x-fapi-customer-ip-address", "198.51.100.119"),
        ("x-fapi-customer-ip-address", "2001:DB8::1893:25c8:1946"),
        ("x-customer-user-agent", "anything"),
    ] {
        let _ = customer.send(get(name, value)).await.expect(200);
    }
    for (name, value) in [
        ("x-fapi-auth-date", "Mon, 10 Sep 2017 19:43:31 UTC"),
        ("x-fapi-auth-date", "2017-09-10T19:43:31Z"),
        ("x-fapi-customer-ip-address", "198.51.100.300"),
        ("x-fapi-customer-ip-address", "localhost"),
    ] {
        let refused = customer.send(get(name, value)).await.expect(400);
        assert_eq!(fields(&refused), [name]);
    }
    let all = customer
        .request("PUT", "/organisations/a%3Cb")
        .header("x-fapi-auth-date", "today")
        .header("x-fapi-customer-ip-address", "here")
        .json(&json!({"Status": "Gone"}));
    let refused = customer.send(all).await.expect(400);
    let expected = ["OrganisationId", "OrganisationName", "Status", "x-fapi-auth-date", "x-fapi-customer-ip-address"];
    assert_eq!(fields(&refused), expected);
    let broken = customer.request("PUT", "/organisations/a%3Cb").raw(b"{".to_vec());
    assert_eq!(errors(&customer.send(broken).await.expect(400)).len(), 2);
}

#[tokio::test]
async fn json_is_what_there_is_and_it_says_so() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let accept = |value: &str| customer.request("GET", &directory.organisation).header("accept", value);
    for good in ["", "*/*", "application/*", "Application/JSON; charset=utf-8", "text/html, application/json;q=0.1"] {
        let reply = customer.send(accept(good)).await.expect(200);
        // IMF-fixdate (RFC 9110, 5.6.7), from API Gateway.
        assert!(reply.header("date").is_some_and(|date| date.len() == 29 && date.ends_with(" GMT")), "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"), "{good}");
    }
    for bad in ["text/html", "application/xml", "application/json;q=0"] {
        let reply = customer.send(accept(bad)).await.expect(406);
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"), "{bad}");
        assert_eq!(errors(&reply).len(), 1);
    }
}

#[tokio::test]
async fn a_token_in_the_query_lets_nobody_in() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let path = format!("{}?access_token={}", directory.organisation, customer.admin);
    let alone = world().send(Request::new("GET", &path)).await.expect(401);
    assert_eq!(alone.header("www-authenticate"), Some("Bearer"));
    let twice = customer.send(customer.request("GET", &path)).await.expect(400);
    assert_eq!(fields(&twice), ["access_token"]);
    assert!(!twice.text.contains(&customer.admin));
}

#[tokio::test]
async fn no_tenant_header_is_needed() {
    let directory = Directory::new().await;
    let request = directory.customer.request("GET", &directory.organisation).without("x-tenant-id");
    let _ = directory.customer.send(request).await.expect(200);
}

/// Returns the log line of a request, which has to repeat the ids of its response.
async fn logged(reply: &Reply) -> Value {
    let line = world().line(reply.request_id()).await;
    assert_eq!(line["interaction_id"].as_str(), reply.header("x-fapi-interaction-id"), "{line}");
    assert_eq!((&line["status"], &line["function"]), (&json!(reply.status), &json!("list-organisations")), "{line}");
    assert_eq!(line["route"], "GET /organisations", "{line}");
    assert!(line["duration_ms"].is_u64() && line["cold_start"].is_boolean(), "{line}");
    line
}

#[tokio::test]
async fn the_log_names_the_tenant_of_a_verified_credential_and_no_other() {
    let (customer, other) = (world().customer().await, world().customer().await);
    let with_token = Request::new("GET", "/organisations").bearer(&customer.admin);
    let served = logged(&customer.send(with_token.clone()).await.expect(200)).await;
    assert_eq!((&served["tenant"], &served["outcome"]), (&json!(customer.tenant), &json!("ok")), "{served}");
    assert!(served["cause"].is_null(), "{served}");

    let nobody = Request::new("GET", "/organisations");
    let invented = nobody.clone().bearer(&format!("{}_", &customer.admin[..customer.admin.len() - 1]));
    for request in [nobody, invented] {
        let refused = logged(&world().send(request.header("x-tenant-id", &other.tenant)).await.expect(401)).await;
        assert!(refused["tenant"].is_null(), "{refused}");
    }
    let foreign = with_token.header("x-tenant-id", &other.tenant);
    let refused = logged(&customer.send(foreign).await.expect(403)).await;
    assert_ne!(refused["tenant"], json!(other.tenant), "{refused}");
}

#[tokio::test]
async fn an_error_of_the_service_has_its_cause_in_the_log_and_not_in_the_response() {
    let customer = world().customer().await;
    break_tenant(world(), &customer.tenant).await;
    let failed = customer.get("/organisations").await.expect(500);
    assert_eq!(failed.text, "");
    let line = logged(&failed).await;
    assert_eq!((&line["outcome"], &line["level"]), (&json!("internal"), &json!("ERROR")), "{line}");
    assert!(line["cause"].as_str().is_some_and(|cause| cause.contains("bogus")), "{line}");
}

#[tokio::test]
async fn another_tenants_are_as_if_there_were_none() {
    let directory = Directory::new().await;
    let path = directory.configuration().await;
    let other = world().customer().await;
    for path in [&directory.organisation, &directory.server, &directory.configurations(), &path] {
        let refused = other.get(path).await.expect(404);
        assert_eq!(errors(&refused), ["there is no such organisation"], "{path}");
    }
    let _ = other.put(&path, &configuration()).await.expect(404);
    let _ = other.delete(&path).await.expect(404);
    // The id is not available for others either.
    let same = json!({"OrganisationId": "acme", "OrganisationName": "Another"});
    let _ = other.post("/organisations", &same).await.expect(201);
    assert_eq!(directory.customer.get(&directory.organisation).await.body["OrganisationName"], "Acme");
}

#[tokio::test]
async fn what_is_below_a_withdrawn_organisation_is_kept_and_says_so() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let path = directory.configuration().await;
    let withdrawn = json!({"OrganisationName": "Acme", "Status": "Withdrawn"});
    let _ = customer.put(&directory.organisation, &withdrawn).await.expect(200);
    for path in [&directory.server, &path, &directory.configurations()] {
        let shown = customer.get(path).await.expect(200);
        assert_eq!(shown.header("warning"), Some("299 trustplane \"the organisation is withdrawn\""), "{path}");
    }
    let refusals = [
        customer.post(&directory.configurations(), &configuration()).await,
        customer.put(&path, &configuration()).await,
        customer.delete(&path).await,
        customer.put(&directory.server, &json!({"CustomerFriendlyName": "B"})).await,
        customer
            .post(&format!("{}/authorisationservers", directory.organisation), &json!({"CustomerFriendlyName": "B"}))
            .await,
    ];
    for refusal in refusals {
        assert_eq!(errors(&refusal.expect(409)), ["the organisation is withdrawn"]);
    }
    let back = json!({"OrganisationName": "Acme", "Status": "Active"});
    let _ = customer.put(&directory.organisation, &back).await.expect(200);
    let shown = customer.get(&path).await.expect(200);
    assert_eq!((shown.header("warning"), &shown.body["DisplayName"]), (None, &json!("Acme staff")));
    let _ = customer.put(&path, &configuration()).await.expect(200);
}

#[tokio::test]
async fn what_is_below_an_inactive_server_is_kept_and_says_so() {
    let directory = Directory::new().await;
    let customer = &directory.customer;
    let path = directory.configuration().await;
    let server = |status: &str| json!({"CustomerFriendlyName": "Acme", "Status": status});
    let _ = customer.put(&directory.server, &server("Inactive")).await.expect(200);
    let shown = customer.get(&path).await.expect(200);
    assert_eq!(shown.header("warning"), Some("299 trustplane \"the authorisation server is inactive\""));
    let pending = json!({"OrganisationName": "Acme", "Status": "Pending"});
    let _ = customer.put(&directory.organisation, &pending).await.expect(200);
    let refused = customer.put(&path, &configuration()).await.expect(409);
    assert_eq!(errors(&refused), ["the organisation is not active yet; the authorisation server is inactive"]);
}
