//! Tests of a transaction's effects.

use serde::{Deserialize, Serialize};
use trustplane_domain::Timestamp;
use trustplane_domain::connection::Connection;
use trustplane_domain::ids::TenantId;
use trustplane_policy::{Kind, Resource};
use trustplane_store::{CommitError, Idempotency, Item, Query, StoreError, Told, Writes, keys};

use crate::engine::{commit, connection, grant, grant_at, made, read, table};

/// A claim that is unique across tenants.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    tenant_id: TenantId,
}

impl Item for Claim {
    const ENTITY: &'static str = "claim";
}

#[tokio::test]
async fn what_is_written_is_read_back_with_its_version() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    assert_eq!((stored.version, &stored.value), (1, &connection(1)));
    commit(&table, &grant, Writes::new().replace(&stored, &connection(2)).unwrap()).await.unwrap();
    let again = read(&table, &stored.key).await.unwrap();
    assert_eq!((again.version, &again.value), (2, &connection(2)));
    commit(&table, &grant, Writes::new().remove(&again)).await.unwrap();
    assert_eq!(read(&table, &stored.key).await, None);
}

#[tokio::test]
async fn a_key_named_twice_is_read_once() {
    let table = table().await;
    let (_, stored) = made(&table).await;
    let keys = [stored.key.clone(), stored.key.clone()];
    let mut found = table.read(&keys, None).await.unwrap();
    assert!(found.take::<Connection>(&stored.key).unwrap().is_some());
}

#[tokio::test]
async fn an_item_of_another_kind_is_an_error_and_not_an_absence() {
    let table = table().await;
    let (_, stored) = made(&table).await;
    let mut found = table.read(std::slice::from_ref(&stored.key), None).await.unwrap();
    assert!(matches!(found.take::<Claim>(&stored.key), Err(StoreError::Broken(_))));
}

#[tokio::test]
async fn a_refused_change_leaves_nothing_behind_not_even_its_record() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    let part = keys::Tenant::granted(&grant);
    let writes = Writes::new()
        .create(&part.organisation("a"), &connection(3))
        .unwrap()
        .create(&stored.key, &connection(3))
        .unwrap();
    assert!(matches!(commit(&table, &grant, writes).await, Err(CommitError::Lost)));
    assert_eq!(read(&table, &part.organisation("a")).await, None);
    assert_eq!(records(&table, part).await, 1);
}

#[tokio::test]
async fn nothing_is_written_outside_the_grants_tenant() {
    let table = table().await;
    let (grant, other) = (grant(), grant());
    let foreign = keys::Tenant::granted(&other).connection();
    let own = keys::Tenant::granted(&grant).connection();
    let writes = Writes::new().create(&own, &connection(1)).unwrap().create(&foreign, &connection(1)).unwrap();
    assert!(matches!(commit(&table, &grant, writes).await, Err(CommitError::Store(StoreError::Broken(_)))));
    assert_eq!((read(&table, &own).await, read(&table, &foreign).await), (None, None));
}

#[tokio::test]
async fn a_claim_is_held_by_one_tenant() {
    let table = table().await;
    let (one, other) = (grant(), grant());
    let domain = format!("{}.example", one.tenant());
    let claim = |grant: &trustplane_policy::Grant| {
        let key = keys::Tenant::granted(grant).domain_claim(&domain);
        Writes::new().claim(&key, &Claim { tenant_id: grant.tenant() }).unwrap()
    };
    commit(&table, &one, claim(&one)).await.unwrap();
    commit(&table, &one, claim(&one)).await.unwrap();
    assert!(matches!(commit(&table, &other, claim(&other)).await, Err(CommitError::Claimed)));
    let release =
        |grant: &trustplane_policy::Grant| Writes::new().release(&keys::Tenant::granted(grant).domain_claim(&domain));
    assert!(commit(&table, &other, release(&other)).await.is_err());
    commit(&table, &one, release(&one)).await.unwrap();
    commit(&table, &one, release(&one)).await.unwrap();
    commit(&table, &other, claim(&other)).await.unwrap();
}

#[tokio::test]
async fn a_kept_reply_is_kept_once_until_its_time_is_over() {
    let table = table().await;
    let first = grant_at(1_000_000);
    let part = keys::Tenant::granted(&first);
    let credential = trustplane_domain::ids::CredentialId::new(first.tenant(), [1; 8]);
    let key = part.idempotency(credential, "retry me");
    let resource = Resource::new(Kind::ApiKey, "x");
    let told = Told { resource: &resource, before: None, after: None };
    let reply = |status, kept_until| Idempotency {
        fingerprint: "f".to_owned(),
        status,
        headers: Vec::new(),
        body: String::new(),
        kept_until,
    };
    let write = |id: &str| Writes::new().create(&part.organisation(id), &connection(1)).unwrap();
    let kept = reply(201, first.at().plus_millis(1_000));
    table.commit(&first, &told, write("a"), Some((&key, &kept))).await.unwrap();
    let lost = table.commit(&first, &told, write("b"), Some((&key, &kept))).await;
    assert!(matches!(lost, Err(CommitError::InProgress)));
    assert_eq!(read(&table, &part.organisation("b")).await, None);

    let later =
        trustplane_policy::Grant::operator(first.tenant(), "test", "request", Timestamp::from_millis(1_001_000));
    let next = reply(200, later.at().plus_millis(1_000));
    table.commit(&later, &told, write("b"), Some((&key, &next))).await.unwrap();
    let mut found = table.read(std::slice::from_ref(&key), None).await.unwrap();
    assert_eq!(found.take::<Idempotency>(&key).unwrap().map(|stored| stored.value), Some(next));
}

#[tokio::test]
async fn a_listing_is_read_to_its_end_or_page_by_page() {
    let table = table().await;
    let grant = grant();
    let part = keys::Tenant::granted(&grant);
    for id in ["a", "b", "c", "d", "e"] {
        commit(&table, &grant, Writes::new().create(&part.organisation(id), &connection(1)).unwrap()).await.unwrap();
    }
    let query = Query::prefix(part, keys::ORGANISATIONS);
    let whole = table.read(&[], Some(&query)).await.unwrap().listing::<Connection>(part).unwrap();
    assert_eq!((whole.rows.len(), whole.next), (5, None));

    let (mut seen, mut after) = (Vec::new(), None);
    for number in 1.. {
        assert!(number <= 4, "the listing has no end");
        let page = query.clone().newest_first().page(2, after);
        let page = table.read(&[], Some(&page)).await.unwrap().listing::<Connection>(part).unwrap();
        seen.extend(page.rows.iter().map(|row| row.key.sk().to_owned()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["ORG#e", "ORG#d", "ORG#c", "ORG#b", "ORG#a"]);
}

async fn records(table: &trustplane_store::Table, part: keys::Tenant) -> usize {
    let query = Query::audit_log(part);
    // An audit record is not a connection. Counting only needs the number of rows.
    match table.read(&[], Some(&query)).await.unwrap().listing::<Connection>(part) {
        Ok(listing) => listing.rows.len(),
        Err(_) => 1,
    }
}
