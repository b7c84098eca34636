//! An identity store, the external identity provider in it and the service provider that we are to that: read together,
//! for a store that the tenant's instance has.

use std::cell::RefCell;

use trustplane_domain::connection::Connection;
use trustplane_domain::identity_provider::{IdentityProvider, IdentityProviderId};
use trustplane_domain::service_provider::ServiceProvider;
use trustplane_domain::{Failure, Faults};
use trustplane_policy::{Change, Grant};
use trustplane_runtime::{Answer, Call, Permitted, Response};
use trustplane_store::{Key, Read, StoreError, Stored, keys};

use crate::{instances, parameters};

/// What a request names in its path.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// The identity store.
    pub(crate) store: String,
    /// Whether the service provider is read too.
    service_provider: bool,
}

/// A store of the tenant's, and what is kept for it.
pub(crate) struct Store {
    /// Its id.
    pub(crate) id: String,
    /// The connection that it is reached through.
    pub(crate) connection: Stored<Connection>,
    /// Its external identity provider, if it has one.
    pub(crate) provider: Option<Stored<IdentityProvider>>,
    /// Where a provider is kept.
    pub(crate) provider_key: Key,
    /// Our service provider for it, if it has certificates and was read.
    pub(crate) service_provider: Option<Stored<ServiceProvider>>,
    /// Where that is kept.
    pub(crate) service_provider_key: Key,
}

impl Path {
    /// Reads the path's ids; what is wrong goes to `faults`.
    pub(crate) fn of(call: &Call, faults: &mut Faults) -> Self {
        let store = parameters::id(call, "identity_store_id", faults).unwrap_or_default();
        Self { store, service_provider: false }
    }

    /// This, with the service provider to be read.
    pub(crate) fn with_service_provider(self) -> Self {
        Self { service_provider: true, ..self }
    }

    fn keys(&self, tenant: TenantKeys) -> Vec<Key> {
        let mut keys = vec![tenant.connection(), tenant.identity_provider(&self.store)];
        if self.service_provider {
            keys.push(tenant.service_provider(&self.store));
        }
        keys
    }
}

impl Store {
    fn take(read: &mut Read, path: &Path, tenant: TenantKeys) -> Result<Self, StoreError> {
        let provider_key = tenant.identity_provider(&path.store);
        let service_provider_key = tenant.service_provider(&path.store);
        Ok(Self {
            id: path.store.clone(),
            connection: instances::take_connection(read, tenant)?,
            provider: read.take(&provider_key)?,
            provider_key,
            service_provider: read.take(&service_provider_key)?,
            service_provider_key,
        })
    }

    /// The provider of this id.
    pub(crate) fn provider(&self, id: Option<IdentityProviderId>) -> Result<&Stored<IdentityProvider>, Failure> {
        let found = self.provider.as_ref().filter(|provider| Some(provider.value.id()) == id);
        found.ok_or(Failure::NotFound("identity provider"))
    }

    /// Whether the tenant's instance has this store. [`Failure::AwsUnreachable`] where nothing is remembered.
    fn check(&self) -> Result<(), Failure> {
        instances::configured(&self.connection.value.settings)?;
        match &self.connection.value.instance {
            Some(instance) if instance.identity_store_id == self.id => Ok(()),
            Some(_) => Err(Failure::NotFound("identity store")),
            None => Err(Failure::AwsUnreachable),
        }
    }
}

/// Serves a request that changes what is kept for a store. `change` says what becomes of it.
///
/// Two round trips; three and two calls to AWS more where nothing is remembered of the instance.
pub(crate) async fn change<I>(
    call: &Call,
    input: Result<(Path, I), Failure>,
    change: impl Fn(&Store, &I) -> Result<Change<Answer>, StoreError>,
) -> Result<Response, Failure> {
    let unseen = RefCell::new(None);
    let keys = |tenant: TenantKeys, (path, _): &(Path, I)| path.keys(tenant);
    let checked = |read: &mut Read, (path, input): &(Path, I), tenant: TenantKeys| {
        let store = Store::take(read, path, tenant)?;
        let changed = change(&store, input)?;
        Ok(within(store, changed, &unseen))
    };
    let permitted = call.permit(&keys, None, &input, checked).await?;
    let remembered = unseen.take();
    match remembered {
        None => call.settle(permitted, keys, input, checked).await,
        Some(remembered) => {
            look(call, &permitted, &remembered).await?;
            call.change(keys, input, checked).await
        }
    }
}

/// As [`change`], where what is written has to be made elsewhere first: see [`Call::settle_made`].
pub(crate) async fn change_made<I, T, M>(
    call: &Call,
    input: Result<(Path, I), Failure>,
    change: impl Fn(&Store, &I) -> Result<Change<T>, StoreError>,
    make: impl AsyncFn(&Grant) -> Result<M, Failure>,
    write: impl Fn(T, &M) -> Result<Answer, Failure>,
) -> Result<Response, Failure> {
    let unseen = RefCell::new(None);
    let keys = |tenant: TenantKeys, (path, _): &(Path, I)| path.keys(tenant);
    let checked = |read: &mut Read, (path, input): &(Path, I), tenant: TenantKeys| {
        let store = Store::take(read, path, tenant)?;
        let changed = change(&store, input)?;
        Ok(within(store, changed, &unseen))
    };
    let mut permitted = call.permit(&keys, None, &input, checked).await?;
    let remembered = unseen.take();
    if let Some(remembered) = remembered {
        look(call, &permitted, &remembered).await?;
        permitted = call.permit(&keys, None, &input, checked).await?;
    }
    call.settle_made(permitted, keys, input, checked, make, write).await
}

/// Serves a request that looks at what is kept for a store. One round trip; where nothing is remembered of the instance
/// as for [`change`].
pub(crate) async fn view<I>(
    call: &Call,
    input: Result<(Path, I), Failure>,
    view: impl Fn(&Store, &I) -> Change<Response>,
) -> Result<Response, Failure> {
    let unseen = RefCell::new(None);
    let keys = |tenant: TenantKeys, (path, _): &(Path, I)| path.keys(tenant);
    let checked = |read: &mut Read, (path, input): &(Path, I), tenant: TenantKeys| {
        let store = Store::take(read, path, tenant)?;
        let viewed = view(&store, input);
        Ok(within(store, viewed, &unseen))
    };
    let permitted = call.permit(&keys, None, &input, checked).await?;
    let remembered = unseen.take();
    match remembered {
        None => permitted.change.outcome,
        Some(remembered) => {
            look(call, &permitted, &remembered).await?;
            call.view(keys, None, input, checked).await
        }
    }
}

/// The change as it is for a store that the instance has, or refused. Where nothing is remembered of the instance, the
/// connection to look through is put into `unseen`.
fn within<T>(store: Store, mut change: Change<T>, unseen: &RefCell<Option<Stored<Connection>>>) -> Change<T> {
    if let Err(failure) = store.check() {
        if failure == Failure::AwsUnreachable {
            unseen.replace(Some(store.connection));
        }
        change.outcome = Err(failure);
    }
    change
}

async fn look<T>(call: &Call, permitted: &Permitted<T>, remembered: &Stored<Connection>) -> Result<(), Failure> {
    match instances::look(call, &permitted.grant, remembered).await {
        Ok(_) => Ok(()),
        Err(error) => Err(call.customer_failure(&error)),
    }
}
