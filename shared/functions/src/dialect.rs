//! The dialects.

/// The API whose error format and headers a route follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JITSudo's: `{"code", "message", "details"?, "notices"?}`.
    Integration,
    /// Huawei Cloud's: `{"error_code", "error_msg", "request_id"}`.
    IdentitySource,
    /// Raidiam Connect's: `{"errors": []}` and FAPI headers.
    Directory,
}

impl Dialect {
    /// Returns the dialect of a path that no function serves, by its prefix.
    pub fn of_path(path: &str) -> Self {
        let under =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if under("/v1/instances") || under("/v1/identity-stores") {
            Self::IdentitySource
        } else if under("/organisations") || under("/references") {
            Self::Directory
        } else {
            Self::Integration
        }
    }

    /// Returns true if requests must carry `X-Tenant-ID`.
    pub fn requires_tenant_header(self) -> bool {
        self == Self::Integration
    }
}
