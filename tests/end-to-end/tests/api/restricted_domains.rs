//! Tests of restricted domains: one active configuration of all tenants has each.

use futures_util::future::join_all;

use crate::directory::errors;
use crate::domains::{Domains, naming, own, to};

#[tokio::test]
async fn a_restricted_domain_is_held_by_one_configuration_of_all_tenants_until_its_version_ends() {
    let (one, other) = (Domains::new().await, Domains::new().await);
    let acme = own(one.customer(), "acme");
    let (restricting, supporting) = (naming(&[&acme], &[]), naming(&["*"], &[&acme]));
    for domains in [&one, &other] {
        let _ = domains.versions.submit(&restricting).await;
        domains.prove(&acme).await;
    }
    let (first, active) = one.activate(&restricting).await;
    let _ = active.expect(200);
    let (second, refused) = other.activate(&restricting).await;
    let message = format!("another active configuration restricts `{acme}`");
    assert_eq!(errors(&refused.expect(409)), std::slice::from_ref(&message));
    // Another configuration of the same tenant cannot claim it either. A configuration that only supports a domain
    // claims nothing.
    let beside = one.versions.directory.configuration().await;
    let submitted = one.customer().post(&format!("{beside}/versions"), &restricting).await.expect(201);
    let submitted = format!("{beside}/versions/{}", submitted.body["ID"].as_str().unwrap());
    let refused = one.versions.put_as(&one.customer().approver, &submitted, &to("Active", &restricting)).await;
    assert_eq!(errors(&refused.expect(409)), [message]);
    let _ = other.activate(&supporting).await.1.expect(200);

    one.end(&first, &restricting).await;
    let taken = other.versions.put_as(&other.customer().approver, &second, &to("Active", &restricting)).await;
    let _ = taken.expect(200);
    let _ = one.versions.put_as(&one.customer().approver, &first, &to("Active", &restricting)).await.expect(409);
    // Activating another version of the holder's that does not restrict the domain also ends the claim.
    let _ = other.activate(&supporting).await.1.expect(200);
    let _ = one.versions.put_as(&one.customer().approver, &first, &to("Active", &restricting)).await.expect(200);
}

#[tokio::test]
async fn of_tenants_that_take_a_domain_at_the_same_time_one_has_it() {
    let all = join_all((0..3).map(|_| Domains::new())).await;
    let acme = own(all[0].customer(), "acme");
    let body = naming(&[&acme], &[]);
    let mut paths = Vec::new();
    for domains in &all {
        paths.push(domains.versions.submit(&body).await);
        domains.prove(&acme).await;
    }
    let active = to("Active", &body);
    let tries = all.iter().zip(&paths);
    let tries = tries.map(|(domains, path)| domains.versions.put_as(&domains.customer().approver, path, &active));
    let mut statuses: Vec<u16> = join_all(tries).await.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
}
