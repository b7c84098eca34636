//! Tests of the permissions of a setup session: the actions of its sections, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trustplane_domain::setup::Section;
use trustplane_end_to_end::world;
use trustplane_policy::{sections_of, setup_actions};
use trustplane_runtime::{actions, routes};

use super::{LINKS, link, open, session, shown};
use crate::domains::Domains;
use crate::policies::save;
use crate::routes::{code, expected, send_valid};

#[test]
fn each_action_of_a_section_is_in_the_table_of_functions() {
    let known: BTreeSet<&str> = actions().map(|action| action.name).collect();
    for action in setup_actions() {
        assert!(known.contains(action), "{action}");
    }
}

#[tokio::test]
async fn every_endpoint_is_tried_with_a_session_of_each_section() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let configuration = domains.path().split('/').nth(6).unwrap().to_owned();
    for section in [Section::AwsIdentityCenter, Section::IdentityProvider, Section::Domains] {
        let mut sections = vec![section.as_str()];
        let mut more = json!({"allow_changes": true});
        if section == Section::Domains {
            more["sso_configuration_id"] = json!(configuration);
        }
        if section == Section::IdentityProvider {
            // Only together, without a tested connection; the policies are asked about each section all the same.
            sections.push("aws-identity-center");
        }
        let own: BTreeSet<Section> = sections.iter().map(|name| Section::parse(name).unwrap()).collect();
        let token = session(customer, &sections, more).await;
        let mut permitted = 0;
        for (function, route) in routes() {
            let Some(action) = route.action else { continue };
            let reply = match function.name {
                // It needs a query, too.
                "get-sso-route" => {
                    let path = format!("{}?email=ada@acme.example", route.path);
                    customer.send(customer.request_as(&token, "GET", &path)).await
                }
                name => send_valid(customer, name, route, &token).await,
            };
            let is_own = sections_of(action.name).any(|section| own.contains(&section));
            // The paths are those of another SSO configuration than the link's; below it is the link's own.
            let is_elsewhere = route.path.contains("{ssoConfigurationId}");
            if is_own && !is_elsewhere {
                // AWS may deny what the policies permit.
                let forbidden = expected(route.dialect, "forbidden", "IIC.1000");
                assert!(reply.status != 401 && code(&reply) != forbidden, "{}: {}", function.name, reply.text);
                permitted += 1;
            } else {
                assert_eq!(reply.status, 403, "{}: {}", function.name, reply.text);
                assert_eq!(code(&reply), expected(route.dialect, "forbidden", "IIC.1000"), "{}", function.name);
            }
        }
        let number = match section {
            Section::AwsIdentityCenter => 7,
            Section::IdentityProvider => 20,
            Section::Domains => 1,
        };
        assert_eq!(permitted, number, "{section:?}");
    }
}

#[tokio::test]
async fn a_session_reads_and_proves_the_domains_of_one_configuration() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let domain = crate::domains::own(customer, "acme");
    let made = customer.post(&domains.versions.path, &crate::domains::naming(&[], &[&domain])).await.expect(201);
    let own = domains.path().trim_end_matches("/domains").to_owned();
    let (above, id) = own.rsplit_once('/').unwrap();
    let other =
        customer.post(above, &json!({"DisplayName": "Other", "Contacts": ["it@acme.example"]})).await.expect(201);
    let other = other.body["ID"].as_str().unwrap();
    let token = session(customer, &["domains"], json!({"sso_configuration_id": id})).await;
    let get = async |path: &str| customer.send(customer.request_as(&token, "GET", path)).await.status;
    let version = |id: &Value| format!("{}/{}", domains.versions.path, id.as_str().unwrap());
    assert_eq!(get(&own).await, 200);
    assert_eq!(get(&domains.path()).await, 200);
    assert_eq!(get(&format!("/references/users/sso-configurations/{id}")).await, 200);
    assert_eq!(get(&version(&made.body["ID"])).await, 200);
    let verify = customer.request_as(&token, "POST", &format!("{}/{domain}/verify", domains.path())).json(&json!({}));
    assert_eq!(customer.send(verify).await.status, 200);
    // A newer version takes its place.
    let newer = customer.post(&domains.versions.path, &crate::domains::naming(&[], &[&domain])).await.expect(201);
    assert_eq!(get(&version(&made.body["ID"])).await, 403);
    assert_eq!(get(&version(&newer.body["ID"])).await, 200);
    for path in [
        format!("{above}/{other}"),
        format!("{above}/{other}/domains"),
        format!("/references/users/sso-configurations/{other}"),
        above.to_owned(),
        domains.versions.path.clone(),
    ] {
        assert_eq!(get(&path).await, 403, "{path}");
    }
    let verify = customer.request_as(&token, "POST", &format!("{above}/{other}/domains/{domain}/verify"));
    assert_eq!(customer.send(verify.json(&json!({}))).await.status, 403);
}

#[tokio::test]
async fn whoami_names_the_sections_and_keys_do_not_know_the_session() {
    let customer = world().customer().await;
    let link = link(&customer, &["aws-identity-center", "identity-provider"], json!({})).await;
    let token = open(&link, 'a').await;
    let who = customer.send(customer.request_as(&token, "GET", "/v1/whoami")).await.expect(200).body;
    assert_eq!(who["kind"], "setup");
    assert_eq!((&who["name"], &who["roles"]), (&json!("Ada at Acme"), &json!([])));
    assert_eq!(who["sections"], json!(["aws-identity-center", "identity-provider"]));
    let id = who["id"].as_str().unwrap();
    assert_eq!(shown(&customer, &link).await["sessions"][0]["id"], id);
    for id in [id, &link.id] {
        let path = format!("/v1/api-keys/{id}");
        let _ = customer.get(&path).await.refused(404, "not_found");
        let roles = json!({"name": "x", "roles": ["admin"]});
        let _ = customer.put(&path, &roles).await.refused(404, "not_found");
        let _ = customer.post(&format!("{path}/rotate"), &json!({})).await.refused(404, "not_found");
    }
    let keys = customer.get("/v1/api-keys?limit=250").await.expect(200);
    assert!(!keys.text.contains(id), "{}", keys.text);
}

#[tokio::test]
async fn a_tenants_policies_narrow_a_session_and_never_widen_it() {
    let customer = world().customer().await;
    let token = session(&customer, &["aws-identity-center"], json!({})).await;
    let get = async |path: &str| customer.send(customer.request_as(&token, "GET", path)).await;
    let _ = save(&customer, "everything", "permit (principal, action, resource);").await.expect(200);
    for path in ["/v1/api-keys", LINKS, "/v1/audit-log", "/v1/policies"] {
        let refused = get(path).await.refused(403, "forbidden");
        assert!(refused.body["notices"][0].as_str().unwrap().contains("sections"), "{}", refused.text);
    }
    let config = "/v1/integrations/aws-identity-center/config";
    let _ = get(config).await.expect(200);
    let narrow = "forbid (principal, action, resource)\n\
                  when { principal has setup && principal.setup.sections.contains(\"aws-identity-center\") };";
    let _ = save(&customer, "everything", narrow).await.expect(200);
    let _ = get(config).await.refused(403, "forbidden");
}
