//! Tests of `GET /v1/sso/route`: the configuration that an e-mail address signs in with.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::directory::domain_name::RestrictedDomain;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use trustplane_domain::directory::route::{ConfigurationPath, MAX_CONFIGURATIONS, Route};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, world};
use trustplane_store::Writes;

use crate::directory::errors;
use crate::domains::{Domains, naming, own, to};
use crate::table::{audit_records, part, read, table, write};

async fn route(customer: &Customer, email: &str) -> Reply {
    customer.get(&format!("/v1/sso/route?email={email}")).await.expect(200)
}

/// Returns the version that serves an address, its domain, and the rule.
async fn served(customer: &Customer, email: &str) -> (Value, Value, Value) {
    let reply = route(customer, email).await;
    let found = &reply.body["configuration"];
    (found["version_id"].clone(), found["matched_domain"].clone(), found["required"].clone())
}

fn id(path: &str) -> Value {
    json!(path.rsplit('/').next().unwrap())
}

/// Activates a version that names these domains, all of them proven. Returns the configuration and the version's path.
async fn in_use(domains: &Domains, restricted: &[&str], supported: &[&str]) -> String {
    let body = naming(restricted, supported);
    let path = domains.versions.submit(&body).await;
    for domain in restricted.iter().chain(supported).filter(|domain| **domain != "*") {
        domains.prove(domain).await;
    }
    let approver = &domains.customer().approver;
    let _ = domains.versions.put_as(approver, &path, &to("Active", &body)).await.expect(200);
    path
}

/// Creates another configuration of the same tenant.
async fn beside(domains: &mut Domains) {
    domains.versions.path = format!("{}/versions", domains.versions.directory.configuration().await);
}

#[tokio::test]
async fn restricted_beats_supported_and_the_longest_domain_is_first() {
    let mut domains = Domains::new().await;
    let base = own(domains.customer(), "acme");
    let mail = format!("mail.{base}");
    let nothing = route(domains.customer(), &format!("a@{mail}")).await;
    assert_eq!(nothing.body, json!({"email_domain": mail, "configuration": null, "unusable": []}));
    let cost = domains.customer().cost(&nothing).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (1, 1));

    let supporting = in_use(&domains, &[], &[&mail, &base]).await;
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(served(domains.customer(), &format!("a@{mail}")).await, (id(&supporting), json!(mail), no.clone()));
    assert_eq!(served(domains.customer(), &format!("a@x.{base}")).await, (id(&supporting), json!(base), no.clone()));
    beside(&mut domains).await;
    let anybody = in_use(&domains, &["*"], &[]).await;
    assert_eq!(served(domains.customer(), &format!("a@{mail}")).await, (id(&anybody), json!("*"), yes.clone()));
    assert_eq!(served(domains.customer(), "a@gmail.com").await, (id(&anybody), json!("*"), yes.clone()));
    beside(&mut domains).await;
    let restricting = in_use(&domains, &[&base], &[]).await;
    let found = route(domains.customer(), &format!("a@{mail}")).await;
    let cost = domains.customer().cost(&found).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
    let configuration = restricting.split("/versions/").next().unwrap();
    let shown = domains.customer().get(configuration).await.expect(200);
    let expected = json!({
        "id": shown.body["ID"], "display_name": shown.body["DisplayName"], "organisation_id": "acme",
        "authorisation_server_id": domains.versions.directory.server_id, "authorisation_server_name": "Acme",
        "issuer": null, "openid_discovery_document": null, "redirect_uri": shown.body["RedirectUri"],
        "version_id": id(&restricting), "matched_domain": base, "required": true,
    });
    assert_eq!(found.body, json!({"email_domain": mail, "configuration": expected, "unusable": []}));

    // The next candidate, after this one is deactivated.
    domains.end(&restricting, &naming(&[&base], &[])).await;
    assert_eq!(served(domains.customer(), &format!("a@{mail}")).await, (id(&anybody), json!("*"), yes));
    domains.end(&anybody, &naming(&["*"], &[])).await;
    assert_eq!(served(domains.customer(), &format!("a@{mail}")).await, (id(&supporting), json!(mail), no));
    domains.end(&supporting, &naming(&[], &[&mail, &base])).await;
    assert_eq!(route(domains.customer(), &format!("a@{mail}")).await.body, nothing.body);
}

#[tokio::test]
async fn every_spelling_of_an_address_leads_there_and_rolling_back_leads_back() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let tenant = &customer.tenant[..8];
    let (unicode, ascii) = (format!("b%C3%BCcher.{tenant}.example"), format!("xn--bcher-kva.{tenant}.example"));
    let first = in_use(&domains, &[&ascii], &[]).await;
    for email in [
        format!("a@{unicode}"),
        format!("A.B@B%C3%9CCHER.{}.EXAMPLE", tenant.to_uppercase()),
        format!("a+tag@{ascii}"),
        format!("a%2Btag%40{ascii}"),
    ] {
        assert_eq!(served(customer, &email).await.0, id(&first), "{email}");
    }
    // A version that does not name the domain does not serve it. Reactivating the previous version does.
    let second = in_use(&domains, &["*"], &[]).await;
    assert_eq!(served(customer, &format!("a@{ascii}")).await, (id(&second), json!("*"), json!(true)));
    let back = to("Active", &naming(&[&ascii], &[]));
    let _ = domains.versions.put_as(&customer.approver, &first, &back).await.expect(200);
    assert_eq!(served(customer, &format!("a@{ascii}")).await.0, id(&first));
    assert_eq!(served(customer, "a@elsewhere.example").await.0, Value::Null);
}

/// Tests domains with hyphens in the third and fourth place, which are registered and are no punycode.
#[tokio::test]
async fn a_domain_with_two_hyphens_is_a_domain() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    assert_eq!(served(customer, "ada@ab--cd.example").await.0, Value::Null);
    let domain = format!("ab--cd.{}.example", &customer.tenant[..8]);
    let path = in_use(&domains, &[&domain], &[]).await;
    assert_eq!(served(customer, &format!("ada@{domain}")).await.0, id(&path));
}

#[tokio::test]
async fn what_cannot_be_used_serves_nobody_and_says_why() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let acme = own(customer, "acme");
    let version = in_use(&domains, &[&acme], &[]).await;
    let configuration = version.split("/versions/").next().unwrap();
    let email = format!("a@{acme}");
    let obstacle = async |path: &str, body: Value, reasons: &[&str]| {
        let _ = customer.put(path, &body).await.expect(200);
        let reply = route(customer, &email).await;
        if reasons.is_empty() {
            assert_eq!(
                (&reply.body["configuration"]["version_id"], &reply.body["unusable"]),
                (&id(&version), &json!([]))
            );
        } else {
            assert_eq!(reply.body["configuration"], Value::Null);
            let expected = json!([{"id": id(configuration), "matched_domain": acme, "reasons": reasons}]);
            assert_eq!(reply.body["unusable"], expected);
        }
    };
    let organisation = |status: &str| json!({"OrganisationName": "Acme", "Status": status});
    let server = |status: &str| json!({"CustomerFriendlyName": "Acme", "Status": status});
    let own = |status: &str| json!({"DisplayName": "Acme", "Contacts": ["it@acme.example"], "Status": status});
    let directory = &domains.versions.directory;
    obstacle(configuration, own("Inactive"), &["the SSO configuration is inactive"]).await;
    obstacle(configuration, own("Active"), &[]).await;
    obstacle(&directory.server, server("Inactive"), &["the authorisation server is inactive"]).await;
    let both = ["the organisation is withdrawn", "the authorisation server is inactive"];
    obstacle(&directory.organisation, organisation("Withdrawn"), &both).await;
    obstacle(&directory.organisation, organisation("Active"), &both[1..]).await;
    obstacle(&directory.server, server("Active"), &[]).await;
}

#[tokio::test]
async fn a_full_route_takes_no_configuration_and_can_be_left() {
    let domains = Domains::new().await;
    let (table, tenant) = (table(world()), TenantId::parse(&domains.customer().tenant).unwrap());
    let key = part(tenant).route(&RestrictedDomain::Any);
    let any = naming(&["*"], &[]);
    let version = in_use(&domains, &["*"], &[]).await;
    let others = (0_i64..).map(Timestamp::from_millis).map(|at| ConfigurationPath {
        configuration_id: SsoConfigurationId::new(at, [0; 10]),
        organisation_id: OrganisationId::parse_new("other").unwrap(),
        server_id: AuthorisationServerId::new(at, [0; 10]),
    });
    let own = read(&table, &key).await;
    let mut crowded = own.value.clone();
    crowded.restricted.extend(others.take(MAX_CONFIGURATIONS));
    write(&table, tenant, Writes::new().replace(&own, &crowded)).await;

    domains.end(&version, &any).await;
    let full = read::<Route>(&table, &key).await;
    assert_eq!(full.value.restricted.len(), MAX_CONFIGURATIONS);
    assert!(own.value.restricted.is_disjoint(&full.value.restricted));
    let before = domains.customer().get(&version).await.expect(200);
    assert_eq!(before.body["Status"], "Inactive");

    let approver = &domains.customer().approver;
    let refused = domains.versions.put_as(approver, &version, &to("Active", &any)).await.expect(409);
    let message = "`*` leads to 1000 configurations already, which is the limit: make another version that names it \
                   inactive first";
    assert_eq!(errors(&refused), [message]);
    let after = domains.customer().get(&version).await.expect(200);
    assert_eq!((&after.body, after.header("etag")), (&before.body, before.header("etag")));
    let kept = read::<Route>(&table, &key).await;
    assert_eq!((kept.version, kept.value), (full.version, full.value));
    assert_eq!(audit_records(&table, tenant, "activate-sso-configuration-version").await.len(), 0);
}

#[tokio::test]
async fn an_address_is_needed_and_another_tenants_routes_are_not_seen() {
    let domains = Domains::new().await;
    let acme = own(domains.customer(), "acme");
    let _ = in_use(&domains, &[&acme, "*"], &[]).await;
    let other = Domains::new().await;
    assert_eq!(served(other.customer(), &format!("a@{acme}")).await.0, Value::Null);
    for query in ["", "?email=", "?email=nobody", "?email=a@b", "?email=a@b@", "?mail=a@b.example"] {
        let refused = other.customer().get(&format!("/v1/sso/route{query}")).await.refused(400, "invalid_request");
        assert!(refused.body["details"]["email"].is_string(), "{query}: {}", refused.text);
    }
}
