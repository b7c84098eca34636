//! Keys of the index: the due lists, and the claims of a tenant.

use trustplane_domain::Timestamp;
use trustplane_domain::ids::TenantId;

use crate::PrimaryKey;

/// Partitions that the due list of one kind is spread over.
pub const DUE_SHARDS: u8 = 4;

/// A partition of the due list.
pub fn due_partition(kind: &str, shard: u8) -> String {
    format!("DUE#{kind}#{shard}")
}

/// The partition of the index that lists the claims of a tenant.
pub(crate) fn claims_partition(tenant: TenantId) -> String {
    format!("CLAIMS#{tenant}")
}

/// The shard of a tenant's items.
pub fn due_shard(tenant: TenantId) -> u8 {
    tenant.as_bytes().last().copied().unwrap_or_default() % DUE_SHARDS
}

/// The sort key in the due list of an item that is due at `when`.
pub(crate) fn due_sort(when: Timestamp, key: &PrimaryKey) -> String {
    format!("{when}#{}#{}", key.pk, key.sk)
}

/// The end of the sort keys of all items that are due at `until` or before.
pub(crate) fn due_end(until: Timestamp) -> String {
    // The character after the `#` that follows the time.
    format!("{until}$")
}
