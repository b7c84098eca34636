//! An organisation of the directory: whose authorisation servers these are.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::{Fields, string, words};
use super::ids::OrganisationId;
use crate::credential::parse_label;
use crate::{Faults, Timestamp};

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
    pub fn parse(body: &Map<String, Value>) -> Result<Self, Faults> {
        let mut fields = Fields::new(body);
        let id = fields.required("OrganisationId", |value| OrganisationId::parse_new(string(value)?));
        let name = fields.required("OrganisationName", name);
        let status = fields.optional("Status", status).unwrap_or(OrganisationStatus::Active);
        let new = id.zip(name).map(|(id, name)| Self { id, name, status });
        fields.finish(new)
    }
}

impl OrganisationUpdate {
    /// Reads the body of an update of `id`. The body may repeat the id, not change it.
    pub fn parse(body: &Map<String, Value>, id: &OrganisationId) -> Result<Self, Faults> {
        let mut fields = Fields::new(body);
        fields.optional("OrganisationId", |value| {
            if string(value)? == id.as_str() { Ok(()) } else { Err("must be the one in the path") }
        });
        let name = fields.required("OrganisationName", name);
        let status = fields.optional("Status", status);
        fields.finish(name.map(|name| Self { name, status }))
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
}

fn name(value: &Value) -> Result<String, String> {
    parse_label(string(value)?, 255)
}

fn status(value: &Value) -> Result<OrganisationStatus, String> {
    OrganisationStatus::parse(string(value)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new(body: Value) -> Result<NewOrganisation, Faults> {
        NewOrganisation::parse(body.as_object().unwrap())
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
        let faults = new(json!({"OrganisationId": "a b", "Status": "active"})).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["OrganisationId", "OrganisationName", "Status"]);
    }

    #[test]
    fn an_update_keeps_the_id_and_a_status_it_does_not_name() {
        let created = Timestamp::from_millis(1);
        let body = json!({"OrganisationId": "acme", "OrganisationName": "Acme", "Status": "Withdrawn"});
        let organisation = Organisation::new(new(body).unwrap(), created);

        let other = json!({"OrganisationId": "other", "OrganisationName": "Acme"});
        let faults = OrganisationUpdate::parse(other.as_object().unwrap(), &organisation.id).unwrap_err();
        assert_eq!(faults, Faults::of("OrganisationId", "must be the one in the path"));

        let rename = json!({"OrganisationId": "acme", "OrganisationName": "Acme Bank"});
        let update = OrganisationUpdate::parse(rename.as_object().unwrap(), &organisation.id).unwrap();
        let after = organisation.updated(update.clone(), Timestamp::from_millis(2));
        assert_eq!((after.name.as_str(), after.status), ("Acme Bank", OrganisationStatus::Withdrawn));
        assert_eq!((after.created_at, after.updated_at), (created, Timestamp::from_millis(2)));
        assert_eq!(after.updated(update, Timestamp::from_millis(3)), after);
    }
}
