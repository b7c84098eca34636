//! Sections that leave a session nothing to do.

use trustplane_domain::connection::Connection;
use trustplane_domain::directory::domain_proof::DomainProof;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::setup::{Section, SetupLink};
use trustplane_domain::{Failure, Timestamp};
use trustplane_store::{Table, TenantKeys};

/// Returns the sections that leave a session that begins at `now` nothing to do: what works already, and the session may not
/// change; and domains that are proven.
pub(crate) async fn finished(
    table: &Table,
    link: &SetupLink,
    connection: Option<&Connection>,
    now: Timestamp,
) -> Result<Vec<Section>, Failure> {
    let mut finished = working(link, connection, now);
    if let Some(id) = link.sso_configuration_id
        && domains_are_proven(table, TenantKeys::presented(link.id), id).await?
    {
        finished.push(Section::Domains);
    }
    Ok(finished)
}

/// Returns true if all sections leave a session nothing to do. Domains are read where all other sections do.
pub(crate) async fn is_finished(
    table: &Table,
    link: &SetupLink,
    connection: &Connection,
    now: Timestamp,
) -> Result<bool, Failure> {
    let working = working(link, Some(connection), now);
    let left: Vec<Section> = link.sections.iter().copied().filter(|section| !working.contains(section)).collect();
    match (left.as_slice(), link.sso_configuration_id) {
        ([], _) => Ok(true),
        ([Section::Domains], Some(id)) => domains_are_proven(table, TenantKeys::presented(link.id), id).await,
        _ => Ok(false),
    }
}

/// The sections that work, and that a session may not change.
fn working(link: &SetupLink, connection: Option<&Connection>, now: Timestamp) -> Vec<Section> {
    let works = |section: Section| match section {
        Section::AwsIdentityCenter => connection.is_some_and(|connection| connection.passed_before(now)),
        Section::IdentityProvider => connection.is_some_and(|connection| connection.provider_enabled),
        Section::Domains => false,
    };
    link.sections.iter().copied().filter(|section| !link.allow_changes && works(*section)).collect()
}

/// Returns true if every domain of the SSO configuration is proven. Three round trips: each has the keys of the next.
async fn domains_are_proven(table: &Table, keys: TenantKeys, id: SsoConfigurationId) -> Result<bool, Failure> {
    let Some(path) = table.load(keys.sso_configuration_path(id).optional()).await?.item else { return Ok(false) };
    let found = table.load(keys.sso_configuration(&path.value).optional()).await?;
    let Some(configuration) = found.value() else { return Ok(false) };
    let proofs: Vec<_> = configuration.domains.iter().map(|domain| keys.domain_proof(domain).optional()).collect();
    let proofs = table.load(proofs).await?;
    Ok(proofs.iter().all(|proof| proof.value().is_some_and(DomainProof::is_proven)))
}
