//! Remembering what AWS said of the tenant's instance.

use trustplane_domain::connection::{Connection, InstanceFacts};
use trustplane_domain::identity_provider::IdentityProvider;
use trustplane_policy::Grant;
use trustplane_store::{Stored, keys};

use crate::Call;

impl Call {
    /// `before` with what AWS says of its instance now, through a role that was thereby proven. Where that has another
    /// identity store than was known, the store's provider is read: one round trip.
    pub async fn remembering(&self, grant: &Grant, before: &Connection, seen: InstanceFacts) -> Connection {
        let known = before.instance.as_ref();
        let provider_enabled = if known.is_some_and(|known| known.identity_store_id == seen.identity_store_id) {
            before.provider_enabled
        } else {
            self.provider_enabled(grant, &seen.identity_store_id).await.unwrap_or(before.provider_enabled)
        };
        Connection { instance: Some(seen.after(known)), provider_enabled, role_proven: true, ..before.clone() }
    }

    /// Whether the provider of the store is enabled. `None` where that cannot be read.
    async fn provider_enabled(&self, grant: &Grant, store: &str) -> Option<bool> {
        let key = keys::Tenant::granted(grant).identity_provider(store);
        let mut read = self.read_more(std::slice::from_ref(&key)).await.ok()?;
        let provider: Option<Stored<IdentityProvider>> = read.take(&key).unwrap_or_default();
        Some(provider.is_some_and(|provider| provider.value.is_enabled()))
    }
}
