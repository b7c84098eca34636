//! The one place where a request is allowed or not.

use trustplane_domain::Failure;
use trustplane_domain::failure::Denial;

use crate::{Action, Asked, Grant, Image, Policies, Resource, Schema, Verdict};

/// What was read and may not be looked at before a policy allows it.
#[derive(Debug)]
pub struct Sealed<R>(R);

impl<R> Sealed<R> {
    /// Seals what was read.
    pub fn new(read: R) -> Self {
        Self(read)
    }
}

/// What a request would do: the resource before and after, and the outcome, which is a refusal of the domain where it
/// cannot be done. The refusal is told only to those who may do it.
#[derive(Debug)]
pub struct Change<T> {
    /// Another action than the function's own, where what is asked for decides: approving is not editing.
    pub action: Option<Action>,
    /// What it is done to.
    pub resource: Resource,
    /// The resource as it is; `None` where there is none.
    pub before: Option<Image>,
    /// The resource as it would be; `None` where nothing would change or it would be gone.
    pub after: Option<Image>,
    /// Whether the actor submitted the version in question, for policies of four eyes.
    pub own_version: Option<bool>,
    /// The version that `If-Match` is compared with; `None` where there is no resource.
    pub etag: Option<u64>,
    /// What to write and to answer, or why not.
    pub outcome: Result<T, Failure>,
}

impl<T> Change<T> {
    /// A change of `resource` with this outcome, nothing known before or after.
    pub fn new(resource: Resource, outcome: Result<T, Failure>) -> Self {
        Self { action: None, resource, before: None, after: None, own_version: None, etag: None, outcome }
    }

    /// With the image of the resource as it is.
    #[must_use]
    pub fn before(mut self, image: Option<Image>) -> Self {
        self.before = image;
        self
    }

    /// With the image of the resource as it would be.
    #[must_use]
    pub fn after(mut self, image: Option<Image>) -> Self {
        self.after = image;
        self
    }

    /// With the version that `If-Match` is compared with.
    #[must_use]
    pub fn etag(mut self, version: Option<u64>) -> Self {
        self.etag = version;
        self
    }

    /// With another action than the function's own.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// With whether the actor submitted the version in question.
    #[must_use]
    pub fn own_version(mut self, own: bool) -> Self {
        self.own_version = Some(own);
        self
    }
}

/// An allowed change and the leave to make it.
#[derive(Debug)]
pub struct Decided<T> {
    /// The leave.
    pub grant: Grant,
    /// The change.
    pub change: Change<T>,
}

/// Opens what was read, lets `change` say what would become of it, and asks the policies about that.
///
/// [`Failure::Forbidden`] unless a policy permits it, none forbids it and each could be evaluated.
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

/// What the policies would say to a question, for whoever wants to know before it is asked in earnest: the question
/// [`decide`] puts, held against the schema.
///
/// # Errors
/// What does not fit the schema: an attribute that is missing, unknown or of another type.
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
