//! Requests that need a document from a URL that the tenant chose.
//!
//! The document is fetched once the policies permit a preview of it. Then the request starts over with the document, so
//! that the policies are asked about the very provider that it makes.

use trustplane_domain::Failure;
use trustplane_domain::connection::Connection;
use trustplane_policy::{Action, Grant};
use trustplane_runtime::call::Deciding;
use trustplane_runtime::{Budget, Context, Decision, Planned, Response, Worked, actions};
use trustplane_store::{CommitError, Reads, Stored};

use crate::instances;
use crate::store::Store;

/// A step of a request.
enum Step<F> {
    /// Write the decision.
    Write(Box<Decision>),
    /// Fetch the document; ask AWS too, where nothing is remembered of the instance.
    Fetch(F, Option<Box<Stored<Connection>>>),
    /// Ask AWS which store the instance has.
    Peek(Box<Stored<Connection>>),
}

/// The action that the policies are asked about before the document is fetched.
pub(crate) fn preview() -> Option<Action> {
    actions().find(|action| action.name == "preview-external-idp")
}

/// Decides and serves a request as [`crate::store::decide`] does. `wanted` names the document that is still to fetch, and
/// `fetch` returns the body with it, which `wanted` and `decide` get then.
pub(crate) async fn decide<'c, I, B, S, R: Reads<Loaded = Store<S>>, F, D: Into<Decision>>(
    request: Deciding<'c, I, B, R>,
    wanted: impl Fn((&I, &B), &Store<S>, &Context<'_>) -> Result<Option<F>, Failure> + 'c,
    fetch: impl AsyncFn(&F, &Context<'_>) -> Result<B, Failure>,
    decide: impl Fn((&I, &B), Store<S>, &Context<'_>) -> Result<D, Failure> + 'c,
) -> Result<Response, Failure> {
    request
        .plan(move |asked, store, cx| {
            let unknown = store.check()?;
            let missing = wanted(asked, &store, cx);
            match (missing, unknown) {
                (Ok(Some(document)), unknown) => Ok(Planned::new(Step::Fetch(document, unknown))),
                (Err(failure), None) => Err(failure),
                (Err(_), Some(connection)) => Ok(Planned::new(Step::Peek(connection))),
                (Ok(None), None) => {
                    let decision: Decision = decide(asked, store, cx)?.into();
                    Ok(Planned::from(decision).map(|decision| Step::Write(Box::new(decision))))
                }
                // The plan is made all the same: the policies are asked the same question now and once AWS has responded.
                (Ok(None), Some(connection)) => Ok(match decide(asked, store, cx) {
                    Ok(decision) => Planned::from(decision.into()).map(|_| Step::Peek(connection)),
                    Err(_) => Planned::new(Step::Peek(connection)),
                }),
            }
        })
        .then(async |step: &Step<F>, cx: &Context<'_>, grant: &Grant| {
            let (document, connection) = match step {
                Step::Write(_) => return Ok(Worked::Done(())),
                Step::Fetch(document, connection) => (Some(document), connection.as_ref()),
                Step::Peek(connection) => (None, Some(connection)),
            };
            if let Some(connection) = connection {
                cx.spend(grant, Budget::CustomersAws).await?;
                instances::fetch(cx, grant, connection).await?;
            }
            let Some(document) = document else { return Ok(Worked::ReadAgain(None)) };
            cx.spend(grant, Budget::OutgoingRequests).await?;
            Ok(Worked::ReadAgain(Some(fetch(document, cx).await?)))
        })
        .decide(|step, (), _| match step {
            Step::Write(decision) => Ok(*decision),
            // Another request changed the connection after the work was done.
            Step::Fetch(..) | Step::Peek(_) => Err(Failure::from(CommitError::Lost)),
        })
        .await
}
