use super::*;
use crate::escape::unescaped;

fn keys() -> TenantKeys {
    TenantKeys::presented(CredentialId::new(TenantId::from_random([1; 16]), [0; 8]))
}

fn organisation(id: &str) -> OrganisationId {
    OrganisationId::parse(id).unwrap()
}

#[test]
fn parts_cannot_reach_into_the_next_level() {
    let server = AuthorisationServerId::new(Timestamp::from_millis(0), [0; 10]);
    assert_eq!(keys().organisation(&organisation("a#b")).sk(), "ORG#a%23b");
    let prefix = keys().authorisation_servers(&organisation("a"));
    let of = |id: &str| keys().authorisation_server(&organisation(id), server);
    assert!(of("a").sk().starts_with(prefix.prefix()));
    for other in ["a%", "a#", "a#b"] {
        assert!(!of(other).sk().starts_with(prefix.prefix()), "{other}");
    }
}

#[test]
fn the_due_list_sorts_by_time() {
    let key = keys().connection();
    let early = due_sort(Timestamp::from_millis(1_000), key.primary());
    let late = due_sort(Timestamp::from_millis(1_700_000_000_000), key.primary());
    assert!(early < late);
}

#[test]
fn items_due_at_the_very_time_are_before_the_end_and_later_ones_are_not() {
    let key = keys().connection();
    for (millis, due) in [(999, true), (1_000, true), (1_001, false)] {
        let sort = due_sort(Timestamp::from_millis(millis), key.primary());
        assert_eq!(sort < due_end(Timestamp::from_millis(1_000)), due, "{millis}");
    }
}

#[test]
fn a_key_that_the_table_named_equals_the_key_that_was_made() {
    for store in ["d-1234567890", "a#b%c", "\u{e9}\n", ""] {
        let key = keys().identity_provider(store);
        assert_eq!(PrimaryKey::found(key.pk().to_owned(), key.sk().to_owned()), *key.primary());
        assert_eq!(key.identity_store().as_deref(), Some(store));
    }
    let record = keys().audit_record("1");
    assert_eq!(PrimaryKey::found(record.pk().to_owned(), "1".to_owned()), *record.primary());
    assert_eq!(keys().domain_claim(&DomainName::parse("example.com").unwrap()).tenant(), None);
    assert_eq!(PrimaryKey::found("TENANT#x".to_owned(), String::new()).tenant, None);
    assert_eq!(unescaped("%ff"), None);
}
