//! Tests of `…/sso-configuration/{ssoConfigurationId}/versions`.

use serde_json::{Value, json};
use trustplane_end_to_end::{Customer, Reply, world};

use crate::directory::{Directory, errors, fields};
use futures_util::future::join_all;

/// A configuration, to create versions of.
pub struct Versions {
    /// The organisation and server that it belongs to.
    pub directory: Directory,
    /// `…/versions`.
    pub path: String,
}

/// Returns the body of a version.
pub fn content() -> Value {
    json!({
        "ClientID": "trustplane",
        "RestrictedDomains": ["*"],
        "SupportedDomains": [],
        "GroupClaim": "groups",
        "AuthenticationPolicies": ["TWO_FACTOR"],
    })
}

fn with_status(status: &str) -> Value {
    let mut body = content();
    body["Status"] = json!(status);
    body
}

impl Versions {
    /// Creates one for a new customer.
    pub async fn new() -> Self {
        Self::of(world().customer().await).await
    }

    /// Creates one in a new organisation of `customer`.
    pub async fn of(customer: Customer) -> Self {
        let directory = Directory::of(customer).await;
        let path = format!("{}/versions", directory.configuration().await);
        Self { directory, path }
    }

    /// Submits a version as the editor. Returns its path.
    pub async fn submit(&self, body: &Value) -> String {
        let customer = &self.directory.customer;
        let request = customer.request_as(&customer.editor, "POST", &self.path).json(body);
        let made = customer.send(request).await.expect(201);
        format!("{}/{}", self.path, made.body["ID"].as_str().unwrap())
    }

    /// Sends a PUT request with a token.
    pub async fn put_as(&self, token: &str, path: &str, body: &Value) -> Reply {
        let customer = &self.directory.customer;
        customer.send(customer.request_as(token, "PUT", path).json(body)).await
    }

    /// Requests a status as the approver.
    pub async fn decide(&self, path: &str, status: &str) -> Reply {
        self.put_as(&self.directory.customer.approver, path, &with_status(status)).await
    }

    /// Returns the status of a version.
    pub async fn status(&self, path: &str) -> String {
        let shown = self.directory.customer.get(path).await.expect(200);
        shown.body["Status"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn one_is_submitted_shown_edited_and_deleted() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let made = customer.post(&versions.path, &content()).await.expect(201);
    assert_eq!((&made.body["Version"], &made.body["Status"]), (&json!(1), &json!("Pending")));
    assert_eq!((&made.body["GroupClaimPath"], &made.body["AdditionalScopeValues"]), (&json!("$."), &json!("")));
    let path = format!("{}/{}", versions.path, made.body["ID"].as_str().unwrap());
    let shown = customer.get(&path).await.expect(200);
    assert_eq!((&shown.body, shown.header("etag")), (&made.body, Some("\"1\"")));

    let mut edit = with_status("Pending");
    edit["ClientID"] = json!("another");
    let edited = customer.put(&path, &edit).await.expect(200);
    assert_eq!((&edited.body["ClientID"], edited.header("etag")), (&json!("another"), Some("\"2\"")));
    let again = customer.put(&path, &edit).await.expect(200);
    assert_eq!((again.header("etag"), customer.cost(&again).await.dynamodb_calls), (Some("\"2\""), 1));

    let _ = customer.delete(&path).await.expect(204);
    let missing = customer.get(&path).await.expect(404);
    assert_eq!(errors(&missing), ["there is no such version"]);
    // A number is not reused.
    let next = customer.post(&versions.path, &content()).await.expect(201);
    assert_eq!(next.body["Version"], 2);
}

#[tokio::test]
async fn somebody_else_has_to_approve() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let path = versions.submit(&content()).await;
    for token in [&customer.editor, &customer.admin, &customer.viewer] {
        for status in ["Assignable", "Active", "Rejected"] {
            let refused = versions.put_as(token, &path, &with_status(status)).await.expect(403);
            let reason = refused.header("warning").unwrap();
            // The author is denied by the four eyes too.
            let is_author = *token == customer.editor;
            assert_eq!(reason.contains("the role `approver` would"), !is_author, "{reason}");
        }
    }
    let both = world().token(&customer.tenant, &["editor", "approver"]).await;
    let own = customer.send(customer.request_as(&both, "POST", &versions.path).json(&content())).await.expect(201);
    let own = format!("{}/{}", versions.path, own.body["ID"].as_str().unwrap());
    let refused = versions.put_as(&both, &own, &with_status("Assignable")).await.expect(403);
    // The body is empty, so the reason is in a header.
    let reason = refused.header("warning").unwrap();
    assert_eq!(refused.text, "");
    assert!(
        reason.starts_with("299 trustplane \"policies do not allow `approve-sso-configuration-version`"),
        "{reason}"
    );
    assert!(reason.contains(", 299 trustplane \"Somebody else has to approve this version: you submitted"), "{reason}");
    let _ = versions.put_as(&both, &path, &with_status("Assignable")).await.expect(200);
    // The last editor counts as an author too.
    let third = versions.submit(&content()).await;
    let mut edit = with_status("Pending");
    edit["GroupClaim"] = json!("roles");
    let _ = versions.put_as(&both, &third, &edit).await.expect(200);
    edit["Status"] = json!("Assignable");
    let _ = versions.put_as(&both, &third, &edit).await.expect(403);
    let _ = versions.put_as(&customer.approver, &third, &edit).await.expect(200);
    // An approver cannot edit.
    let fourth = versions.submit(&content()).await;
    let _ = versions.put_as(&customer.approver, &fourth, &with_status("Pending")).await.expect(403);
}

#[tokio::test]
async fn minting_or_rotating_a_key_makes_no_second_pair_of_eyes() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let make = async |token: &str, roles: &[&str]| {
        let body = json!({"name": "made", "roles": roles});
        let made = customer.send(customer.request_as(token, "POST", "/v1/api-keys").json(&body)).await.expect(201);
        made.body["token"].as_str().unwrap().to_owned()
    };
    let rotate = async |by: &str, token: &str| {
        let path = format!("/v1/api-keys/{}/rotate", &token[4..42]);
        let body = json!({"overlap_seconds": 600});
        let made = customer.send(customer.request_as(by, "POST", &path).json(&body)).await.expect(201);
        made.body["token"].as_str().unwrap().to_owned()
    };
    let submit = async |token: &str| {
        let made = customer.send(customer.request_as(token, "POST", &versions.path).json(&content())).await.expect(201);
        format!("{}/{}", versions.path, made.body["ID"].as_str().unwrap())
    };
    // A key of the submitter, a key of that key, and the submitter's own key after a rotation.
    let submitter = make(&customer.admin, &["admin", "approver"]).await;
    let path = submit(&submitter).await;
    let child = make(&submitter, &["admin", "approver"]).await;
    let grandchild = make(&child, &["editor", "approver"]).await;
    let rotated = rotate(&customer.admin, &submitter).await;
    // Another user's key, after the submitter has rotated it and so seen its secret.
    let taken = rotate(&submitter, &world().token(&customer.tenant, &["approver"]).await).await;
    for own in [&submitter, &child, &grandchild, &rotated, &taken] {
        let _ = versions.put_as(own, &path, &with_status("Assignable")).await.expect(403);
    }
    // The submitter's creator cannot approve either, even with a new key.
    let path = submit(&grandchild).await;
    let of_the_maker = rotate(&child, &child).await;
    for own in [&of_the_maker, &submitter] {
        let _ = versions.put_as(own, &path, &with_status("Assignable")).await.expect(403);
    }
    // A key that the same admin created for another user can approve.
    let other = make(&customer.admin, &["approver"]).await;
    let _ = versions.put_as(&other, &path, &with_status("Assignable")).await.expect(200);
}

#[tokio::test]
async fn at_most_one_is_active_and_an_older_one_comes_back() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let (first, second) = (versions.submit(&content()).await, versions.submit(&content()).await);
    let active = versions.decide(&first, "Active").await.expect(200);
    assert_eq!(active.body["Status"], "Active");
    let cost = customer.cost(&active).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
    let _ = versions.decide(&second, "Assignable").await.expect(200);
    let switched = versions.decide(&second, "Active").await.expect(200);
    let cost = customer.cost(&switched).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (3, 3));
    assert_eq!([versions.status(&first).await, versions.status(&second).await], ["Inactive", "Active"]);
    // Reactivates the first version.
    let _ = versions.decide(&first, "Active").await.expect(200);
    assert_eq!([versions.status(&first).await, versions.status(&second).await], ["Active", "Inactive"]);
    // Requesting the same status again succeeds, for an approver.
    let _ = versions.decide(&first, "Active").await.expect(200);
    let _ = versions.decide(&first, "Inactive").await.expect(200);
    let listed = customer.get(&format!("{}?status=Active", versions.path)).await.expect(200);
    assert_eq!(listed.body["totalSize"], 0);
}

#[tokio::test]
async fn of_two_activated_at_the_same_time_one_is_active_in_the_end() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let paths = [versions.submit(&content()).await, versions.submit(&content()).await];
    let replies = join_all(paths.iter().map(|path| versions.decide(path, "Active"))).await;
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 409)), "{replies:?}");
    let listed = customer.get(&format!("{}?status=Active", versions.path)).await.expect(200);
    assert_eq!(listed.body["totalSize"], 1, "{}", listed.text);
}

#[tokio::test]
async fn what_was_approved_does_not_change_and_is_not_deleted() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let path = versions.submit(&content()).await;
    let mut changed = with_status("Assignable");
    changed["ClientID"] = json!("another");
    // The request that approves cannot change the content either.
    let refused = versions.put_as(&customer.approver, &path, &changed).await.expect(400);
    assert_eq!(fields(&refused), ["ClientID"]);
    let _ = versions.decide(&path, "Assignable").await.expect(200);
    let refused = versions.put_as(&customer.approver, &path, &changed).await.expect(400);
    assert_eq!(fields(&refused), ["ClientID"]);
    let _ = customer.delete(&path).await.expect(400);
    let configuration = versions.path.strip_suffix("/versions").unwrap();
    assert_eq!(fields(&customer.delete(configuration).await.expect(400)), ["ssoConfigurationId"]);
    assert_eq!(fields(&versions.decide(&path, "Rejected").await.expect(400)), ["Status"]);
    let rejected = versions.submit(&content()).await;
    let _ = versions.decide(&rejected, "Rejected").await.expect(200);
    assert_eq!(fields(&versions.decide(&rejected, "Active").await.expect(400)), ["Status"]);
}

#[tokio::test]
async fn a_domain_that_is_not_proven_is_not_taken_into_use() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let mut body = content();
    body["RestrictedDomains"] = json!(["acme.example"]);
    body["SupportedDomains"] = json!(["mail.acme.example"]);
    let path = versions.submit(&body).await;
    body["Status"] = json!("Assignable");
    let _ = versions.put_as(&customer.approver, &path, &body).await.expect(200);
    body["Status"] = json!("Active");
    let refused = versions.put_as(&customer.approver, &path, &body).await.expect(400);
    assert_eq!(fields(&refused), ["RestrictedDomains[0]", "SupportedDomains[0]"]);
    assert_eq!(versions.status(&path).await, "Assignable");
}

#[tokio::test]
async fn below_a_withdrawn_organisation_nothing_is_submitted_or_approved() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let path = versions.submit(&content()).await;
    let withdrawn = json!({"OrganisationName": "Acme", "Status": "Withdrawn"});
    let _ = customer.put(&versions.directory.organisation, &withdrawn).await.expect(200);
    let refused = customer.post(&versions.path, &content()).await.expect(409);
    assert_eq!(errors(&refused), ["the organisation is withdrawn"]);
    assert_eq!(errors(&versions.decide(&path, "Active").await.expect(409)), ["the organisation is withdrawn"]);
    let shown = customer.get(&path).await.expect(200);
    assert_eq!(shown.header("warning"), Some("299 trustplane \"the organisation is withdrawn\""));
}

#[tokio::test]
async fn a_configuration_takes_its_unapproved_versions_with_it() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let path = versions.submit(&content()).await;
    let rejected = versions.submit(&content()).await;
    let _ = versions.decide(&rejected, "Rejected").await.expect(200);
    let configuration = versions.path.strip_suffix("/versions").unwrap();
    let _ = customer.delete(configuration).await.expect(204);
    assert_eq!(errors(&customer.get(&path).await.expect(404)), ["there is no such SSO configuration"]);
}

#[tokio::test]
async fn lists_costs_and_faults() {
    let versions = Versions::new().await;
    let customer = &versions.directory.customer;
    let made = customer.post(&versions.path, &content()).await.expect(201);
    let second = versions.submit(&content()).await;
    let _ = versions.decide(&second, "Rejected").await.expect(200);
    let listed = customer.get(&versions.path).await.expect(200);
    let numbers: Vec<&Value> =
        listed.body["content"].as_array().unwrap().iter().map(|version| &version["Version"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)]);
    let filtered = customer.get(&format!("{}?status=Pending,Active", versions.path)).await.expect(200);
    assert_eq!((&filtered.body["totalSize"], &filtered.body["content"][0]), (&json!(1), &made.body));
    let refused = customer.get(&format!("{}?status=Gone&sort=x", versions.path)).await.expect(400);
    assert_eq!(fields(&refused), ["sort", "status"]);
    for (reply, calls, round_trips) in [(&made, 2, 2), (&listed, 2, 1), (&customer.get(&second).await, 1, 1)] {
        let cost = customer.cost(reply).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (calls, round_trips));
    }
    let wrong = json!({"ClientID": "", "RestrictedDomains": ["gmail.com"], "SupportedDomains": ["*"], "Status": "x"});
    let refused = customer.put(&format!("{}/x", versions.path), &wrong).await.expect(400);
    let expected = [
        "AuthenticationPolicies",
        "ClientID",
        "GroupClaim",
        "RestrictedDomains[0]",
        "Status",
        "SupportedDomains[0]",
        "versionId",
    ];
    assert_eq!(fields(&refused), expected);
    let stale = customer.request("DELETE", &second).header("if-match", "\"1\"");
    let _ = customer.send(stale).await.expect(412);
    let unknown = format!("{}/3fa85f64-5717-4562-b3fc-2c963f66afa6", versions.path);
    let _ = customer.get(&unknown).await.expect(404);
    let _ = versions.decide(&unknown, "Active").await.expect(404);
}
