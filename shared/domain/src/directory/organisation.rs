//! An organisation of the directory, the owner of authorisation servers.

use serde::{Deserialize, Serialize};

use super::fields::finish;
use super::ids::{NewOrganisationId, OrganisationId};
use super::page::SortKey;
use super::words::words;
use crate::fields::Fields;
use crate::request::Label;
use crate::{Failure, Timestamp, request};

/// Largest number of organisations of a tenant.
pub const MAX_ORGANISATIONS: usize = 10_000;

words! {
    /// Status of an organisation.
    OrganisationStatus {
        /// It participates.
        Active = "Active",
        /// It does not participate yet.
        Pending = "Pending",
        /// It does not participate any more. Everything below it is kept, but unusable until it participates again.
        Withdrawn = "Withdrawn",
    }
}

/// An organisation, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// Display name: 1 to 255 characters.
    pub name: String,
    /// Status of the organisation.
    pub status: OrganisationStatus,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

request! {
    /// Body of a creation.
    pub struct CreateOrganisation {
        /// The id, chosen by the client. It never changes.
        required id: NewOrganisationId = "OrganisationId",
        /// Display name.
        required name: Label<255> = "OrganisationName",
        /// The status.
        optional status: OrganisationStatus = "Status" default OrganisationStatus::Active,
    }
}

request! {
    /// Body of an update.
    pub struct UpdateOrganisation {
        /// The id, as in the path.
        optional id: String = "OrganisationId",
        /// Display name.
        required name: Label<255> = "OrganisationName",
        /// The status. If omitted, it does not change.
        optional status: OrganisationStatus = "Status",
    }
}

/// A new organisation, as its creation describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganisation {
    /// The id, chosen by the client.
    pub id: OrganisationId,
    /// Display name: 1 to 255 characters.
    pub name: String,
    /// The status; `Active` if the request has none.
    pub status: OrganisationStatus,
}

/// An update of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationUpdate {
    /// Display name: 1 to 255 characters.
    pub name: String,
    /// The status; `None` keeps it, so that an update without a status does not reactivate a withdrawn organisation.
    pub status: Option<OrganisationStatus>,
}

impl NewOrganisation {
    /// Parses the body of a creation.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let CreateOrganisation { id, name, status } = CreateOrganisation::read(&mut fields);
        let new = id.zip(name).zip(status).map(|((id, name), status)| Self { id, name, status });
        finish(fields, new)
    }
}

impl OrganisationUpdate {
    /// Parses the body of an update of the organisation `id` of the path. The body may repeat the id, but not change
    /// it.
    pub fn parse(mut fields: Fields, id: &str) -> Result<Self, Failure> {
        let UpdateOrganisation { id: repeated, name, status } = UpdateOrganisation::read(&mut fields);
        if repeated.is_some_and(|repeated| repeated != id) {
            fields.fault("OrganisationId", "must be the one in the path");
        }
        finish(fields, name.map(|name| Self { name, status }))
    }
}

impl Organisation {
    /// Creates an organisation.
    pub fn new(new: NewOrganisation, now: Timestamp) -> Self {
        let NewOrganisation { id, name, status } = new;
        Self { id, name, status, created_at: now, updated_at: now }
    }

    /// Applies `update`. An update without a difference changes nothing.
    #[must_use]
    pub fn updated(&self, update: OrganisationUpdate, now: Timestamp) -> Self {
        let OrganisationUpdate { name, status } = update;
        let mut after = Self { name, status: status.unwrap_or(self.status), ..self.clone() };
        if after != *self {
            after.updated_at = now;
        }
        after
    }

    /// Fields that a list can be sorted by.
    pub const SORTABLE: &[&'static str] = &["OrganisationName", "OrganisationId", "Status", "CreatedAt", "UpdatedAt"];

    /// Returns the value of the field, one of [`Organisation::SORTABLE`], to sort by.
    pub fn sort_key(&self, field: &str) -> SortKey<'_> {
        match field {
            "OrganisationName" => self.name.as_str().into(),
            "OrganisationId" => self.id.as_str().into(),
            "Status" => self.status.as_str().into(),
            "CreatedAt" => SortKey::Number(self.created_at.as_millis()),
            "UpdatedAt" => SortKey::Number(self.updated_at.as_millis()),
            _ => SortKey::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fields::{of, wrong};
    use super::*;

    fn new(body: Value) -> Result<NewOrganisation, Failure> {
        NewOrganisation::parse(of(body))
    }

    #[test]
    fn a_new_organisation_is_active_by_default() {
        let body = json!({"OrganisationId": "acme", "OrganisationName": "Acme", "Unknown": 1});
        assert_eq!(new(body).unwrap().status, OrganisationStatus::Active);
        let body = json!({"OrganisationId": "acme", "OrganisationName": "Acme", "Status": "Pending"});
        assert_eq!(new(body).unwrap().status, OrganisationStatus::Pending);
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let fields = wrong(new(json!({"OrganisationId": "a b", "Status": "active"})));
        assert_eq!(fields, ["OrganisationId", "OrganisationName", "Status"]);
    }

    #[test]
    fn an_update_keeps_the_id_and_a_status_it_does_not_name() {
        let created = Timestamp::from_millis(1);
        let body = json!({"OrganisationId": "acme", "OrganisationName": "Acme", "Status": "Withdrawn"});
        let organisation = Organisation::new(new(body).unwrap(), created);

        let other = json!({"OrganisationId": "other", "OrganisationName": "Acme"});
        let refused = OrganisationUpdate::parse(of(other), "acme");
        assert_eq!(refused, Err(Failure::invalid("OrganisationId", "must be the one in the path")));

        let rename = json!({"OrganisationId": "acme", "OrganisationName": "Acme Bank"});
        let update = OrganisationUpdate::parse(of(rename), "acme").unwrap();
        let after = organisation.updated(update.clone(), Timestamp::from_millis(2));
        assert_eq!((after.name.as_str(), after.status), ("Acme Bank", OrganisationStatus::Withdrawn));
        assert_eq!((after.created_at, after.updated_at), (created, Timestamp::from_millis(2)));
        assert_eq!(after.updated(update, Timestamp::from_millis(3)), after);
    }

    #[test]
    fn every_sortable_field_has_a_key() {
        let item = Organisation::new(
            new(json!({"OrganisationId": "acme", "OrganisationName": "Acme"})).unwrap(),
            Timestamp::from_millis(1),
        );
        for field in Organisation::SORTABLE {
            assert_ne!(item.sort_key(field), SortKey::Absent, "{field}");
        }
    }
}
