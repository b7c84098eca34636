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
    /// The tenant of the principal and of the resource.
    pub tenant: TenantId,
    /// The verified principal.
    pub principal: Principal<'a>,
    /// The requested action.
    pub action: Action,
    /// The request's network origin and ids.
    pub origin: &'a Origin,
    /// Time of the request.
    pub at: Timestamp,
}

/// The principal of a request.
#[derive(Clone, Copy, Debug)]
pub enum Principal<'a> {
    /// A credential of the tenant.
    Credential(&'a Credential),
    /// The platform itself, on a schedule. In policies it is `Trustplane::Credential::"system"`, of the kind `system` and
    /// without roles.
    System,
}

/// Id, name, kind and type of [`Principal::System`].
const SYSTEM: &str = "system";

impl<'a> Principal<'a> {
    pub(crate) fn id(self) -> String {
        self.credential().map_or_else(|| SYSTEM.to_owned(), |credential| credential.id.to_string())
    }

    fn credential(self) -> Option<&'a Credential> {
        match self {
            Self::Credential(credential) => Some(credential),
            Self::System => None,
        }
    }

    fn name(self) -> &'a str {
        self.credential().map_or(SYSTEM, |credential| &credential.name)
    }

    fn roles(self) -> impl Iterator<Item = &'static str> {
        self.credential().into_iter().flat_map(|credential| credential.roles.iter().map(|role| role.as_str()))
    }
}

impl PolicyRequest<'_> {
    pub(crate) fn actor(&self) -> Actor {
        let kind = if self.principal.credential().is_some() { "credential" } else { SYSTEM };
        Actor {
            id: self.principal.id(),
            name: self.principal.name().to_owned(),
            kind: kind.to_owned(),
            roles: self.principal.roles().map(str::to_owned).collect(),
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
        let principal = uid("Credential", &self.principal.id())?;
        let action_uid = uid("Action", action.name)?;
        let resource_uid = uid(resource.kind.entity_type(), &resource.id)?;
        let entities = [
            Entity::new(
                principal.clone(),
                self.principal_attributes(),
                self.principal.roles().map(|role| uid("Role", role)).collect::<Result<HashSet<_>, _>>()?,
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
        let credential = self.principal.credential();
        // The platform is as old as its request, so that no policy on the age of credentials concerns it.
        let created_at = credential.map_or(self.at, |credential| credential.created_at);
        let age = self.at.millis_since(created_at).max(0) / DAY;
        let mut attributes = HashMap::from([
            ("name".to_owned(), text(self.principal.name())),
            ("kind".to_owned(), text(credential.map_or(SYSTEM, |credential| credential.kind.as_str()))),
            ("roles".to_owned(), RestrictedExpression::new_set(self.principal.roles().map(text))),
            ("created_at".to_owned(), datetime(created_at)),
            ("age_days".to_owned(), RestrictedExpression::new_long(age)),
        ]);
        if let Some(at) = credential.and_then(|credential| credential.expires_at) {
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
    let images = images.into_iter().filter_map(|(name, image)| Some((name.to_owned(), image?.expression())));
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
