//! Approval: the transitions of a version of an SSO configuration. One credential submits a version and another
//! approves it. An approved version is immutable. At most one version is active, and any approved version can be
//! activated again.
//!
//! ```text
//! Pending -> Rejected | Assignable | Active      Assignable -> Active | Inactive
//! Active  -> Inactive                            Inactive   -> Active
//! ```

use std::collections::BTreeSet;

use super::domain_name::{DomainName, RestrictedDomain};
use super::ids::VersionId;
use super::named_domains::MAX_DOMAINS;
use super::obstacle::{Obstacle, describe};
use super::route::{RouteChange, route_changes};
use super::sso_configuration::SsoConfiguration;
use super::version::{
    ActiveVersion, Author, MAX_OPEN_VERSIONS, MAX_VERSIONS, Version, VersionContent, VersionStatus, VersionUpdate,
};
use crate::failure::Denial;
use crate::{Conflict, Failure, Faults, Timestamp};

/// Kind of an update. It decides the required role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A change of a pending version, or no change: an edit.
    Edit,
    /// An approval or rejection, which the author cannot make.
    Decide,
    /// An activation or deactivation of an approved version. An approver can make it, even the author.
    Switch,
}

/// Facts outside a version that its transition depends on.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The tenant's proven domains; those of the version suffice.
    pub proven: &'a BTreeSet<DomainName>,
    /// Domains that another configuration's active version restricts, of any tenant; those of the version suffice.
    pub claimed_elsewhere: &'a BTreeSet<DomainName>,
    /// Obstacles below the server.
    pub obstacles: &'a [Obstacle],
}

/// A permitted transition, to be written in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The configuration after the transition.
    pub configuration: SsoConfiguration,
    /// The version after the transition.
    pub version: Version,
    /// The previously active version, to be [`retired`].
    pub retired: Option<VersionId>,
    /// Changes of the claims of domains.
    pub claims: Claims,
    /// Changes of the tenant's routes.
    pub routes: Vec<RouteChange>,
}

/// Changes of the domains that a configuration claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Domains that the configuration now claims.
    pub taken: Vec<DomainName>,
    /// Domains that it does not claim any more.
    pub released: Vec<DomainName>,
}

/// Reasons to refuse a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionRefusal {
    /// The status cannot change in this way.
    IllegalTransition {
        /// The current status.
        from: VersionStatus,
        /// The requested status.
        to: VersionStatus,
    },
    /// Only the status of a decided version can change. Contains the names of the other fields.
    Immutable(Vec<&'static str>),
    /// A decision cannot change the content, which must be visible before the decision. Contains the names of the
    /// changed fields.
    ContentWithDecision(Vec<&'static str>),
    /// The decider is the author, or counts as one pair of eyes with the author.
    FourEyes,
    /// Domains are not proven. Contains the fields that name them.
    Unproven(Vec<(String, DomainName)>),
    /// Domains are claimed elsewhere. Contains the fields that name them.
    Claimed(Vec<(String, DomainName)>),
    /// Objects above the version make it unusable.
    Unusable(Vec<Obstacle>),
    /// The configuration has the largest allowed number of versions.
    TooMany,
    /// The configuration has the largest allowed number of pending versions.
    TooManyOpen,
    /// The versions of the configuration name too many domains.
    TooManyDomains,
    /// The version was approved, so it cannot be deleted.
    Kept,
}

/// Submits a version.
pub fn submit(
    configuration: &SsoConfiguration,
    id: VersionId,
    content: VersionContent,
    author: &Author,
    obstacles: &[Obstacle],
    now: Timestamp,
) -> Result<Transition, VersionRefusal> {
    if !obstacles.is_empty() {
        return Err(VersionRefusal::Unusable(obstacles.to_vec()));
    }
    if configuration.versions >= MAX_VERSIONS {
        return Err(VersionRefusal::TooMany);
    }
    if configuration.open_versions >= MAX_OPEN_VERSIONS {
        return Err(VersionRefusal::TooManyOpen);
    }
    let mut configuration = configuration.clone();
    configuration.version_counter = configuration.version_counter.saturating_add(1);
    configuration.versions += 1;
    configuration.open_versions += 1;
    configuration.domains.add(&content);
    if configuration.domains.are_too_many() {
        return Err(VersionRefusal::TooManyDomains);
    }
    let version = Version {
        configuration_id: configuration.id,
        id,
        number: configuration.version_counter,
        content,
        status: VersionStatus::Pending,
        submitted_by: author.clone(),
        last_edited_by: author.clone(),
        decided_by: None,
        created_at: now,
        updated_at: now,
    };
    Ok(Transition { configuration, version, retired: None, claims: Claims::default(), routes: Vec::new() })
}

/// Returns the kind of `update`.
pub fn step(version: &Version, update: &VersionUpdate) -> Step {
    match (version.status, update.status) {
        (from, to) if from == to => Step::Edit,
        (VersionStatus::Pending, _) => Step::Decide,
        _ => Step::Switch,
    }
}

/// Edits, decides, or switches a version. An update without a difference changes nothing.
pub fn update(
    configuration: &SsoConfiguration,
    version: &Version,
    update: VersionUpdate,
    author: &Author,
    circumstances: Circumstances<'_>,
    now: Timestamp,
) -> Result<Transition, VersionRefusal> {
    let (from, to) = (version.status, update.status);
    let differences = update.content.differences(&version.content);
    if !differences.is_empty() && from != VersionStatus::Pending {
        return Err(VersionRefusal::Immutable(differences));
    }
    if from == to {
        return edit(configuration, version, update.content, author, now);
    }
    check_transition(from, to)?;
    if !differences.is_empty() {
        return Err(VersionRefusal::ContentWithDecision(differences));
    }
    if from == VersionStatus::Pending && version.is_own(author) {
        return Err(VersionRefusal::FourEyes);
    }
    if matches!(to, VersionStatus::Assignable | VersionStatus::Active) && !circumstances.obstacles.is_empty() {
        return Err(VersionRefusal::Unusable(circumstances.obstacles.to_vec()));
    }
    if to == VersionStatus::Active {
        check_domains(&version.content, circumstances)?;
    }
    Ok(moved(configuration, version, to, author, now))
}

/// Removes `version` from the configuration.
pub fn delete(configuration: &SsoConfiguration, version: &Version) -> Result<SsoConfiguration, VersionRefusal> {
    if !version.is_deletable() {
        return Err(VersionRefusal::Kept);
    }
    let mut configuration = configuration.clone();
    configuration.versions = configuration.versions.saturating_sub(1);
    if version.status == VersionStatus::Pending {
        configuration.open_versions = configuration.open_versions.saturating_sub(1);
        configuration.domains.remove(&version.content);
    }
    Ok(configuration)
}

/// Deactivates the previously active version.
#[must_use]
pub fn retired(version: &Version, now: Timestamp) -> Version {
    Version { status: VersionStatus::Inactive, updated_at: now, ..version.clone() }
}

fn check_transition(from: VersionStatus, to: VersionStatus) -> Result<(), VersionRefusal> {
    use VersionStatus::{Active, Assignable, Inactive, Pending, Rejected};
    match (from, to) {
        (Pending, Rejected | Assignable | Active)
        | (Assignable, Active | Inactive)
        | (Active, Inactive)
        | (Inactive, Active) => Ok(()),
        (Pending | Assignable | Active | Inactive | Rejected, _) => Err(VersionRefusal::IllegalTransition { from, to }),
    }
}

/// Returns an error unless every domain of `content` is proven, and none that it restricts is claimed elsewhere.
fn check_domains(content: &VersionContent, circumstances: Circumstances<'_>) -> Result<(), VersionRefusal> {
    let restricted = content.restricted_domains.iter().enumerate();
    let restricted = restricted.filter_map(|(index, domain)| Some((index, domain.domain()?)));
    let restricted = restricted.map(|(index, domain)| (format!("RestrictedDomains[{index}]"), domain.clone()));
    let supported = content.supported_domains.iter().enumerate();
    let supported = supported.map(|(index, domain)| (format!("SupportedDomains[{index}]"), domain.clone()));

    let unproven = restricted.clone().chain(supported).filter(|(_, domain)| !circumstances.proven.contains(domain));
    let unproven: Vec<_> = unproven.collect();
    if !unproven.is_empty() {
        return Err(VersionRefusal::Unproven(unproven));
    }
    let claimed: Vec<_> = restricted.filter(|(_, domain)| circumstances.claimed_elsewhere.contains(domain)).collect();
    if claimed.is_empty() { Ok(()) } else { Err(VersionRefusal::Claimed(claimed)) }
}

fn edit(
    configuration: &SsoConfiguration,
    version: &Version,
    content: VersionContent,
    author: &Author,
    now: Timestamp,
) -> Result<Transition, VersionRefusal> {
    let (mut configuration, mut after) = (configuration.clone(), version.clone());
    if !content.differences(&version.content).is_empty() {
        configuration.domains.remove(&version.content);
        configuration.domains.add(&content);
        if configuration.domains.are_too_many() {
            return Err(VersionRefusal::TooManyDomains);
        }
        after.content = content;
        after.last_edited_by = author.clone();
        after.updated_at = now;
    }
    Ok(Transition { configuration, version: after, retired: None, claims: Claims::default(), routes: Vec::new() })
}

fn moved(
    configuration: &SsoConfiguration,
    version: &Version,
    to: VersionStatus,
    author: &Author,
    now: Timestamp,
) -> Transition {
    let mut after = Version { status: to, updated_at: now, ..version.clone() };
    let mut configuration_after = configuration.clone();
    if version.status == VersionStatus::Pending {
        after.decided_by = Some(author.clone());
        configuration_after.open_versions = configuration.open_versions.saturating_sub(1);
    }
    if to == VersionStatus::Rejected {
        configuration_after.domains.remove(&version.content);
    }
    configuration_after.ever_approved |= to.is_approved();
    let mut retired = None;
    if to == VersionStatus::Active {
        retired = configuration.active.as_ref().map(|active| active.id).filter(|id| *id != version.id);
        configuration_after.active = Some(ActiveVersion {
            id: version.id,
            restricted_domains: version.content.restricted_domains.clone(),
            supported_domains: version.content.supported_domains.clone(),
        });
    } else if version.status == VersionStatus::Active {
        configuration_after.active = None;
    }
    let (before, now_active) = (configuration.active.as_ref(), configuration_after.active.as_ref());
    Transition {
        claims: claims(before, now_active),
        routes: route_changes(before, now_active),
        configuration: configuration_after,
        version: after,
        retired,
    }
}

fn claims(before: Option<&ActiveVersion>, after: Option<&ActiveVersion>) -> Claims {
    let of = |active: Option<&ActiveVersion>| -> BTreeSet<DomainName> {
        let restricted = active.map(|active| active.restricted_domains.as_slice()).unwrap_or_default();
        restricted.iter().filter_map(RestrictedDomain::domain).cloned().collect()
    };
    let (before, after) = (of(before), of(after));
    Claims {
        taken: after.difference(&before).cloned().collect(),
        released: before.difference(&after).cloned().collect(),
    }
}

impl From<VersionRefusal> for Failure {
    fn from(refusal: VersionRefusal) -> Self {
        let each = |names: Vec<&'static str>, message: &str| {
            let mut faults = Faults::default();
            names.into_iter().for_each(|name| faults.add(name, message));
            Self::Invalid(faults)
        };
        match refusal {
            VersionRefusal::IllegalTransition { from, to } => {
                Self::invalid("Status", format!("must not go from `{from}` to `{to}`"))
            }
            VersionRefusal::Immutable(names) => each(names, "must not change once the version is decided on"),
            VersionRefusal::ContentWithDecision(names) => {
                each(names, "must not change in the request that decides on the version")
            }
            VersionRefusal::FourEyes => Self::Forbidden(Denial::default()),
            VersionRefusal::Unproven(domains) => {
                let mut faults = Faults::default();
                for (field, domain) in domains {
                    faults.add(field, format!("is `{domain}`, which is not proven"));
                }
                Self::Invalid(faults)
            }
            VersionRefusal::Claimed(domains) => {
                let names: Vec<String> = domains.iter().map(|(_, domain)| format!("`{domain}`")).collect();
                let message = format!("another active configuration restricts {}", names.join(", "));
                Self::conflict(Conflict::Claimed, message)
            }
            VersionRefusal::Unusable(obstacles) => Self::conflict(Conflict::WrongState, describe(&obstacles)),
            VersionRefusal::TooMany => {
                Self::conflict(Conflict::Limit, format!("a configuration has at most {MAX_VERSIONS} versions"))
            }
            VersionRefusal::TooManyOpen => Self::conflict(
                Conflict::Limit,
                format!("a configuration has at most {MAX_OPEN_VERSIONS} pending versions"),
            ),
            VersionRefusal::TooManyDomains => Self::conflict(
                Conflict::Limit,
                format!("the versions of a configuration name at most {MAX_DOMAINS} domains"),
            ),
            VersionRefusal::Kept => {
                Self::invalid("Status", "must be `Pending` or `Rejected`: what was approved is kept")
            }
        }
    }
}

#[cfg(test)]
mod claims;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
