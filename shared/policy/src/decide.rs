//! The one place where a request is permitted or denied.

use trustplane_domain::Failure;
use trustplane_domain::failure::Denial;

use crate::{Action, Grant, Image, Policies, PolicyRequest, Resource, Schema, Verdict};

/// Items that were read, which no response may depend on before a policy permits it.
#[derive(Debug)]
pub struct Sealed<R>(R);

impl<R> Sealed<R> {
    /// Seals data that was read.
    pub fn new(read: R) -> Self {
        Self(read)
    }
}

/// The question that the policies are asked: the resource before and after.
#[derive(Clone, Debug)]
pub struct Question {
    /// Another action than the function's own, where the request decides it: approving is not editing.
    pub action: Option<Action>,
    /// The resource.
    pub resource: Resource,
    /// The resource before the change; `None` where it does not exist.
    pub before: Option<Image>,
    /// The resource after the change; `None` where nothing changes or the resource is deleted.
    pub after: Option<Image>,
    /// The actor submitted the version in question; for policies of four eyes.
    pub own_version: Option<bool>,
    /// Of a setup session: the request is about the SSO configuration of its link and, where about a version, the newest.
    pub own_configuration: Option<bool>,
    /// Of a setup session: the request would change what worked before the session began.
    pub worked_before: Option<bool>,
}

/// A question, and the outcome that only permitted callers receive.
#[derive(Debug)]
pub struct Proposal<T> {
    /// The question.
    pub question: Question,
    /// The proposed change; a refusal of the domain is part of it.
    pub outcome: T,
}

/// A permitted proposal and the grant to carry it out.
#[derive(Debug)]
pub struct Permitted<T> {
    /// The grant.
    pub grant: Grant,
    /// The proposal.
    pub proposal: Proposal<T>,
}

impl Question {
    /// A question about `resource`, nothing known before or after.
    pub fn new(resource: Resource) -> Self {
        Self {
            action: None,
            resource,
            before: None,
            after: None,
            own_version: None,
            own_configuration: None,
            worked_before: None,
        }
    }
}

/// Opens what was read, lets `propose` derive a proposal from it, and asks the policies about that.
///
/// # Errors
/// [`Failure::Forbidden`] unless a policy permits it, none forbids it and each could be evaluated.
pub fn decide<R, T>(
    policies: &Policies,
    request: &PolicyRequest<'_>,
    sealed: Sealed<R>,
    propose: impl FnOnce(R) -> Proposal<T>,
) -> Result<Permitted<T>, Failure> {
    let proposal = propose(sealed.0);
    let question = &proposal.question;
    let action = question.action.unwrap_or(request.action);
    let verdict = policies.verdict(request, action, question).map_err(|error| Failure::internal(error.to_string()))?;
    if verdict.permitted {
        let determining = verdict.determining_policies;
        let grant = Grant::decided(
            request.tenant,
            request.actor(),
            action.name,
            determining,
            request.origin.clone(),
            request.at,
        );
        return Ok(Permitted { grant, proposal });
    }
    let Resource { kind, id } = proposal.question.resource;
    let missing_role = verdict.determining_policies.is_empty().then(|| action.group.least_role().as_str());
    Err(Failure::Forbidden(Denial {
        missing_role,
        notices: verdict.notices,
        determining_policies: verdict.determining_policies,
        evaluation_failed: !verdict.errors.is_empty(),
        principal: request.principal.id(),
        action: action.name.to_owned(),
        resource: (kind.as_str(), id),
    }))
}

/// Formats the error and the errors that led to it, without repetition.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = error.source();
    }
    message
}

/// Asks Cedar the question of [`decide`] without consequences, and checks it against the schema.
///
/// # Errors
/// The attribute that does not fit the schema: missing, unknown or of another type.
pub fn evaluate(
    policies: &Policies,
    schema: &Schema,
    request: &PolicyRequest<'_>,
    question: &Question,
) -> Result<Verdict, String> {
    let action = question.action.unwrap_or(request.action);
    let (cedar_request, entities) =
        request.question_by(Some(schema.cedar()), action, question).map_err(|error| with_sources(&*error))?;
    policies.ask(&cedar_request, &entities).map_err(|error| error.to_string())
}
