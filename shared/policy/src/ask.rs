//! Converts a request to a Cedar request and its entities.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression, Schema,
};
use trustplane_domain::Timestamp;
use trustplane_domain::credential::Credential;
use trustplane_domain::ids::TenantId;
use trustplane_domain::setup::SetupScope;
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
    /// The actor of a setup session is its link.
    pub(crate) fn actor(&self) -> Actor {
        if let Some(setup) = self.setup() {
            return Actor::setup_link(setup.link, self.principal.name());
        }
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
        let Question { resource, before, after, .. } = question;
        let principal = uid("Credential", &self.principal.id())?;
        let action_uid = uid("Action", action.name)?;
        let resource_uid = uid(resource.kind.entity_type(), &resource.id)?;
        let entities = [
            Entity::new(
                principal.clone(),
                self.principal_attributes()?,
                self.principal.roles().map(|role| uid("Role", role)).collect::<Result<HashSet<_>, _>>()?,
            )?,
            Entity::new_no_attrs(
                action_uid.clone(),
                action.groups().map(|group| uid("Action", &group)).collect::<Result<HashSet<_>, _>>()?,
            ),
            Entity::new(
                resource_uid.clone(),
                resource_attributes(resource, before.as_ref(), after.as_ref()),
                HashSet::new(),
            )?,
        ];
        let context = Context::from_pairs(self.context(question))?;
        let request = Request::new(principal, action_uid, resource_uid, context, schema)?;
        Ok((request, Entities::from_entities(entities, schema)?))
    }

    fn principal_attributes(&self) -> Result<HashMap<String, RestrictedExpression>, Box<dyn std::error::Error>> {
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
        if let Some(setup) = self.setup() {
            attributes.insert("setup".to_owned(), scope(setup)?);
        }
        Ok(attributes)
    }

    fn setup(&self) -> Option<&SetupScope> {
        self.principal.credential()?.setup.as_deref()
    }

    fn context(&self, question: &Question) -> Vec<(String, RestrictedExpression)> {
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
        let facts = [
            ("own_version", question.own_version),
            ("own_configuration", question.own_configuration),
            ("worked_before", question.worked_before),
        ];
        let known = facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?)));
        context.extend(known.map(|(name, fact)| (name, RestrictedExpression::new_bool(fact))));
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

/// The scope of a setup session as policies see it.
fn scope(setup: &SetupScope) -> Result<RestrictedExpression, Box<dyn std::error::Error>> {
    let sections = setup.sections.iter().map(|section| text(section.as_str()));
    let mut fields = vec![
        ("link".to_owned(), text(&setup.link.to_string())),
        ("sections".to_owned(), RestrictedExpression::new_set(sections)),
        ("allow_changes".to_owned(), RestrictedExpression::new_bool(setup.allow_changes)),
        ("enable".to_owned(), text(setup.enable.as_str())),
    ];
    if let Some(id) = setup.sso_configuration_id {
        fields.push(("sso_configuration_id".to_owned(), text(&id.to_string())));
    }
    Ok(RestrictedExpression::new_record(fields)?)
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
