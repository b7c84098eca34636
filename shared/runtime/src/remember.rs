//! Remembers what AWS says of the tenant's instance.

use trustplane_domain::connection::{Connection, InstanceFacts};
use trustplane_policy::Grant;
use trustplane_store::TenantKeys;

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

    /// The state of the store's provider; `None` where that cannot be read.
    async fn provider_enabled(&self, grant: &Grant, store: &str) -> Option<bool> {
        let key = TenantKeys::granted(grant).identity_provider(store);
        match self.platform.table.load(key.optional()).await {
            Ok(provider) => Some(provider.value().is_some_and(|provider| provider.is_enabled())),
            Err(error) => {
                tracing::warn!(error = %error, "an identity provider is not read");
                None
            }
        }
    }
}
