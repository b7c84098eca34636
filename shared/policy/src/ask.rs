//! Converts a request to a Cedar request and its entities.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression, Schema,
};
use trustplane_domain::Timestamp;
use trustplane_domain::credential::Credential;
use trustplane_domain::ids::TenantId;
use trustplane_domain::timestamp::DAY;

use crate::{Action, Actor, Image, Origin, Question, Resource};

/// Principal, action, origin and time of a request.
#[derive(Clone, Copy, Debug)]
pub struct PolicyRequest<'a> {
    /// The credential's tenant.
    pub tenant: TenantId,
    /// The verified principal.
    pub credential: &'a Credential,
    /// The requested action.
    pub action: Action,
    /// The request's network origin and ids.
    pub origin: &'a Origin,
    /// Time of the request.
    pub at: Timestamp,
}

impl PolicyRequest<'_> {
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            id: self.credential.id.to_string(),
            name: self.credential.name.clone(),
            kind: "credential".to_owned(),
            roles: self.credential.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        }
    }

    /// The question and the entities that it is about.
    pub(crate) fn question(
        &self,
        action: Action,
        question: &Question,
    ) -> Result<(Request, Entities), Box<dyn std::error::Error>> {
        self.question_by(None, action, question)
    }

    /// The same, checked against a schema.
    pub(crate) fn question_by(
        &self,
        schema: Option<&Schema>,
        action: Action,
        question: &Question,
    ) -> Result<(Request, Entities), Box<dyn std::error::Error>> {
        let Question { resource, before, after, own_version, .. } = question;
        let principal = uid("Credential", &self.credential.id.to_string())?;
        let action_uid = uid("Action", action.name)?;
        let resource_uid = uid(resource.kind.entity_type(), &resource.id)?;
        let roles = &self.credential.roles;
        let entities = [
            Entity::new(
                principal.clone(),
                self.principal_attributes(),
                roles.iter().map(|role| uid("Role", role.as_str())).collect::<Result<HashSet<_>, _>>()?,
            )?,
            Entity::new_no_attrs(action_uid.clone(), HashSet::from([uid("Action", action.group.as_str())?])),
            Entity::new(
                resource_uid.clone(),
                resource_attributes(resource, before.as_ref(), after.as_ref()),
                HashSet::new(),
            )?,
        ];
        let context = Context::from_pairs(self.context(*own_version))?;
        let request = Request::new(principal, action_uid, resource_uid, context, schema)?;
        Ok((request, Entities::from_entities(entities, schema)?))
    }

    fn principal_attributes(&self) -> HashMap<String, RestrictedExpression> {
        let credential = self.credential;
        let roles = credential.roles.iter().map(|role| text(role.as_str()));
        let age = self.at.millis_since(credential.created_at).max(0) / DAY;
        let mut attributes = HashMap::from([
            ("name".to_owned(), text(&credential.name)),
            ("kind".to_owned(), text(credential.kind.as_str())),
            ("roles".to_owned(), RestrictedExpression::new_set(roles)),
            ("created_at".to_owned(), datetime(credential.created_at)),
            ("age_days".to_owned(), RestrictedExpression::new_long(age)),
        ]);
        if let Some(at) = credential.expires_at {
            attributes.insert("expires_at".to_owned(), datetime(at));
        }
        attributes
    }

    fn context(&self, own_version: Option<bool>) -> Vec<(String, RestrictedExpression)> {
        let calendar = self.at.calendar();
        let mut context = vec![
            ("now".to_owned(), datetime(self.at)),
            ("hour".to_owned(), RestrictedExpression::new_long(i64::from(calendar.hour()))),
            ("weekday".to_owned(), text(&calendar.weekday().to_string())),
        ];
        let address = self.origin.source_ip.as_deref().filter(|ip| ip.parse::<std::net::IpAddr>().is_ok());
        if let Some(address) = address {
            context.push(("source_ip".to_owned(), RestrictedExpression::new_ip(address)));
        }
        if let Some(own) = own_version {
            context.push(("own_version".to_owned(), RestrictedExpression::new_bool(own)));
        }
        context
    }
}

fn resource_attributes(
    resource: &Resource,
    before: Option<&Image>,
    after: Option<&Image>,
) -> HashMap<String, RestrictedExpression> {
    let images = [("before", before), ("after", after)];
    let images =
        images.into_iter().filter_map(|(name, image)| Some((name.to_owned(), image?.expression(resource.kind))));
    images.chain([("id".to_owned(), text(&resource.id))]).collect()
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Box<dyn std::error::Error>> {
    let type_name = EntityTypeName::from_str(&format!("Trustplane::{kind}"))?;
    Ok(EntityUid::from_type_name_and_id(type_name, EntityId::new(id)))
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn datetime(at: Timestamp) -> RestrictedExpression {
    RestrictedExpression::new_datetime(at.to_string())
}
