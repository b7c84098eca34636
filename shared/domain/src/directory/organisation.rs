//! An organisation of the directory: whose authorisation servers these are.

use serde::{Deserialize, Serialize};

use super::fields::{finish, optional, required};
use super::ids::OrganisationId;
use super::page::SortKey;
use super::words::words;
use crate::credential::parse_label;
use crate::fields::Fields;
use crate::{Failure, Timestamp};

/// Organisations that a tenant may have.
pub const MOST_ORGANISATIONS: usize = 10_000;

words! {
    /// Whether an organisation takes part.
    OrganisationStatus {
        /// It does.
        Active = "Active",
        /// It does not yet.
        Pending = "Pending",
        /// It does no longer. What is below it is kept and unusable, until it takes part again.
        Withdrawn = "Withdrawn",
    }
}

/// An organisation as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// What people call it: 1 to 255 characters.
    pub name: String,
    /// Whether it takes part.
    pub status: OrganisationStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a new organisation is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganisation {
    /// Chosen by the caller.
    pub id: OrganisationId,
    /// 1 to 255 characters.
    pub name: String,
    /// `Active` where the caller says nothing.
    pub status: OrganisationStatus,
}

/// What an organisation is to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationUpdate {
    /// 1 to 255 characters.
    pub name: String,
    /// `None` keeps the status: leaving it out must not bring a withdrawn organisation back.
    pub status: Option<OrganisationStatus>,
}

impl NewOrganisation {
    /// Reads the body of a creation.
    pub fn parse(mut fields: Fields) -> Result<Self, Failure> {
        let id = required(&mut fields, "OrganisationId", OrganisationId::parse_new);
        let name = required(&mut fields, "OrganisationName", parse_name);
        let status = optional(&mut fields, "Status", OrganisationStatus::parse).unwrap_or(OrganisationStatus::Active);
        finish(fields, id.zip(name).map(|(id, name)| Self { id, name, status }))
    }
}

impl OrganisationUpdate {
    /// Reads the body of an update of the organisation that the path calls `id`. The body may repeat the id, not change
    /// it.
    pub fn parse(mut fields: Fields, id: &str) -> Result<Self, Failure> {
        optional(
            &mut fields,
            "OrganisationId",
            |text| {
                if text == id { Ok(()) } else { Err("must be the one in the path") }
            },
        );
        let name = required(&mut fields, "OrganisationName", parse_name);
        let status = optional(&mut fields, "Status", OrganisationStatus::parse);
        finish(fields, name.map(|name| Self { name, status }))
    }
}

impl Organisation {
    /// A new organisation.
    pub fn new(new: NewOrganisation, now: Timestamp) -> Self {
        let NewOrganisation { id, name, status } = new;
        Self { id, name, status, created_at: now, updated_at: now }
    }

    /// This organisation with `update`. An update that says what is so already changes nothing.
    #[must_use]
    pub fn updated(&self, update: OrganisationUpdate, now: Timestamp) -> Self {
        let OrganisationUpdate { name, status } = update;
        let mut after = Self { name, status: status.unwrap_or(self.status), ..self.clone() };
        if after != *self {
            after.updated_at = now;
        }
        after
    }

    /// What a list of these can be sorted by.
    pub const SORTABLE: &[&'static str] = &["OrganisationName", "OrganisationId", "Status", "CreatedAt", "UpdatedAt"];

    /// What this is sorted by under one of [`Organisation::SORTABLE`].
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

fn parse_name(text: &str) -> Result<String, String> {
    parse_label(text, 255)
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
    fn a_new_organisation_is_active_unless_it_is_said_otherwise() {
        let body = json!({"OrganisationId": "acme", "OrganisationName": "Acme", "Unknown": 1});
        assert_eq!(new(body).unwrap().status, OrganisationStatus::Active);
        let body = json!({"OrganisationId": "acme", "OrganisationName": "Acme", "Status": "Pending"});
        assert_eq!(new(body).unwrap().status, OrganisationStatus::Pending);
    }

    #[test]
    fn all_faults_are_told_at_once() {
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
