//! An identity store of the tenant's instance, with what is kept for it.

use trustplane_domain::Failure;
use trustplane_domain::connection::Connection;
use trustplane_domain::identity_provider::{IdentityProvider, IdentityProviderId};
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_policy::Grant;
use trustplane_runtime::call::Deciding;
use trustplane_runtime::{Context, Decision, Planned, Response, Worked};
use trustplane_store::{CommitError, Reads, Slot, Stored, TenantKeys};

use crate::instances;

/// An identity store. `S` is the service provider that the platform is for it, where that is read too.
pub(crate) struct Store<S = ()> {
    /// The id of the store.
    pub(crate) id: String,
    /// The connection that the store is reached through.
    pub(crate) connection: Stored<Connection>,
    /// The external identity provider.
    pub(crate) provider: Slot<IdentityProvider>,
    /// The service provider: certificates and keys.
    pub(crate) service_provider: S,
}

/// An identity store, read with its service provider.
pub(crate) type ServedStore = Store<Slot<ServiceProvider>>;

/// A step of a request about a store.
enum Step<P> {
    /// Serve the request.
    Serve(P),
    /// Ask AWS which store the instance has: nothing is remembered of it.
    Peek(Box<Stored<Connection>>),
}

/// The reads of a store.
pub(crate) fn reads(id: &str, keys: TenantKeys) -> impl Reads<Loaded = Store> + use<> {
    reads_with(id, keys, ())
}

/// The reads of a store and of its service provider.
pub(crate) fn reads_served(id: &str, keys: TenantKeys) -> impl Reads<Loaded = ServedStore> + use<> {
    reads_with(id, keys, keys.service_provider(id).optional())
}

/// The reads of a store and of others.
pub(crate) fn reads_with<R: Reads>(
    id: &str,
    keys: TenantKeys,
    others: R,
) -> impl Reads<Loaded = Store<R::Loaded>> + use<R> {
    let id = id.to_owned();
    let own = (keys.connection().expected(), keys.identity_provider(&id).optional());
    (own, others).map(|((connection, provider), service_provider)| Store { id, connection, provider, service_provider })
}

/// Decides and serves a request about a store of the tenant's instance.
///
/// AWS is asked first where nothing is remembered of the instance: one or two more round trips for what it says, and the
/// reads once more.
pub(crate) async fn decide<I, B, S, R: Reads<Loaded = Store<S>>, D: Into<Decision>>(
    request: Deciding<'_, I, B, R>,
    decide: impl Fn((&I, &B), Store<S>, &Context<'_>) -> Result<D, Failure>,
) -> Result<Response, Failure> {
    let plan = |asked: (&I, &B), store: Store<S>, cx: &Context<'_>| Ok(Planned::from(decide(asked, store, cx)?.into()));
    work(request, plan, async |_, _, _| Ok(()), |decision, (), _| Ok(decision)).await
}

/// Decides and serves a request as [`decide`] does, with external work once it is permitted.
pub(crate) async fn work<'c, I, B, S, R: Reads<Loaded = Store<S>>, P, M, D: Into<Decision>>(
    request: Deciding<'c, I, B, R>,
    plan: impl Fn((&I, &B), Store<S>, &Context<'_>) -> Result<Planned<P>, Failure> + 'c,
    work: impl AsyncFn(&P, &Context<'_>, &Grant) -> Result<M, Failure>,
    decide: impl Fn(P, &M, &Context<'_>) -> Result<D, Failure>,
) -> Result<Response, Failure> {
    request
        .plan(move |asked, store, cx| match store.check()? {
            None => Ok(plan(asked, store, cx)?.map(Step::Serve)),
            // The plan is made all the same: the policies are asked the same question now and when AWS has answered.
            Some(connection) => Ok(match plan(asked, store, cx) {
                Ok(planned) => planned.map(|_| Step::Peek(connection)),
                Err(_) => Planned::new(Step::Peek(connection)),
            }),
        })
        .then(async |step: &Step<P>, cx: &Context<'_>, grant: &Grant| match step {
            Step::Serve(plan) => Ok(Worked::Done(work(plan, cx, grant).await?)),
            Step::Peek(connection) => {
                instances::spend(cx, grant, &connection.value).await?;
                instances::fetch(cx, grant, connection).await?;
                Ok(Worked::ReadAgain(None))
            }
        })
        .decide(|step, made, cx| match step {
            Step::Serve(plan) => decide(plan, made, cx),
            // Another request changed the connection after the work was done.
            Step::Peek(_) => Err(CommitError::Lost.into()),
        })
        .await
}

impl<S> Store<S> {
    /// Returns the provider of this id.
    pub(crate) fn provider(&self, id: Option<IdentityProviderId>) -> Result<&Stored<IdentityProvider>, Failure> {
        let found = self.provider.item.as_ref().filter(|provider| Some(provider.value.id()) == id);
        found.ok_or(Failure::NotFound("identity provider"))
    }

    /// Checks that the tenant's instance has this store. Returns the connection where nothing is remembered of the
    /// instance.
    pub(crate) fn check(&self) -> Result<Option<Box<Stored<Connection>>>, Failure> {
        instances::configured(&self.connection.value.settings)?;
        match &self.connection.value.instance {
            Some(instance) if instance.identity_store_id == self.id => Ok(None),
            Some(_) => Err(Failure::NotFound("identity store")),
            None => Ok(Some(Box::new(self.connection.clone()))),
        }
    }
}
