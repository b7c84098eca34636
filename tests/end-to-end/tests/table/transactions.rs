//! Tests of a transaction's effects.

use aws_sdk_dynamodb::types::AttributeValue;
use trustplane_domain::Timestamp;
use trustplane_domain::connection::Connection;
use trustplane_domain::directory::domain_name::DomainName;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::directory::organisation::Organisation;
use trustplane_policy::{Kind, Resource};
use trustplane_store::{
    AuditedChange, CommitError, DomainClaim, Idempotency, Key, LoadError, Reads, RedirectClaim, StoreError, TenantKeys,
    Wanted, Writes,
};

use crate::engine::{client, commit, connection, grant, grant_at, made, organisation, read, table};

#[tokio::test]
async fn what_is_written_is_read_back_with_its_version() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    assert_eq!((stored.version, &stored.value), (1, &connection(1)));
    commit(&table, &grant, Writes::new().replace(&stored, &connection(2))).await.unwrap();
    let again = read(&table, &stored.key).await.unwrap();
    assert_eq!((again.version, &again.value), (2, &connection(2)));
    commit(&table, &grant, Writes::new().remove(&again)).await.unwrap();
    assert_eq!(read(&table, &stored.key).await, None);
}

#[tokio::test]
async fn a_key_named_twice_is_read_once() {
    let table = table().await;
    let (_, stored) = made(&table).await;
    let (one, other) = table.load((stored.key.clone(), stored.key.clone())).await.unwrap();
    assert_eq!((&one, &other), (&stored, &stored));
}

#[tokio::test]
async fn a_key_that_was_not_declared_is_an_error_that_names_it_and_not_an_absence() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    let keys = TenantKeys::granted(&grant);
    let mut read = table.read(Wanted::of(&keys.policies().optional())).await.unwrap();
    let error = read.take(&stored.key).unwrap_err();
    assert!(error.to_string().contains(stored.key.sk()), "{error}");
    assert!(read.take(&keys.policies()).unwrap().is_none());
    assert!(read.take(&keys.policies()).is_err(), "taken twice");
    assert!(read.list(&keys.organisations()).is_err());
}

#[tokio::test]
async fn an_item_of_another_kind_is_an_error_and_not_an_absence() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    let keys = TenantKeys::granted(&grant);
    let value = organisation("a");
    let written: Key<_> = keys.organisation(&value.id);
    commit(&table, &grant, Writes::new().create(&written, &value)).await.unwrap();
    rename(&stored.key, &written).await;
    assert!(matches!(table.load(written).await, Err(LoadError::Store(StoreError::Broken(_)))));
}

/// Writes the item of one key under another, as a hand would.
async fn rename(from: &Key<Connection>, to: &Key<Organisation>) {
    let key = |pk: &str, sk: &str| {
        std::collections::HashMap::from([
            ("pk".to_owned(), AttributeValue::S(pk.to_owned())),
            ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
        ])
    };
    let (client, table) = client().await;
    let found = client.get_item().table_name(&table).set_key(Some(key(from.pk(), from.sk())));
    let mut item = found.send().await.unwrap().item.unwrap();
    item.extend(key(to.pk(), to.sk()));
    client.put_item().table_name(&table).set_item(Some(item)).send().await.unwrap();
}

#[tokio::test]
async fn a_refused_change_leaves_nothing_behind_not_even_its_record() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    let keys = TenantKeys::granted(&grant);
    let value = organisation("a");
    let key = keys.organisation(&value.id);
    let writes = Writes::new().create(&key, &value).create(&stored.key, &connection(3));
    assert!(matches!(commit(&table, &grant, writes).await, Err(CommitError::Lost)));
    assert_eq!(read(&table, &key).await, None);
    assert_eq!(table.load(keys.audit_records()).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn nothing_is_written_outside_the_grants_tenant() {
    let table = table().await;
    let (grant, other) = (grant(), grant());
    let foreign = TenantKeys::granted(&other).connection();
    let own = TenantKeys::granted(&grant).connection();
    let writes = Writes::new().create(&own, &connection(1)).create(&foreign, &connection(1));
    assert!(matches!(commit(&table, &grant, writes).await, Err(CommitError::Store(StoreError::Broken(_)))));
    assert_eq!((read(&table, &own).await, read(&table, &foreign).await), (None, None));
}

#[tokio::test]
async fn a_claim_is_held_by_one_tenant() {
    let table = table().await;
    let (one, other) = (grant(), grant());
    let domain = DomainName::parse(&format!("{}.example", one.tenant())).unwrap();
    let configuration_id = SsoConfigurationId::new(Timestamp::from_millis(0), [0; 10]);
    let claim = |grant: &trustplane_policy::Grant| {
        let key = TenantKeys::granted(grant).domain_claim(&domain);
        Writes::new().claim(&key, &DomainClaim { tenant_id: grant.tenant(), configuration_id })
    };
    commit(&table, &one, claim(&one)).await.unwrap();
    commit(&table, &one, claim(&one)).await.unwrap();
    assert!(matches!(commit(&table, &other, claim(&other)).await, Err(CommitError::Claimed)));
    let release =
        |grant: &trustplane_policy::Grant| Writes::new().release(&TenantKeys::granted(grant).domain_claim(&domain));
    assert!(commit(&table, &other, release(&other)).await.is_err());
    commit(&table, &one, release(&one)).await.unwrap();
    commit(&table, &one, release(&one)).await.unwrap();
    commit(&table, &other, claim(&other)).await.unwrap();
}

#[tokio::test]
async fn a_redirect_uri_is_held_by_one_configuration_of_one_tenant() {
    let table = table().await;
    let (one, other) = (grant(), grant());
    let uri = format!("https://sso.example/{}", one.tenant());
    let id = |number: u8| SsoConfigurationId::new(Timestamp::from_millis(0), [number; 10]);
    let hold = async |grant: &trustplane_policy::Grant, of: SsoConfigurationId, holder: Option<SsoConfigurationId>| {
        let key = TenantKeys::granted(grant).redirect_claim(&uri);
        let claim = RedirectClaim { tenant_id: grant.tenant(), configuration_id: holder };
        commit(&table, grant, Writes::new().hold(&key, &claim, of)).await
    };
    let (first, second) = (id(1), id(2));
    hold(&one, first, Some(first)).await.unwrap();
    hold(&one, first, Some(first)).await.unwrap();
    for (grant, of) in [(&one, second), (&other, first), (&other, second)] {
        assert!(matches!(hold(grant, of, Some(of)).await, Err(CommitError::Claimed)));
        assert!(matches!(hold(grant, of, None).await, Err(CommitError::Claimed)));
    }
    // Given up, it stays the tenant's.
    hold(&one, first, None).await.unwrap();
    assert!(matches!(hold(&other, second, Some(second)).await, Err(CommitError::Claimed)));
    hold(&one, second, Some(second)).await.unwrap();
    assert!(matches!(hold(&one, first, Some(first)).await, Err(CommitError::Claimed)));
}

#[tokio::test]
async fn a_kept_reply_is_kept_once_until_its_time_is_over() {
    let table = table().await;
    let first = grant_at(1_000_000);
    let part = TenantKeys::granted(&first);
    let credential = trustplane_domain::ids::CredentialId::new(first.tenant(), [1; 8]);
    let key = part.idempotency(credential, "retry me");
    let resource = Resource::new(Kind::ApiKey, "x");
    let change = AuditedChange { resource: &resource, before: None, after: None };
    let reply = |status, kept_until| Idempotency {
        fingerprint: "f".to_owned(),
        status,
        headers: Vec::new(),
        body: String::new(),
        kept_until,
    };
    let key_of = |id: &str| part.organisation(&organisation(id).id);
    let write = |id: &str| Writes::new().create(&key_of(id), &organisation(id));
    let kept = reply(201, first.at().plus_millis(1_000));
    table.commit(&first, &change, write("a"), Some((&key, &kept))).await.unwrap();
    let lost = table.commit(&first, &change, write("b"), Some((&key, &kept))).await;
    assert!(matches!(lost, Err(CommitError::InProgress)));
    assert_eq!(read(&table, &key_of("b")).await, None);

    let later =
        trustplane_policy::Grant::operator(first.tenant(), "test", "request", Timestamp::from_millis(1_001_000));
    let next = reply(200, later.at().plus_millis(1_000));
    table.commit(&later, &change, write("b"), Some((&key, &next))).await.unwrap();
    assert_eq!(read(&table, &key).await.map(|stored| stored.value), Some(next));
}

#[tokio::test]
async fn a_listing_is_read_to_its_end_or_page_by_page() {
    let table = table().await;
    let grant = grant();
    let part = TenantKeys::granted(&grant);
    for id in ["a", "b", "c", "d", "e"] {
        let value = organisation(id);
        commit(&table, &grant, Writes::new().create(&part.organisation(&value.id), &value)).await.unwrap();
    }
    let whole = table.load(part.organisations()).await.unwrap();
    assert_eq!((whole.rows.len(), whole.next), (5, None));

    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..4 {
        let page = table.load(part.organisations().newest_first().page(2, after)).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.key.sk().to_owned()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["ORG#e", "ORG#d", "ORG#c", "ORG#b", "ORG#a"]);
}

#[tokio::test]
async fn two_listings_are_read_side_by_side() {
    let table = table().await;
    let grant = grant();
    let keys = TenantKeys::granted(&grant);
    let value = organisation("a");
    commit(&table, &grant, Writes::new().create(&keys.organisation(&value.id), &value)).await.unwrap();
    let reads = (keys.organisations(), keys.credentials()).map(|(one, other)| (one.rows.len(), other.rows.len()));
    assert_eq!(table.load(reads).await.unwrap(), (1, 0));
}
