//! Items of this release and of the one before it, in `tests/items/`: one file per kind of item. During a deployment, and
//! after a return to the previous release, both releases read and write the same items.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use trustplane_domain::audit_chain::{ChainHead, ChainSeal};
use trustplane_domain::directory::authorisation_server::AuthorisationServer;
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::directory::organisation::Organisation;
use trustplane_domain::directory::route::{ConfigurationPath, Route};
use trustplane_domain::directory::sso_configuration::SsoConfiguration;
use trustplane_domain::directory::version::Version;

use super::*;
use crate::{AuditItem, Count, DomainClaim, Idempotency, PrimaryKey, RedirectClaim, TenantRow};

/// Reads an item as its type and writes it again.
type RoundTrip = fn(Attributes) -> Result<Attributes, StoreError>;

/// The kinds of items.
const KINDS: &[(&str, RoundTrip)] = &[
    kind::<AuditItem>(),
    kind::<AuthorisationServer>(),
    kind::<ChainHead>(),
    kind::<ChainSeal>(),
    kind::<ConfigurationPath>(),
    kind::<Connection>(),
    kind::<Count>(),
    kind::<Credential>(),
    kind::<Delivery>(),
    kind::<DomainClaim>(),
    kind::<DomainProof>(),
    kind::<Health>(),
    kind::<Idempotency>(),
    kind::<IdentityProvider>(),
    kind::<NotificationContacts>(),
    kind::<Organisation>(),
    kind::<PolicySet>(),
    kind::<RedirectClaim>(),
    kind::<Replay>(),
    kind::<Report>(),
    kind::<RoleClaim>(),
    kind::<Route>(),
    kind::<SavedVersion>(),
    kind::<Seen>(),
    kind::<ServiceProvider>(),
    kind::<SetupLink>(),
    kind::<SsoConfiguration>(),
    kind::<Sync>(),
    kind::<Tenant>(),
    kind::<TenantRow>(),
    kind::<Version>(),
    kind::<Webhook>(),
];

/// Attributes that follow from others and that this release added or may add: the index reads them, and no type does.
const DERIVED: [&str; 3] = ["due_pk", "due_sk", "ttl"];

const fn kind<T: Item>() -> (&'static str, RoundTrip) {
    (T::ENTITY, round_trip::<T>)
}

fn round_trip<T: Item>(item: Attributes) -> Result<Attributes, StoreError> {
    let text = |name: &str| item[name].as_s().unwrap().clone();
    let key = Key::new(PrimaryKey::found(text("pk"), text("sk")));
    let Stored { key, version, value } = stored::<T>(key, item)?;
    attributes(&key, version, &value)
}

/// A sample: an item, and true if the release before this one wrote it.
struct Sample {
    item: Attributes,
    is_earlier: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/items")
}

/// Parses DynamoDB's own JSON.
fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" => AttributeValue::S(value.as_str().unwrap().to_owned()),
        "N" => AttributeValue::N(value.as_str().unwrap().to_owned()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(true),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(attribute).collect()),
        "M" => AttributeValue::M(map(value)),
        other => panic!("the type `{other}` is in no item"),
    }
}

fn map(value: &Value) -> Attributes {
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

/// Returns the samples of all kinds.
fn samples() -> BTreeMap<String, Vec<Sample>> {
    let mut samples = BTreeMap::new();
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let entity = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let list: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let list = list.as_array().unwrap().iter().map(|sample| {
            let release = sample["release"].as_str().unwrap();
            assert!(["this", "earlier"].contains(&release), "{entity}: {release}");
            let mut item = map(&sample["item"]);
            if entity == Count::ENTITY {
                // Written by the update that adds to the count, and not by its type.
                let _ = item.remove("ttl");
            }
            Sample { item, is_earlier: release == "earlier" }
        });
        let list: Vec<Sample> = list.collect();
        assert!(!list.is_empty(), "{entity} has no sample");
        let _ = samples.insert(entity, list);
    }
    samples
}

/// Asserts that `written` says all that `read` said, in the same types: an attribute may be added, and none may be lost.
fn assert_kept(read: &Attributes, written: &Attributes, place: &str) {
    for (name, before) in read {
        let place = format!("{place}.{name}");
        let after = written.get(name).unwrap_or_else(|| panic!("{place} is lost"));
        match (before, after) {
            (AttributeValue::M(before), AttributeValue::M(after)) => assert_kept(before, after, &place),
            (AttributeValue::L(before), AttributeValue::L(after)) => {
                assert_eq!(before.len(), after.len(), "{place}");
                for (before, after) in before.iter().zip(after) {
                    match (before, after) {
                        (AttributeValue::M(before), AttributeValue::M(after)) => assert_kept(before, after, &place),
                        _ => assert_eq!(before, after, "{place}"),
                    }
                }
            }
            _ => assert_eq!(before, after, "{place}"),
        }
    }
}

#[test]
fn items_of_this_release_are_read_and_written_unchanged() {
    let samples = samples();
    for (entity, round_trip) in KINDS {
        for sample in samples[*entity].iter().filter(|sample| !sample.is_earlier) {
            let written = round_trip(sample.item.clone()).unwrap_or_else(|error| panic!("{entity}: {error}"));
            assert_kept(&sample.item, &written, entity);
            assert_kept(&written, &sample.item, entity);
        }
    }
}

#[test]
fn items_of_the_earlier_release_are_read_and_the_earlier_release_reads_them_back() {
    let samples = samples();
    let mut earlier = 0;
    for (entity, round_trip) in KINDS {
        for sample in samples[*entity].iter().filter(|sample| sample.is_earlier) {
            let written = round_trip(sample.item.clone()).unwrap_or_else(|error| panic!("{entity}: {error}"));
            let mut kept = sample.item.clone();
            // An item may be due at another time than the earlier release had it.
            kept.retain(|name, _| !DERIVED.contains(&name.as_str()));
            // The earlier release ignores attributes that it does not know, and finds all that it wrote.
            assert_kept(&kept, &written, entity);
            // A second reading finds nothing else to add.
            let again = round_trip(written.clone()).unwrap_or_else(|error| panic!("{entity}: {error}"));
            assert_eq!(again, written, "{entity}");
            earlier += 1;
        }
    }
    assert!(earlier >= 20, "{earlier}");
}

#[test]
fn every_kind_of_item_has_samples_and_no_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut entities = BTreeSet::new();
    for file in std::fs::read_dir(source).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let names = text.lines().filter_map(|line| line.trim().strip_prefix("const ENTITY: &'static str = \""));
            entities.extend(names.filter_map(|rest| rest.strip_suffix("\";")).map(str::to_owned));
        }
    }
    let listed: BTreeSet<String> = KINDS.iter().map(|(entity, _)| (*entity).to_owned()).collect();
    assert_eq!(listed, entities, "add a new kind to KINDS, and a sample of it to tests/items");
    let sampled: BTreeSet<String> = samples().into_keys().collect();
    assert_eq!(sampled, entities);
}

#[test]
fn no_type_reads_the_attributes_of_the_index() {
    for (entity, round_trip) in KINDS {
        for Sample { mut item, .. } in samples().remove(*entity).unwrap() {
            let written = round_trip(item.clone()).unwrap_or_else(|error| panic!("{entity}: {error}"));
            // `ttl` of an audit record is its retention, which is shown.
            let ignored = DERIVED.iter().filter(|name| **name != "ttl" || *entity != AuditItem::ENTITY);
            ignored.for_each(|name| drop(item.remove(*name)));
            assert_eq!(round_trip(item).unwrap_or_else(|error| panic!("{entity}: {error}")), written, "{entity}");
        }
    }
}
