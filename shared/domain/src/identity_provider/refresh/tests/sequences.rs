//! Random sequences of documents, times, acceptances and changes by an administrator, against a small model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::identity_provider::INTERVAL;

#[derive(Clone, Debug)]
enum Operation {
    Read { certificates: Vec<usize>, renamed: bool, accept: bool },
    NotModified,
    Unreachable,
    TooMany,
    Import(usize),
    Delete(usize),
    Enable,
    Disable,
    Trust(Trust),
    Wait(i64),
}

fn operation() -> impl Strategy<Value = Operation> {
    let some = proptest::sample::subsequence((0..POOL.len()).collect::<Vec<_>>(), 1..=5);
    prop_oneof![
        8 => (some, prop::bool::weighted(0.1), prop::bool::weighted(0.1))
            .prop_map(|(certificates, renamed, accept)| Operation::Read { certificates, renamed, accept }),
        1 => Just(Operation::NotModified),
        1 => Just(Operation::Unreachable),
        1 => Just(Operation::TooMany),
        1 => (0..POOL.len()).prop_map(Operation::Import),
        1 => (0..POOL.len()).prop_map(Operation::Delete),
        1 => Just(Operation::Enable),
        1 => Just(Operation::Disable),
        1 => prop_oneof![Just(Trust::Continuous), Just(Trust::Tls)].prop_map(Operation::Trust),
        6 => (1..30_i64).prop_map(Operation::Wait),
    ]
}

/// The facts that decide on trust: the certificates that an administrator imported, and the time since which each has been
/// absent from every document that was applied.
#[derive(Debug, Default)]
struct Model {
    manual: BTreeSet<usize>,
    absent_since: BTreeMap<usize, Timestamp>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_sequence_of_documents_and_changes_breaks_the_rules(
        operations in proptest::collection::vec(operation(), 1..60),
    ) {
        let mut story = Story::of(provider(&[0, 9], Trust::Continuous));
        let mut model = Model::default();
        let mut hours = 0;
        for operation in operations {
            let now = at(hours);
            let before = story.provider.clone();
            let (had, trust) = (trusted(&before), before.metadata().unwrap().trust());
            let mut is_refresh = true;
            match &operation {
                Operation::Read { certificates, renamed, accept } => {
                    // A reader of the document leaves expired certificates out.
                    let usable: Vec<usize> =
                        certificates.iter().copied().filter(|one| !POOL[*one].is_expired(now)).collect();
                    if usable.is_empty() {
                        continue;
                    }
                    let mut settings = settings();
                    if *renamed {
                        settings.entity_id = EntityId::parse("urn:other").unwrap();
                    }
                    let offered: BTreeSet<usize> = usable.iter().copied().collect();
                    let is_renamed = settings.entity_id != before.settings().entity_id
                        && settings.entity_id != before.metadata().unwrap().applied.entity_id;
                    let _ = story.step(&seen(document_of(settings, &usable)), *accept, now);
                    let has = trusted(&story.provider);
                    // With `continuous`, a document alone is trusted only beside a certificate that is trusted already.
                    let is_given = *accept || trust == Trust::Tls || !offered.is_disjoint(&had);
                    let fits = had.union(&offered).count() <= MAX_CERTIFICATES;
                    let is_applied = is_given && fits && (*accept || !is_renamed);
                    let added: BTreeSet<usize> = has.difference(&had).copied().collect();
                    let expected: BTreeSet<usize> =
                        if is_applied { offered.difference(&had).copied().collect() } else { BTreeSet::new() };
                    prop_assert_eq!(&added, &expected);
                    let status = story.metadata().status();
                    prop_assert_eq!(status == MetadataStatus::Current, is_applied, "{:?}", status);
                    for gone in had.difference(&has) {
                        prop_assert!(is_applied && !offered.contains(gone) && !model.manual.contains(gone));
                        let absent_since = model.absent_since.get(gone).copied();
                        prop_assert!(absent_since.is_some_and(|since| now.millis_since(since) >= DAY));
                        let serves = before.certificates().iter().any(|one| {
                            offered.contains(&POOL.iter().position(|known| known == one.certificate()).unwrap())
                                && one.certificate().is_valid(now)
                                && one.certificate().is_valid(now.plus_millis(-DAY))
                                && now.millis_since(one.imported_at()) >= DAY
                        });
                        prop_assert!(serves);
                    }
                    for one in &has {
                        if offered.contains(one) {
                            model.absent_since.remove(one);
                        } else if is_applied {
                            model.absent_since.entry(*one).or_insert(now);
                        }
                    }
                }
                Operation::NotModified => drop(story.step(&Observation::NotModified, false, now)),
                Operation::Unreachable => drop(story.step(&Observation::Unreachable(String::new()), false, now)),
                Operation::TooMany => {
                    let observation = Observation::TooManyCertificates { count: 11, sha256: String::new() };
                    drop(story.step(&observation, true, now));
                }
                Operation::Import(place) => {
                    is_refresh = false;
                    story.next_id += 1;
                    if let Ok(after) = before.import_certificate(id(story.next_id), POOL[*place].clone(), now) {
                        model.manual.insert(*place);
                        story.provider = after;
                    }
                }
                Operation::Delete(place) => {
                    is_refresh = false;
                    let known = before.certificates().iter().find(|one| one.certificate() == &POOL[*place]);
                    if let Some(Ok(after)) = known.map(|one| before.delete_certificate(one.id(), now)) {
                        model.manual.remove(place);
                        model.absent_since.remove(place);
                        story.provider = after;
                    }
                }
                Operation::Enable => story.provider = before.enable(now).unwrap_or_else(|_| before.clone()),
                Operation::Disable => story.provider = before.disable(),
                Operation::Trust(trust) => story.provider = before.clone().trusting_metadata(*trust).unwrap(),
                Operation::Wait(more) => hours += more,
            }
            let after = &story.provider;
            prop_assert!(after.certificates().len() <= MAX_CERTIFICATES);
            // An enabled provider that trusts something valid does so after every operation: only time takes it away.
            if before.is_enabled() && before.trusts_something(now) {
                prop_assert!(after.trusts_something(now), "{:?}", operation);
            }
            if is_refresh {
                let manual = |provider: &IdentityProvider| {
                    provider.certificates().iter().filter(|one| one.source().is_manual()).cloned().collect::<Vec<_>>()
                };
                prop_assert_eq!(manual(after), manual(&before));
            }
            model.absent_since.retain(|place, _| trusted(after).contains(place));
            let json = serde_json::to_string(after).unwrap();
            prop_assert_eq!(&serde_json::from_str::<IdentityProvider>(&json).unwrap(), after);
        }
        prop_assert!(INTERVAL < REMOVAL);
    }
}
