//! Lists of the directory by page: their cost, their total, and levels that are not counted yet.

use futures_util::future::join_all;
use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::directory::ids::OrganisationId;
use trustplane_domain::directory::organisation::{NewOrganisation, Organisation, OrganisationStatus};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, World};
use trustplane_local::Options;
use trustplane_store::{Count, Writes};

use crate::table::{part, read, table, write};

const PATH: &str = "/organisations";

/// A world in which a list is served by one process as long as one client reads it.
fn own_world() -> &'static World {
    Box::leak(Box::new(World::start(Options::default())))
}

/// Writes this many organisations into the table, in order, with or without a count.
async fn fill(world: &World, customer: &Customer, count: usize, is_counted: bool) -> Vec<String> {
    let part = part(TenantId::parse(&customer.tenant).unwrap());
    let table = table(world);
    let ids: Vec<String> = (0..count).map(|number| format!("o{number:05}")).collect();
    for ids in ids.chunks(100) {
        let writes = ids.iter().fold(Writes::new(), |writes, id| {
            let id = OrganisationId::parse(id).unwrap();
            let new = NewOrganisation { id, name: "Example".repeat(30), status: OrganisationStatus::Active };
            let organisation = Organisation::new(new, Timestamp::now());
            writes.create(&part.organisation(&organisation.id), &organisation)
        });
        write(&table, part.id(), writes).await;
    }
    if is_counted {
        let count = Count { children: u64::try_from(count).unwrap() };
        write(&table, part.id(), Writes::new().create(&part.organisation_count(), &count)).await;
    }
    ids
}

/// Returns the ids of a page, its total, and its cost in units.
async fn page(customer: &Customer, query: &str) -> (Vec<String>, u64, f64) {
    let reply = customer.get(&format!("{PATH}?{query}")).await.expect(200);
    let content = reply.body["content"].as_array().unwrap();
    let ids = content.iter().map(|one| one["OrganisationId"].as_str().unwrap().to_owned()).collect();
    let cost = customer.cost(&reply).await;
    (ids, reply.body["totalSize"].as_u64().unwrap(), cost.capacity)
}

#[tokio::test]
async fn a_page_costs_the_same_whatever_the_level_holds() {
    let world = own_world();
    let customer = world.customer().await;
    let ids = fill(world, &customer, 2_000, true).await;
    let small = world.customer().await;
    let _ = fill(world, &small, 100, true).await;
    let (_, _, expected) = page(&small, "size=100").await;
    for (sort, ids) in [("", ids.clone()), ("&sort=OrganisationId,desc", ids.iter().rev().cloned().collect())] {
        let (mut walked, mut units) = (Vec::new(), 0.0);
        for number in 0..20 {
            let (page, total, cost) = page(&customer, &format!("page={number}&size=100{sort}")).await;
            assert_eq!((page.len(), total), (100, 2_000));
            // The first page, and each page after one that this process served. One more row tells if there is a next page.
            assert!(cost <= expected + 1.0, "page {number}: {cost}, and {expected} of a small level");
            walked.extend(page);
            units += cost;
        }
        assert_eq!(walked, ids);
        assert!(units <= 21.0 * (expected + 1.0), "{units}");
    }
    // A page that nothing is known of reads the rows before it too.
    let (found, total, cost) = page(&customer, "page=3&size=50").await;
    assert_eq!((&found[..], total), (&ids[150..200], 2_000));
    assert!(cost <= 2.0 * expected + 1.0, "{cost}");
    // Another order reads the level.
    let (found, total, cost) = page(&customer, "size=20&sort=Status,desc").await;
    assert_eq!((&found[..], total), (&ids[..20], 2_000));
    assert!(cost > 5.0 * expected, "{cost}");
    let (found, total, _) = page(&customer, "page=40&size=50").await;
    assert_eq!((found.len(), total), (0, 2_000));
}

#[tokio::test]
async fn a_page_is_where_it_is_now_and_not_where_it_was() {
    let world = own_world();
    let customer = world.customer().await;
    let mut ids = fill(world, &customer, 10, true).await;
    for (number, place) in [(0, 0..3), (1, 3..6)] {
        assert_eq!(page(&customer, &format!("page={number}&size=3")).await.0, ids[place]);
    }
    let _ = customer.post(PATH, &json!({"OrganisationId": "a", "OrganisationName": "A"})).await.expect(201);
    ids.insert(0, "a".to_owned());
    for (number, place) in [(2, 6..9), (1, 3..6), (0, 0..3), (3, 9..11)] {
        let (found, total, _) = page(&customer, &format!("page={number}&size=3")).await;
        assert_eq!((&found[..], total), (&ids[place], 11), "page {number}");
    }
}

#[tokio::test]
async fn a_level_without_a_count_is_counted_once() {
    let world = own_world();
    let customer = world.customer().await;
    let ids = fill(world, &customer, 30, false).await;
    let part = part(TenantId::parse(&customer.tenant).unwrap());
    for (query, place) in [("size=20", 0..20), ("page=1&size=20", 20..30), ("size=100", 0..30)] {
        let (found, total, _) = page(&customer, query).await;
        assert_eq!((&found[..], total), (&ids[place], 30), "{query}");
    }
    let described = world.invoke("describe-tenant", &json!({"tenant_id": customer.tenant})).await.unwrap();
    assert_eq!(described["counts"]["organisations"], 30);
    // The first changes, which are concurrent, count it.
    let new = |name: &str| json!({"OrganisationId": name, "OrganisationName": name});
    let names: Vec<String> = (0..6).map(|number| format!("new{number}")).collect();
    let bodies: Vec<Value> = names.iter().map(|name| new(name)).collect();
    let replies = join_all(bodies.iter().map(|body| customer.post(PATH, body))).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert!(made > 0 && replies.iter().all(|reply| [201, 409].contains(&reply.status)));
    let expected = 30 + u64::try_from(made).unwrap();
    assert_eq!(read::<Count>(&table(world), &part.organisation_count()).await.value.children, expected);
    assert_eq!(page(&customer, "size=1").await.1, expected);
    let described = world.invoke("describe-tenant", &json!({"tenant_id": customer.tenant})).await.unwrap();
    assert_eq!(described["counts"]["organisations"], expected);
    // Later ones read nothing more.
    let reply = customer.post(PATH, &new("last")).await.expect(201);
    assert_eq!(customer.cost(&reply).await.dynamodb_round_trips, 2);
}
