//! Authorization: the one place where a request is allowed or denied.

use trustplane_domain::Failure;
use trustplane_domain::failure::Denial;

use crate::{Action, Asked, Grant, Image, Policies, Resource, Schema, Verdict};

/// Data that was read, inaccessible until a policy allows the request.
#[derive(Debug)]
pub struct Sealed<R>(R);

impl<R> Sealed<R> {
    /// Seals data that was read.
    pub fn new(read: R) -> Self {
        Self(read)
    }
}

/// Effect of a request: the resource before and after, and the outcome. The outcome may be a refusal of the domain.
/// Only a client that is allowed the action sees the refusal.
#[derive(Debug)]
pub struct Change<T> {
    /// Overrides the function's own action where the body decides which action it is: an approval is not an edit.
    pub action: Option<Action>,
    /// The resource that it acts on.
    pub resource: Resource,
    /// The resource before the change; `None` where it does not exist.
    pub before: Option<Image>,
    /// The resource after the change; `None` where nothing changes or the resource is deleted.
    pub after: Option<Image>,
    /// True if the actor submitted the version in question. Four-eyes policies use it.
    pub own_version: Option<bool>,
    /// The version to compare with `If-Match`; `None` where the resource does not exist.
    pub etag: Option<u64>,
    /// The data to write and to respond with, or the refusal.
    pub outcome: Result<T, Failure>,
}

impl<T> Change<T> {
    /// Creates a change of `resource` with this outcome, and without images before and after.
    pub fn new(resource: Resource, outcome: Result<T, Failure>) -> Self {
        Self { action: None, resource, before: None, after: None, own_version: None, etag: None, outcome }
    }

    /// Sets the image of the resource before the change.
    #[must_use]
    pub fn before(mut self, image: Option<Image>) -> Self {
        self.before = image;
        self
    }

    /// Sets the image of the resource after the change.
    #[must_use]
    pub fn after(mut self, image: Option<Image>) -> Self {
        self.after = image;
        self
    }

    /// Sets the version to compare with `If-Match`.
    #[must_use]
    pub fn etag(mut self, version: Option<u64>) -> Self {
        self.etag = version;
        self
    }

    /// Overrides the function's own action.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// Sets `own_version`.
    #[must_use]
    pub fn own_version(mut self, own: bool) -> Self {
        self.own_version = Some(own);
        self
    }
}

/// An allowed change, with the grant to write it.
#[derive(Debug)]
pub struct Decided<T> {
    /// The grant.
    pub grant: Grant,
    /// The change.
    pub change: Change<T>,
}

/// Unseals `read`, lets `change` compute its effect, and asks the policies to allow it.
///
/// Returns [`Failure::Forbidden`] unless a policy permits it, no policy forbids it, and every policy could be
/// evaluated.
pub fn decide<R, T>(
    policies: &Policies,
    asked: &Asked<'_>,
    sealed: Sealed<R>,
    change: impl FnOnce(R) -> Change<T>,
) -> Result<Decided<T>, Failure> {
    let change = change(sealed.0);
    let action = change.action.unwrap_or(asked.action);
    let (request, entities) = asked
        .question(action, &change.resource, change.before.as_ref(), change.after.as_ref(), change.own_version)
        .map_err(|_| Failure::Internal)?;
    let verdict = policies.ask(&request, &entities);
    if verdict.permitted {
        let determining = verdict.determining_policies;
        let grant =
            Grant::decided(asked.tenant, asked.actor(), action.name, determining, asked.origin.clone(), asked.at);
        return Ok(Decided { grant, change });
    }
    Err(Failure::Forbidden(Denial {
        notices: verdict.notices,
        determining_policies: verdict.determining_policies,
        evaluation_failed: !verdict.errors.is_empty(),
        principal: asked.credential.id.to_string(),
        action: action.name.to_owned(),
        resource: (change.resource.kind.as_str(), change.resource.id),
    }))
}

/// Evaluates a question without acting on it, as a simulation does. Builds the same question as [`decide`], validated
/// against the schema.
///
/// # Errors
/// Returns the parts that do not fit the schema: an attribute that is missing, unknown or of another type.
pub fn evaluate(
    policies: &Policies,
    schema: &Schema,
    asked: &Asked<'_>,
    change: &Change<()>,
) -> Result<Verdict, String> {
    let (request, entities) = asked
        .question_by(
            Some(schema.cedar()),
            asked.action,
            &change.resource,
            change.before.as_ref(),
            change.after.as_ref(),
            change.own_version,
        )
        .map_err(|error| error.to_string())?;
    Ok(policies.ask(&request, &entities))
}
