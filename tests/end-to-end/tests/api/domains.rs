//! Tests of `…/domains`: proofs of domains by DNS, and their effects on activation and claims.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;
use trustplane_end_to_end::{Customer, Reply, World, world};
use trustplane_local::dns::{Answer, Dns};
use trustplane_store::Writes;

use crate::directory::{errors, fields};
use crate::policies::save;
use crate::table::{audit_records, part, read, table, write};
use crate::versions::{Versions, content};
use futures_util::future::join_all;

/// A configuration whose versions name domains that only this test uses.
pub struct Domains {
    /// Its versions.
    pub versions: Versions,
    dns: Dns,
}

/// Returns a domain that no other test uses.
pub fn own(customer: &Customer, label: &str) -> String {
    format!("{label}.{}.example", &customer.tenant[..8])
}

/// Returns the body of a version that names these domains.
pub fn naming(restricted: &[&str], supported: &[&str]) -> Value {
    let mut body = content();
    body["RestrictedDomains"] = json!(restricted);
    body["SupportedDomains"] = json!(supported);
    body
}

/// Returns the same body with a status.
pub fn to(status: &str, body: &Value) -> Value {
    let mut body = body.clone();
    body["Status"] = json!(status);
    body
}

impl Domains {
    /// Creates one for a new customer.
    pub async fn new() -> Self {
        Self::of(world(), world().customer().await).await
    }

    /// Creates one for `customer` in `world`.
    pub async fn of(world: &World, customer: Customer) -> Self {
        Self { versions: Versions::of(customer).await, dns: world.stack().dns().clone() }
    }

    /// Returns the customer.
    pub fn customer(&self) -> &Customer {
        &self.versions.directory.customer
    }

    /// Returns the path `…/domains`.
    pub fn path(&self) -> String {
        self.versions.path.replace("/versions", "/domains")
    }

    /// Returns the domain as the API shows it.
    pub async fn shown(&self, domain: &str) -> Value {
        let listed = self.customer().get(&format!("{}?size=100", self.path())).await.expect(200);
        let found = listed.body["content"].as_array().unwrap().iter().find(|shown| shown["Domain"] == domain);
        found.cloned().unwrap_or_else(|| panic!("no {domain} in {}", listed.text))
    }

    /// Requests a verification.
    pub async fn verify(&self, domain: &str) -> Reply {
        self.customer().post(&format!("{}/{domain}/verify", self.path()), &json!({})).await
    }

    /// Sets the DNS response for a domain's record.
    pub async fn answer(&self, domain: &str, answer: Answer) {
        let shown = self.shown(domain).await;
        self.dns.set(shown["RecordName"].as_str().unwrap(), answer);
    }

    /// Sets the record that the proof of a domain requires, and verifies it.
    pub async fn prove(&self, domain: &str) {
        let shown = self.shown(domain).await;
        self.dns.set_text(shown["RecordName"].as_str().unwrap(), shown["RecordValue"].as_str().unwrap());
        let proven = self.verify(domain).await.expect(200);
        assert_eq!((&proven.body["Status"], &proven.body["Outcome"]), (&json!("Proven"), &json!("verified")));
    }

    /// Submits a version, approves it and activates it. Returns its path and the last response.
    pub async fn activate(&self, body: &Value) -> (String, Reply) {
        let path = self.versions.submit(body).await;
        let said = self.versions.put_as(&self.customer().approver, &path, &to("Active", body)).await;
        (path, said)
    }

    /// Deactivates a version.
    pub async fn end(&self, path: &str, body: &Value) {
        let _ = self.versions.put_as(&self.customer().approver, path, &to("Inactive", body)).await.expect(200);
    }
}

fn texts(records: &[&[&str]]) -> Answer {
    let strings = |strings: &&[&str]| strings.iter().map(|string| (*string).to_owned()).collect();
    Answer::Texts(records.iter().map(strings).collect())
}

#[tokio::test]
async fn a_version_brings_a_challenge_for_each_domain_that_it_names() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let (acme, mail) = (own(customer, "acme"), own(customer, "mail"));
    let empty = customer.get(&domains.path()).await.expect(200);
    assert_eq!((&empty.body["totalSize"], &empty.body["empty"]), (&json!(0), &json!(true)));
    let cost = customer.cost(&empty).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (1, 1));

    let body = naming(&[&acme.to_uppercase(), "*"], &[&mail, &acme]);
    let made = customer.post(&domains.versions.path, &body).await.expect(201);
    let cost = customer.cost(&made).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
    let listed = customer.get(&format!("{}?sort=Domain,desc", domains.path())).await.expect(200);
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
    let names: Vec<&Value> = listed.body["content"].as_array().unwrap().iter().map(|one| &one["Domain"]).collect();
    assert_eq!(names, [&json!(mail), &json!(acme)]);
    let shown = &listed.body["content"][1];
    assert_eq!(shown["RecordName"], format!("_trustplane-challenge.{acme}"));
    let expires = Timestamp::parse(shown["ExpiresAt"].as_str().unwrap()).unwrap();
    let made_at = Timestamp::parse(made.body["CreatedAt"].as_str().unwrap()).unwrap();
    assert_eq!(expires, made_at.plus_millis(30 * DAY));
    assert_eq!((&shown["Status"], &shown["Outcome"], &shown["Found"]), (&json!("Unproven"), &Value::Null, &json!([])));

    // It is created once per tenant, and differs between tenants.
    let _ = domains.versions.submit(&naming(&[&acme], &[])).await;
    assert_eq!(domains.shown(&acme).await["RecordValue"], shown["RecordValue"]);
    let other = Domains::new().await;
    let _ = other.versions.submit(&naming(&[&acme], &[])).await;
    assert_ne!(other.shown(&acme).await["RecordValue"], shown["RecordValue"]);
}

#[tokio::test]
async fn a_domain_is_shown_while_a_version_names_it() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let (acme, mail) = (own(customer, "acme"), own(customer, "mail"));
    let names = async || -> Vec<String> {
        let listed = customer.get(&domains.path()).await.expect(200);
        let content = listed.body["content"].as_array().unwrap().clone();
        content.iter().map(|one| one["Domain"].as_str().unwrap().to_owned()).collect()
    };
    let path = domains.versions.submit(&naming(&[&acme], &[])).await;
    let edited = to("Pending", &naming(&[], &[&mail]));
    let edit = customer.put(&path, &edited).await.expect(200);
    assert_eq!(customer.cost(&edit).await.dynamodb_round_trips, 2);
    assert_eq!(names().await, std::slice::from_ref(&mail));
    let rejected = domains.versions.submit(&naming(&[&acme], &[])).await;
    assert_eq!(names().await, [acme.clone(), mail.clone()]);
    let refuse = to("Rejected", &naming(&[&acme], &[]));
    let _ = domains.versions.put_as(&customer.approver, &rejected, &refuse).await.expect(200);
    assert_eq!(names().await, [mail]);
    let _ = customer.delete(&rejected).await.expect(204);
    let _ = customer.delete(&path).await.expect(204);
    assert!(names().await.is_empty());
    assert_eq!(errors(&domains.verify(&acme).await.expect(404)), ["there is no such domain"]);
}

#[tokio::test]
async fn a_verification_says_why_it_failed() {
    let domains = Domains::new().await;
    let acme = own(domains.customer(), "acme");
    let _ = domains.versions.submit(&naming(&[&acme], &[])).await;
    let long = "x".repeat(255);
    let others: &[&[&str]] = &[&["v=spf1 -all"], &[&long, &long], &["three"], &["four"]];
    let found = json!(["v=spf1 -all", long, "three"]);
    let none = json!([]);
    for (answer, outcome, found) in [
        (None, "no_record", &none),
        (Some(texts(&[])), "no_record", &none),
        (Some(Answer::Alias("nowhere.example".to_owned())), "no_record", &none),
        (Some(texts(others)), "other_value", &found),
        (Some(texts(&[&["token=a expiry=b"]])), "other_value", &json!(["token=a expiry=b"])),
        (Some(Answer::Servfail), "servfail", &none),
        (Some(Answer::Refused), "servfail", &none),
        (Some(Answer::Silence), "timeout", &none),
    ] {
        let said = format!("{answer:?}");
        if let Some(answer) = answer {
            domains.answer(&acme, answer).await;
        }
        let failed = domains.verify(&acme).await.expect(200);
        assert_eq!((&failed.body["Status"], &failed.body["Outcome"]), (&json!("Unproven"), &json!(outcome)), "{said}");
        assert_eq!(&failed.body["Found"], found, "{said}");
        assert!(failed.body["CheckedAt"].is_string());
        assert_eq!(domains.shown(&acme).await, failed.body, "{said}");
    }
}

#[tokio::test]
async fn the_commonest_mistakes_are_named() {
    let domains = Domains::new().await;
    let acme = own(domains.customer(), "acme");
    let _ = domains.versions.submit(&naming(&[&acme], &[])).await;
    let shown = domains.shown(&acme).await;
    let (name, value) = (shown["RecordName"].as_str().unwrap(), shown["RecordValue"].as_str().unwrap());
    domains.dns.set_text(name, &format!("\"{value}\""));
    let failed = domains.verify(&acme).await.expect(200);
    assert_eq!((&failed.body["Outcome"], &failed.body["Mistake"]), (&json!("other_value"), &json!("quoted_value")));
    assert!(failed.body["Advice"].as_str().unwrap().contains("without quotes"), "{}", failed.text);
    // The name of the zone twice, as a DNS provider makes it that appends the zone.
    domains.dns.unset(name);
    let (_, zone) = acme.split_once('.').unwrap();
    for doubled in [format!("{name}.{acme}"), format!("{name}.{zone}")] {
        domains.dns.set_text(&doubled, value);
        let failed = domains.verify(&acme).await.expect(200);
        assert_eq!((&failed.body["Outcome"], &failed.body["Mistake"]), (&json!("no_record"), &json!("doubled_name")));
        assert!(failed.body["Advice"].as_str().unwrap().contains("without the zone"), "{}", failed.text);
        assert_eq!(domains.shown(&acme).await, failed.body);
        domains.dns.unset(&doubled);
    }
    // Another record there says nothing.
    domains.dns.set_text(&format!("{name}.{acme}"), "v=spf1 -all");
    let failed = domains.verify(&acme).await.expect(200);
    assert_eq!((&failed.body["Outcome"], failed.body.get("Mistake")), (&json!("no_record"), None));
}

#[tokio::test]
async fn any_one_record_that_matches_is_enough() {
    let domains = Domains::new().await;
    let labels = ["joined", "several", "upper", "alias", "large"];
    let names = labels.map(|label| own(domains.customer(), label));
    let _ = domains.versions.submit(&naming(&[], &names.each_ref().map(String::as_str))).await;
    for (label, domain) in labels.into_iter().zip(&names) {
        let shown = domains.shown(domain).await;
        let value = shown["RecordValue"].as_str().unwrap().to_owned();
        let long = "x".repeat(255);
        let answer = match label {
            "joined" => texts(&[&[&value[..9], &value[9..30], &value[30..]]]),
            "several" => texts(&[&["v=spf1 -all"], &[&value], &["token=other"]]),
            "upper" => texts(&[&[&value.to_uppercase()]]),
            "alias" => {
                let target = format!("_proof.{domain}");
                domains.dns.set_text(&target, &value);
                Answer::Alias(target)
            }
            // Too long for a datagram: the query is repeated over TCP.
            _ => texts(&[&[&long, &long, &long], &[&long, &long, &long], &[&long, &long, &long], &[&value]]),
        };
        domains.answer(domain, answer).await;
        let proven = domains.verify(domain).await.expect(200);
        assert_eq!(
            (&proven.body["Status"], &proven.body["Outcome"]),
            (&json!("Proven"), &json!("verified")),
            "{label}"
        );
        assert_eq!((&proven.body["Found"], &proven.body["ExpiresAt"]), (&json!([]), &Value::Null));
        let cost = domains.customer().cost(&proven).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    }
}

#[tokio::test]
async fn what_cannot_be_proven_and_who_may_not() {
    let domains = Domains::new().await;
    let customer = domains.customer();
    let acme = own(customer, "acme");
    let _ = domains.versions.submit(&naming(&[&acme], &[])).await;
    for wrong in ["co.uk", "gmail.com", "example", "a_b.example", "%2A"] {
        assert_eq!(fields(&domains.verify(wrong).await.expect(400)), ["domain"], "{wrong}");
    }
    let _ = domains.verify(&own(customer, "unnamed")).await.expect(404);
    let path = format!("{}/{acme}/verify", domains.path());
    let _ = customer.send(customer.request_as(&customer.viewer, "POST", &path)).await.expect(403);
    let other = world().customer().await;
    assert_eq!(errors(&other.post(&path, &json!({})).await.expect(404)), ["there is no such organisation"]);
    let stale = customer.send(customer.request("POST", &path).header("if-match", "\"7\"")).await;
    assert_eq!(stale.status, 412);
    // A retry of a request does not verify again.
    let request = customer.request("POST", &path).header("idempotency-key", "k");
    let (first, second) = (customer.send(request.clone()).await.expect(200), customer.send(request).await.expect(200));
    assert_eq!(first.body, second.body);
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let records = audit_records(&table(world()), tenant, "verify-sso-configuration-domain").await;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["resource_type"], &records[0]["resource_id"]), (&json!("domain"), &json!(acme)));
    assert_eq!(records[0]["after"], json!({"status": "Unproven", "outcome": "no_record"}));
}

#[tokio::test]
async fn of_verifications_at_the_same_time_each_is_judged_by_the_same_facts() {
    let domains = Domains::new().await;
    let acme = own(domains.customer(), "acme");
    let _ = domains.versions.submit(&naming(&[&acme], &[])).await;
    // The name servers keep all of them waiting, so that they write at about the same time, and all but one of them lose.
    domains.answer(&acme, Answer::Silence).await;
    let forbidden = |image: &str| {
        let action = "Trustplane::Action::\"verify-sso-configuration-domain\"";
        format!("forbid (principal, action == {action}, resource) when {{ resource has {image} }};")
    };
    // A result of DNS is unknown when the policies are asked: it is no fact for the first question, nor for one after a
    // lost race.
    let _ = save(domains.customer(), "rule", &forbidden("after")).await.expect(200);
    let replies = join_all((0..4).map(|_| domains.verify(&acme))).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert!(statuses.contains(&200) && statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    let _ = save(domains.customer(), "rule", &forbidden("before")).await.expect(200);
    let _ = domains.verify(&acme).await.expect(403);
}

#[tokio::test]
async fn a_challenge_that_is_over_is_replaced_by_a_new_one() {
    let domains = Domains::new().await;
    let acme = own(domains.customer(), "acme");
    let _ = domains.versions.submit(&naming(&[&acme], &[])).await;
    let old = domains.shown(&acme).await;
    domains.answer(&acme, texts(&[&[old["RecordValue"].as_str().unwrap()]])).await;
    let tenant = TenantId::parse(&domains.customer().tenant).unwrap();
    let (table, key) = (table(world()), part(tenant).domain_proof(&DomainName::parse(&acme).unwrap()));
    let age = async || {
        let kept = read::<DomainProof>(&table, &key).await;
        let late = DomainProof { expires_at: Timestamp::now().plus_millis(-1), ..kept.value.clone() };
        write(&table, tenant, Writes::new().replace(&kept, &late)).await;
    };
    age().await;
    // The record of the old challenge exists, but too late.
    let renewed = domains.verify(&acme).await.expect(200);
    assert_eq!((&renewed.body["Status"], &renewed.body["Outcome"]), (&json!("Unproven"), &json!("expired")));
    assert_ne!(renewed.body["RecordValue"], old["RecordValue"]);
    assert_eq!(domains.verify(&acme).await.expect(200).body["Outcome"], "other_value");
    // The same happens when a version names the domain again.
    age().await;
    let _ = domains.versions.submit(&naming(&[&acme], &[])).await;
    assert_ne!(domains.shown(&acme).await["RecordValue"], renewed.body["RecordValue"]);
    domains.prove(&acme).await;
}

#[tokio::test]
async fn with_every_domain_proven_a_version_is_taken_into_use() {
    let domains = Domains::new().await;
    let (acme, mail) = (own(domains.customer(), "acme"), own(domains.customer(), "mail"));
    let body = naming(&[&acme, "*"], &[&mail]);
    let (path, refused) = domains.activate(&body).await;
    assert_eq!(fields(&refused.expect(400)), ["RestrictedDomains[0]", "SupportedDomains[0]"]);
    domains.prove(&acme).await;
    let approver = &domains.customer().approver;
    let refused = domains.versions.put_as(approver, &path, &to("Active", &body)).await.expect(400);
    assert_eq!(errors(&refused), [format!("SupportedDomains[0] is `{mail}`, which is not proven")]);
    domains.prove(&mail).await;
    let active = domains.versions.put_as(approver, &path, &to("Active", &body)).await.expect(200);
    let cost = domains.customer().cost(&active).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
}

#[tokio::test]
async fn a_version_of_as_many_domains_as_there_may_be_takes_the_place_of_another() {
    let domains = Domains::new().await;
    let body = |half: &str| {
        let names = |label: &str| -> Vec<String> {
            (0..10).map(|number| own(domains.customer(), &format!("{label}-{half}-{number}"))).collect()
        };
        let (restricted, supported) = (names("r"), names("s"));
        let mut body = content();
        body["RestrictedDomains"] = json!(restricted);
        body["SupportedDomains"] = json!(supported);
        (body, restricted.into_iter().chain(supported).collect::<Vec<_>>())
    };
    let mut active = Vec::new();
    for half in ["a", "b"] {
        let (body, names) = body(half);
        let path = domains.versions.submit(&body).await;
        for name in &names {
            domains.prove(name).await;
        }
        let said = domains.versions.put_as(&domains.customer().approver, &path, &to("Active", &body)).await;
        let _ = said.expect(200);
        active.push((path, names));
    }
    assert_eq!(domains.versions.status(&active[0].0).await, "Inactive");
    for ((_, names), serves) in active.iter().zip([false, true]) {
        for name in [&names[0], &names[19]] {
            let route = domains.customer().get(&format!("/v1/sso/route?email=a@{name}")).await.expect(200);
            assert_eq!(route.body["configuration"].is_object(), serves, "{name}");
        }
    }
}

#[tokio::test]
async fn the_versions_of_a_configuration_name_a_hundred_domains_at_most() {
    let domains = Domains::new().await;
    let supporting = |first: usize, count: usize| {
        let names: Vec<String> =
            (first..first + count).map(|number| own(domains.customer(), &format!("d{number}"))).collect();
        naming(&[], &names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    for first in (0..100).step_by(10) {
        let _ = domains.versions.submit(&supporting(first, 10)).await;
    }
    let customer = domains.customer();
    let refused = customer.post(&domains.versions.path, &supporting(99, 2)).await.expect(409);
    assert_eq!(errors(&refused), ["the versions of a configuration name at most 100 domains"]);
    let again = domains.versions.submit(&supporting(90, 10)).await;
    let _ = customer.put(&again, &to("Pending", &supporting(99, 2))).await.expect(409);
    let listed = customer.get(&format!("{}?size=100", domains.path())).await.expect(200);
    assert_eq!(listed.body["numberOfElements"], 100);
    assert_eq!(customer.cost(&listed).await.dynamodb_round_trips, 2);
}
