//! Tests of each rule of approval, and of the message of each refusal.

use serde_json::{Value, json};

use super::*;
use crate::credential::Lineage;
use crate::directory::sso_configuration::tests::sample;
use crate::directory::version::tests::{body, content};
use crate::ids::{CredentialId, TenantId};

const NOW: i64 = 1_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(NOW + seconds * 1_000)
}

fn credential(number: u8) -> CredentialId {
    CredentialId::new(TenantId::from_random([1; 16]), [number; 8])
}

fn author(number: u8) -> Author {
    Author { id: credential(number), lineage: Lineage::first(credential(number)) }
}

fn made_by(number: u8, maker: u8) -> Author {
    made_by_another(number, &author(maker))
}

fn made_by_another(number: u8, maker: &Author) -> Author {
    Author { id: credential(number), lineage: maker.lineage.makes(credential(number)).unwrap() }
}

fn domains(names: &[&str]) -> BTreeSet<DomainName> {
    names.iter().map(|name| DomainName::parse(name).unwrap()).collect()
}

/// Circumstances in which all domains of [`body`] are proven, nothing is claimed, and there is no obstacle.
struct Around {
    proven: BTreeSet<DomainName>,
    claimed: BTreeSet<DomainName>,
    obstacles: Vec<Obstacle>,
}

impl Around {
    fn fine() -> Self {
        let proven = domains(&["acme.example", "acme-partners.example"]);
        Self { proven, claimed: BTreeSet::new(), obstacles: Vec::new() }
    }

    fn get(&self) -> Circumstances<'_> {
        Circumstances { proven: &self.proven, claimed_elsewhere: &self.claimed, obstacles: &self.obstacles }
    }
}

fn submitted_by(author: &Author) -> Transition {
    let id = VersionId::new(at(0), [author.id.to_string().len() as u8; 10]);
    submit(&sample(), id, content(&body()).unwrap(), author, &[], at(0)).unwrap()
}

fn put(changed: &Transition, body: &Value, status: VersionStatus, by: &Author) -> Result<Transition, VersionRefusal> {
    put_around(changed, body, status, by, &Around::fine())
}

fn put_around(
    changed: &Transition,
    body: &Value,
    status: VersionStatus,
    by: &Author,
    around: &Around,
) -> Result<Transition, VersionRefusal> {
    let asked = VersionUpdate { content: content(body).unwrap(), status };
    update(&changed.configuration, &changed.version, asked, by, around.get(), at(1))
}

/// Returns a version in `status`, submitted by 1 and decided by 2.
fn version_in(status: VersionStatus) -> Transition {
    let pending = submitted_by(&author(1));
    let step = |changed: &Transition, to| put(changed, &body(), to, &author(2)).unwrap();
    match status {
        VersionStatus::Pending => pending,
        VersionStatus::Rejected | VersionStatus::Assignable | VersionStatus::Active => step(&pending, status),
        VersionStatus::Inactive => step(&step(&pending, VersionStatus::Active), VersionStatus::Inactive),
    }
}

fn messages(refusal: VersionRefusal) -> Vec<String> {
    match Failure::from(refusal) {
        Failure::Invalid(faults) => faults.iter().map(|(field, message)| format!("{field} {message}")).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_documented_transitions_are_made() {
    use VersionStatus::{Active, Assignable, Inactive, Pending, Rejected};
    for from in VersionStatus::ALL {
        for to in VersionStatus::ALL {
            let result = put(&version_in(*from), &body(), *to, &author(2));
            let legal = match from {
                Pending => [Pending, Rejected, Assignable, Active].contains(to),
                Assignable => [Assignable, Active, Inactive].contains(to),
                Active | Inactive => [Active, Inactive].contains(to),
                Rejected => *to == Rejected,
            };
            match result {
                Ok(changed) => assert!(legal && changed.version.status == *to, "{from} to {to}"),
                Err(refusal) => {
                    assert!(!legal, "{from} to {to}");
                    assert_eq!(messages(refusal), [format!("Status must not go from `{from}` to `{to}`")]);
                }
            }
        }
    }
}

#[test]
fn an_update_that_says_what_is_so_changes_nothing() {
    for status in VersionStatus::ALL {
        let before = version_in(*status);
        let after = put(&before, &body(), *status, &author(3)).unwrap();
        assert_eq!((after.version, after.configuration), (before.version, before.configuration));
        assert_eq!((after.retired, after.claims, after.routes), (None, Claims::default(), Vec::new()));
    }
}

#[test]
fn the_order_of_domains_and_policies_is_no_change() {
    let pair = ["acme.example", "acme-partners.example"];
    let mut wanted = body();
    wanted["SupportedDomains"] = json!(pair);
    wanted["AuthenticationPolicies"] = json!(["TWO_FACTOR", "RECOVERY_CODES"]);
    let before = put(&submitted_by(&author(1)), &wanted, VersionStatus::Pending, &author(1)).unwrap();
    let mut turned = wanted;
    turned["SupportedDomains"] = json!([pair[1], pair[0]]);
    turned["AuthenticationPolicies"] = json!(["RECOVERY_CODES", "TWO_FACTOR"]);
    let edited = put(&before, &turned, VersionStatus::Pending, &author(3)).unwrap();
    assert_eq!(edited.version, before.version);
    let approved = put(&before, &turned, VersionStatus::Active, &author(2)).unwrap();
    assert_eq!(approved.version.content, before.version.content);
    turned["SupportedDomains"] = json!([pair[1]]);
    let refused = put(&before, &turned, VersionStatus::Active, &author(2)).unwrap_err();
    assert_eq!(refused, VersionRefusal::ContentWithDecision(vec!["SupportedDomains"]));
}

#[test]
fn what_is_asked_decides_who_may_do_it() {
    let asked =
        |from, to| step(&version_in(from).version, &VersionUpdate { content: content(&body()).unwrap(), status: to });
    assert_eq!(asked(VersionStatus::Pending, VersionStatus::Pending), Step::Edit);
    assert_eq!(asked(VersionStatus::Active, VersionStatus::Active), Step::Edit);
    assert_eq!(asked(VersionStatus::Pending, VersionStatus::Active), Step::Decide);
    assert_eq!(asked(VersionStatus::Pending, VersionStatus::Rejected), Step::Decide);
    assert_eq!(asked(VersionStatus::Active, VersionStatus::Inactive), Step::Switch);
    assert_eq!(asked(VersionStatus::Inactive, VersionStatus::Active), Step::Switch);
}

#[test]
fn content_is_edited_while_pending_and_by_whom_is_remembered() {
    let before = version_in(VersionStatus::Pending);
    let mut other = body();
    other["ClientID"] = json!("other");
    let after = put(&before, &other, VersionStatus::Pending, &author(3)).unwrap().version;
    assert_eq!((after.content.client_id.as_str(), after.updated_at), ("other", at(1)));
    assert_eq!((&after.submitted_by, &after.last_edited_by), (&author(1), &author(3)));

    let refusal = put(&before, &other, VersionStatus::Assignable, &author(3)).unwrap_err();
    assert_eq!(messages(refusal), ["ClientID must not change in the request that decides on the version"]);
    for status in VersionStatus::ALL.iter().filter(|status| **status != VersionStatus::Pending) {
        for to in VersionStatus::ALL {
            let refusal = put(&version_in(*status), &other, *to, &author(3)).unwrap_err();
            assert_eq!(messages(refusal), ["ClientID must not change once the version is decided on"]);
        }
    }
}

#[test]
fn deciding_takes_a_second_pair_of_eyes() {
    // 1 created 4; 5 created 1; 4 and 6 have the same creator.
    let submitter = made_by(1, 5);
    let pending = submitted_by(&submitter);
    let mut other = body();
    other["GroupClaim"] = json!("roles");
    let edited = put(&pending, &other, VersionStatus::Pending, &author(3)).unwrap();
    for to in [VersionStatus::Assignable, VersionStatus::Active, VersionStatus::Rejected] {
        // The same for a key of a key, and for a key that somebody else rotated.
        let grandchild = made_by_another(9, &made_by(4, 1));
        let rotated =
            Author { id: credential(10), lineage: author(3).lineage.replaced_by(&author(2).lineage).unwrap() };
        for own in [submitter.clone(), made_by(4, 1), author(5), author(3), made_by(7, 3), grandchild, rotated] {
            assert!(edited.version.is_own(&own));
            assert_eq!(put(&edited, &other, to, &own), Err(VersionRefusal::FourEyes), "{to}");
        }
        for someone in [author(2), made_by(6, 5), made_by(8, 2)] {
            let decided = put(&edited, &other, to, &someone).unwrap().version;
            assert_eq!(decided.decided_by, Some(someone));
        }
    }
    assert_eq!(Failure::from(VersionRefusal::FourEyes), Failure::Forbidden(Denial::default()));
}

#[test]
fn whoever_wrote_it_may_switch_what_another_approved() {
    let approved = version_in(VersionStatus::Assignable);
    let active = put(&approved, &body(), VersionStatus::Active, &author(1)).unwrap();
    assert_eq!(active.version.decided_by, Some(author(2)));
    assert!(put(&active, &body(), VersionStatus::Inactive, &author(1)).is_ok());
}

#[test]
fn activating_demands_every_domain_proven_and_names_each_that_is_not() {
    let pending = version_in(VersionStatus::Pending);
    let mut around = Around::fine();
    around.proven.clear();
    let refusal = put_around(&pending, &body(), VersionStatus::Active, &author(2), &around).unwrap_err();
    assert_eq!(
        messages(refusal),
        [
            "RestrictedDomains[0] is `acme.example`, which is not proven",
            "SupportedDomains[0] is `acme-partners.example`, which is not proven",
        ]
    );
    assert!(put_around(&pending, &body(), VersionStatus::Assignable, &author(2), &around).is_ok());
    let inactive = version_in(VersionStatus::Inactive);
    assert!(put_around(&inactive, &body(), VersionStatus::Active, &author(2), &around).is_err());
    let active = version_in(VersionStatus::Active);
    assert!(put_around(&active, &body(), VersionStatus::Active, &author(2), &around).is_ok());
}

#[test]
fn a_domain_that_is_restricted_elsewhere_stops_an_activation_only_if_it_is_restricted_here() {
    let pending = version_in(VersionStatus::Pending);
    let mut around = Around::fine();
    around.claimed = domains(&["acme-partners.example"]);
    assert!(put_around(&pending, &body(), VersionStatus::Active, &author(2), &around).is_ok());
    around.claimed = domains(&["acme.example"]);
    let refusal = put_around(&pending, &body(), VersionStatus::Active, &author(2), &around).unwrap_err();
    let message = "another active configuration restricts `acme.example`".to_owned();
    assert_eq!(Failure::from(refusal), Failure::Conflict(Conflict::Claimed, message));
}

#[test]
fn below_something_unusable_nothing_is_submitted_approved_or_activated() {
    let mut around = Around::fine();
    around.obstacles = vec![Obstacle::OrganisationWithdrawn, Obstacle::ServerInactive];
    let id = VersionId::new(at(0), [0; 10]);
    let refusal = submit(&sample(), id, content(&body()).unwrap(), &author(1), &around.obstacles, at(0)).unwrap_err();
    let message = "the organisation is withdrawn; the authorisation server is inactive".to_owned();
    assert_eq!(Failure::from(refusal), Failure::Conflict(Conflict::WrongState, message));

    let around_put = |from, to| put_around(&version_in(from), &body(), to, &author(2), &around).is_ok();
    assert!(!around_put(VersionStatus::Pending, VersionStatus::Assignable));
    assert!(!around_put(VersionStatus::Inactive, VersionStatus::Active));
    assert!(around_put(VersionStatus::Pending, VersionStatus::Rejected));
    assert!(around_put(VersionStatus::Active, VersionStatus::Inactive));
}

#[test]
fn activating_takes_the_place_of_the_active_version_and_of_its_claims() {
    let first = version_in(VersionStatus::Active);
    assert_eq!(first.claims, Claims { taken: domains(&["acme.example"]).into_iter().collect(), released: Vec::new() });
    assert_eq!(first.routes.len(), 3);

    let mut other = body();
    other["RestrictedDomains"] = json!(["acme-partners.example"]);
    let id = VersionId::new(at(2), [9; 10]);
    let second = submit(&first.configuration, id, content(&other).unwrap(), &author(1), &[], at(2)).unwrap();
    assert_eq!(second.version.number, 2);
    let second = put(&second, &other, VersionStatus::Active, &author(2)).unwrap();
    assert_eq!(second.retired, Some(first.version.id));
    assert_eq!(second.configuration.active.as_ref().map(|active| active.id), Some(id));
    let taken = domains(&["acme-partners.example"]).into_iter().collect();
    assert_eq!(second.claims, Claims { taken, released: domains(&["acme.example"]).into_iter().collect() });

    let first = Transition { configuration: second.configuration, version: retired(&first.version, at(3)), ..first };
    assert_eq!(first.version.status, VersionStatus::Inactive);
    let rolled_back = put(&first, &body(), VersionStatus::Active, &author(1)).unwrap();
    assert_eq!(rolled_back.retired, Some(id));
    let ended = put(&rolled_back, &body(), VersionStatus::Inactive, &author(1)).unwrap();
    assert_eq!((ended.configuration.active, ended.retired), (None, None));
    assert_eq!(ended.claims.released, rolled_back.claims.taken);
}

#[test]
fn only_what_was_never_approved_is_deleted() {
    for status in VersionStatus::ALL {
        let Transition { configuration, version, .. } = version_in(*status);
        assert_eq!(configuration.is_deletable(), !status.is_approved());
        match delete(&configuration, &version) {
            Ok(after) => {
                assert!(!status.is_approved());
                assert_eq!((after.versions, after.open_versions, after.version_counter), (0, 0, 1));
            }
            Err(refusal) => {
                assert!(status.is_approved());
                let message = "Status must be `Pending` or `Rejected`: what was approved is kept";
                assert_eq!(messages(refusal), [message]);
            }
        }
    }
}

#[test]
fn a_configuration_has_a_bound_of_versions() {
    let submit_to = |configuration: &SsoConfiguration| {
        let id = VersionId::new(at(0), [0; 10]);
        submit(configuration, id, content(&body()).unwrap(), &author(1), &[], at(0))
            .map(|changed| changed.version.number)
    };
    let full = SsoConfiguration { versions: MAX_VERSIONS, version_counter: 1_200, ..sample() };
    assert_eq!(submit_to(&full), Err(VersionRefusal::TooMany));
    assert_eq!(submit_to(&SsoConfiguration { versions: MAX_VERSIONS - 1, ..full }), Ok(1_201));
    let open = SsoConfiguration { open_versions: MAX_OPEN_VERSIONS, ..sample() };
    assert_eq!(submit_to(&open), Err(VersionRefusal::TooManyOpen));
}

#[test]
fn every_sortable_field_of_a_version_has_a_key() {
    let version = version_in(VersionStatus::Active).version;
    for field in Version::SORTABLE {
        assert_ne!(version.sort_key(field), crate::directory::page::SortKey::Absent, "{field}");
    }
}
