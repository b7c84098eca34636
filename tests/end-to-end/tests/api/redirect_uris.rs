//! Tests of redirect URIs: each belongs to one configuration of one tenant.

use futures_util::future::join_all;
use serde_json::{Value, json};
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Reply, World, world};
use trustplane_local::Options;
use trustplane_store::Writes;

use crate::directory::{Directory, configuration, errors};
use crate::table::{audit_records, own_world, part, read, table, write};

const BASE: &str = "https://auth.example.com/sso/callback";
const TAKEN: &str = "RedirectUriSuffix is taken: choose another one";

fn with_suffix(suffix: &str) -> Value {
    let mut body = configuration();
    body["RedirectUriSuffix"] = json!(suffix);
    body
}

async fn create(directory: &Directory, suffix: &str) -> Reply {
    directory.customer.post(&directory.configurations(), &with_suffix(suffix)).await
}

fn id(reply: &Reply) -> &str {
    reply.body["ID"].as_str().unwrap()
}

fn path(directory: &Directory, made: &Reply) -> String {
    format!("{}/{}", directory.configurations(), id(made))
}

fn place(directory: &Directory, made: &Reply) -> (TenantId, ConfigurationPath) {
    let path = ConfigurationPath {
        organisation_id: OrganisationId::parse("acme").unwrap(),
        server_id: AuthorisationServerId::parse(&directory.server_id).unwrap(),
        configuration_id: SsoConfigurationId::parse(id(made)).unwrap(),
    };
    (TenantId::parse(&directory.customer.tenant).unwrap(), path)
}

/// Makes the configuration one of an earlier release, with this redirect URI and without a claim.
async fn as_before_claims(world: &World, directory: &Directory, made: &Reply, redirect_uri: &str) {
    let (table, (tenant, path)) = (table(world), place(directory, made));
    let keys = part(tenant);
    let stored = read(&table, &keys.sso_configuration(&path)).await;
    let claim = keys.redirect_claim(&stored.value.redirect_uri);
    let before = SsoConfiguration {
        redirect_uri: redirect_uri.to_owned(),
        redirect_uri_is_claimed: false,
        ..stored.value.clone()
    };
    write(&table, tenant, Writes::new().replace(&stored, &before).delete(&claim)).await;
}

/// Returns the tenant and the configuration that hold a redirect URI.
async fn holder(world: &World, redirect_uri: &str) -> Option<(String, Option<String>)> {
    let any = TenantId::parse("2489e9ad-2ee2-4e00-8ec9-32d5f69181c0").unwrap();
    let slot = table(world).load(part(any).redirect_claim(redirect_uri).optional()).await.unwrap();
    slot.value().map(|claim| (claim.tenant_id.to_string(), claim.configuration_id.map(|id| id.to_string())))
}

#[tokio::test]
async fn a_suffix_that_is_taken_is_refused_and_nobody_learns_by_whom() {
    let (one, other) = (Directory::new().await, Directory::new().await);
    let made = create(&one, "unique/login").await.expect(201);
    assert_eq!(made.body["RedirectUri"], format!("{BASE}/unique/login"));
    let free = create(&other, "unique/other").await.expect(201);
    let own = create(&one, "unique/own").await.expect(201);
    let refusals = [
        create(&other, "unique/login").await,
        create(&other, "/unique/login").await,
        other.customer.put(&path(&other, &free), &with_suffix("unique/login")).await,
        // The same words for the tenant that has it.
        create(&one, "unique/login").await,
        one.customer.put(&path(&one, &own), &with_suffix("unique/login")).await,
    ];
    for refused in refusals {
        let refused = refused.expect(400);
        assert_eq!(errors(&refused), [TAKEN]);
        let cost = other.customer.cost(&refused).await;
        assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (1, 1));
    }
    // A redirect URI without a suffix ends in the id.
    for suffix in [id(&made).to_owned(), id(&made).to_uppercase(), format!("/{}", id(&made))] {
        let refused = create(&other, &suffix).await.expect(400);
        assert!(errors(&refused)[0].contains("must not have the form of a UUID"), "{}", refused.text);
    }
    assert_eq!(other.customer.get(&other.configurations()).await.body["totalSize"], 1);
    assert_eq!(other.customer.get(&path(&other, &free)).await.header("etag"), Some("\"1\""));
}

#[tokio::test]
async fn a_claim_outlives_its_configuration_for_the_same_tenant() {
    let (one, other) = (Directory::new().await, Directory::new().await);
    let made = create(&one, "kept/first").await.expect(201);
    let moved = one.customer.put(&path(&one, &made), &with_suffix("kept/second")).await.expect(200);
    assert_eq!(moved.body["RedirectUri"], format!("{BASE}/kept/second"));
    let cost = one.customer.cost(&moved).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
    // Given up by its configuration, it is still the tenant's.
    let tenant = one.customer.tenant.clone();
    assert_eq!(holder(world(), &format!("{BASE}/kept/first")).await, Some((tenant.clone(), None)));
    assert_eq!(errors(&create(&other, "kept/first").await.expect(400)), [TAKEN]);
    let again = create(&one, "kept/first").await.expect(201);
    assert_eq!(holder(world(), &format!("{BASE}/kept/first")).await, Some((tenant, Some(id(&again).to_owned()))));
    // The first one cannot have it back now. After a deletion, it can.
    let back = with_suffix("kept/first");
    assert_eq!(errors(&one.customer.put(&path(&one, &made), &back).await.expect(400)), [TAKEN]);
    let _ = one.customer.delete(&path(&one, &again)).await.expect(204);
    assert_eq!(errors(&create(&other, "kept/first").await.expect(400)), [TAKEN]);
    let _ = one.customer.put(&path(&one, &made), &back).await.expect(200);
    // The suffix that it has already, and none, change nothing.
    for body in [back, configuration()] {
        let same = one.customer.put(&path(&one, &made), &body).await.expect(200);
        assert_eq!(same.body["RedirectUri"], format!("{BASE}/kept/first"));
    }
}

#[tokio::test]
async fn of_tenants_that_race_for_a_suffix_one_wins() {
    let directories = join_all((0..4).map(|_| Directory::new())).await;
    for round in 0..3 {
        // Half of them create a configuration with it, half of them move one to it.
        let suffix = format!("race/{round}");
        let moving = join_all(directories.iter().take(2).map(Directory::configuration)).await;
        let moves = moving.iter().zip(&directories).map(|(path, directory)| {
            let request = directory.customer.request("PUT", path).json(&with_suffix(&suffix));
            directory.customer.send(request)
        });
        let creations = directories.iter().skip(2).map(|directory| {
            let request = directory.customer.request("POST", &directory.configurations()).json(&with_suffix(&suffix));
            directory.customer.send(request)
        });
        let (moved, created) = tokio::join!(join_all(moves), join_all(creations));
        let replies: Vec<Reply> = moved.into_iter().chain(created).collect();
        let won: Vec<&Reply> = replies.iter().filter(|reply| matches!(reply.status, 200 | 201)).collect();
        assert_eq!(won.len(), 1, "{replies:?}");
        for lost in replies.iter().filter(|reply| !matches!(reply.status, 200 | 201)) {
            assert_eq!((lost.status, errors(lost)), (400, vec![TAKEN.to_owned()]));
        }
        let held = holder(world(), &format!("{BASE}/{suffix}")).await.unwrap();
        assert_eq!(held.1.as_deref(), Some(id(won[0])));
    }
}

#[tokio::test]
async fn a_configuration_of_an_earlier_release_claims_its_uri_with_its_next_write() {
    let (one, other) = (Directory::new().await, Directory::new().await);
    let uri = format!("{BASE}/early/shared");
    let (first, second) = (create(&one, "early/a").await.expect(201), create(&other, "early/b").await.expect(201));
    as_before_claims(world(), &one, &first, &uri).await;
    as_before_claims(world(), &other, &second, &uri).await;
    // A submitted version is a write of the configuration too.
    let version = json!({
        "ClientID": "c", "RestrictedDomains": ["*"], "SupportedDomains": [], "GroupClaim": "groups",
        "AuthenticationPolicies": [],
    });
    let submitted = one.customer.post(&format!("{}/versions", path(&one, &first)), &version).await.expect(201);
    let cost = one.customer.cost(&submitted).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips), (2, 2));
    let held = Some((one.customer.tenant.clone(), Some(id(&first).to_owned())));
    assert_eq!(holder(world(), &uri).await, held);
    // The other one keeps working, and is told.
    let mut renamed = configuration();
    renamed["DisplayName"] = json!("Renamed");
    let put = other.customer.put(&path(&other, &second), &renamed).await.expect(200);
    assert_eq!((&put.body["DisplayName"], &put.body["RedirectUri"]), (&json!("Renamed"), &json!(uri)));
    let warning = put.header("warning").unwrap_or_else(|| panic!("{put:?}"));
    assert!(warning.contains("another SSO configuration has the same RedirectUri"), "{warning}");
    assert!(!warning.contains(id(&first)) && !warning.contains(&one.customer.tenant));
    // It moves away, and leaves the claim to its holder.
    let moved = other.customer.put(&path(&other, &second), &with_suffix("early/c")).await.expect(200);
    assert_eq!(moved.header("warning"), None);
    assert_eq!(holder(world(), &uri).await, held);
    let own = Some((other.customer.tenant.clone(), Some(id(&second).to_owned())));
    assert_eq!(holder(world(), &format!("{BASE}/early/c")).await, own);
}

#[tokio::test]
async fn an_id_as_the_suffix_of_another_configuration_is_never_claimed() {
    let (one, other) = (Directory::new().await, Directory::new().await);
    let made = one.customer.post(&one.configurations(), &configuration()).await.expect(201);
    let uri = made.body["RedirectUri"].as_str().unwrap();
    let squatter = create(&other, "squatter").await.expect(201);
    as_before_claims(world(), &one, &made, uri).await;
    as_before_claims(world(), &other, &squatter, uri).await;
    let mut renamed = configuration();
    renamed["DisplayName"] = json!("Renamed");
    let put = other.customer.put(&path(&other, &squatter), &renamed).await.expect(200);
    assert!(put.header("warning").is_some());
    assert_eq!(holder(world(), uri).await, None);
    let _ = one.customer.put(&path(&one, &made), &renamed).await.expect(200);
    assert_eq!(holder(world(), uri).await, Some((one.customer.tenant.clone(), Some(id(&made).to_owned()))));
    let _ = other.customer.delete(&path(&other, &squatter)).await.expect(204);
    assert_eq!(holder(world(), uri).await, Some((one.customer.tenant.clone(), Some(id(&made).to_owned()))));
}

#[tokio::test]
async fn an_operator_claims_the_rest_and_sees_duplicates() {
    let world = own_world(Options::default());
    let (one, other) = (Directory::of(world.customer().await).await, Directory::of(world.customer().await).await);
    let uri = |suffix: &str| format!("{BASE}/{suffix}");
    let (alone, first, second) = (
        create(&one, "alone").await.expect(201),
        create(&one, "first").await.expect(201),
        create(&other, "second").await.expect(201),
    );
    let plain = one.customer.post(&one.configurations(), &configuration()).await.expect(201);
    let squatter = create(&other, "squatter").await.expect(201);
    let plain_uri = plain.body["RedirectUri"].as_str().unwrap();
    as_before_claims(world, &one, &alone, &uri("alone")).await;
    as_before_claims(world, &one, &first, &uri("shared")).await;
    as_before_claims(world, &other, &second, &uri("shared")).await;
    as_before_claims(world, &other, &squatter, plain_uri).await;

    // A page holds one tenant, the older one first.
    let done = world.invoke("claim-redirect-uris", &json!({"limit": 1})).await.unwrap();
    assert_eq!((&done["claimed"], &done["data"], &done["has_more"]), (&json!(2), &json!([]), &json!(true)));
    let done = world.invoke("claim-redirect-uris", &json!({"limit": 1, "cursor": done["next_cursor"]})).await.unwrap();
    assert_eq!((&done["claimed"], &done["has_more"]), (&json!(0), &json!(false)));
    let duplicate = |of: &Reply, uri: &str, holder: &Reply| {
        json!({
            "tenant_id": other.customer.tenant, "organisation_id": "acme", "server_id": other.server_id,
            "configuration_id": id(of), "redirect_uri": uri,
            "held_by": {"tenant_id": one.customer.tenant, "configuration_id": id(holder)},
        })
    };
    let expected = json!([duplicate(&second, &uri("shared"), &first), duplicate(&squatter, plain_uri, &plain)]);
    assert_eq!(done["data"], expected);
    // A repetition claims nothing, and the ETag of a configuration stays.
    let again = world.invoke("claim-redirect-uris", &json!({})).await.unwrap();
    assert_eq!((&again["claimed"], &again["data"]), (&json!(0), &expected));
    let shown = one.customer.get(&path(&one, &alone)).await.expect(200);
    assert_eq!(shown.header("etag"), Some("\"2\""));
    let tenant = TenantId::parse(&one.customer.tenant).unwrap();
    let records = audit_records(&table(world), tenant, "claim-redirect-uris").await;
    assert_eq!(records.len(), 2, "{records:?}");
    // Once the duplicate moves, the operator sees one less.
    let _ = other.customer.put(&path(&other, &second), &with_suffix("moved")).await.expect(200);
    let again = world.invoke("claim-redirect-uris", &json!({})).await.unwrap();
    assert_eq!(again["data"], json!([duplicate(&squatter, plain_uri, &plain)]));
    for wrong in [json!({"limit": 101}), json!({"cursor": "x"}), json!({"tenant": "x"})] {
        let error = world.invoke("claim-redirect-uris", &wrong).await.unwrap_err();
        assert_eq!(error["errorType"], "invalid_request", "{wrong}");
    }
}
