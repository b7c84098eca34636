//! Decisions of the built-in policies, computed by Cedar. Written by `cargo catalogue`; see `table.rs`.
//!
//! Values that the policies do not tell apart are in one class.

use crate::table::Outcome;

/// Fingerprint of the text of the policies.
pub(crate) const BUILT_IN: u64 = 0xfffb651188dea59;

/// The roles; each is a bit of a column's number.
pub(crate) const ROLES: [&str; 4] = ["admin", "approver", "editor", "viewer"];

/// Kinds of credentials.
pub(crate) const CREDENTIALS: &[&[&str]] = &[
    &["bearer", "access_key"],
    &["temporary"],
];

/// Kinds of resources.
pub(crate) const RESOURCES: &[&[&str]] = &[
    &["Integration", "ExternalId", "Instance", "Policy", "AuditLog", "IdentityProvider", "IdpCertificate", "SpCertificate", "Organisation", "AuthorisationServer", "SsoConfiguration", "SsoConfigurationVersion", "Domain", "Tenant", "Webhook", "NotificationContacts", "SetupLink"],
    &["ApiKey"],
];

/// Values of `own_version`.
pub(crate) const OWN_VERSIONS: &[&[Option<bool>]] = &[
    &[None, Some(false)],
    &[Some(true)],
];

/// Actions by name, if a policy names them, and by group.
pub(crate) const ACTIONS: &[&[(Option<&str>, &str)]] = &[
    &[(None, "read")],
    &[(None, "write"), (Some("refresh-external-idp"), "write"), (Some("enable-external-idp"), "write")],
    &[(None, "approve")],
    &[(None, "administer")],
];

/// The decisions that occur.
pub(crate) const OUTCOMES: &[Outcome] = &[
    Outcome { permitted: false, determining: &[], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.admin"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.approver"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.admin", "built-in.approver"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.editor"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.admin", "built-in.editor"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.approver", "built-in.editor"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.admin", "built-in.approver", "built-in.editor"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.viewer"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.admin", "built-in.viewer"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.approver", "built-in.viewer"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.admin", "built-in.approver", "built-in.viewer"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.editor", "built-in.viewer"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.admin", "built-in.editor", "built-in.viewer"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.approver", "built-in.editor", "built-in.viewer"], notices: &[] },
    Outcome { permitted: true, determining: &["built-in.admin", "built-in.approver", "built-in.editor", "built-in.viewer"], notices: &[] },
    Outcome { permitted: false, determining: &["built-in.four-eyes"], notices: &["Somebody else has to approve this version: you submitted or last edited it, or share a key's origin with who did."] },
    Outcome { permitted: false, determining: &["built-in.temporary-keys"], notices: &["A temporary access key has no say over keys: use the key that it was made from."] },
    Outcome { permitted: false, determining: &["built-in.four-eyes", "built-in.temporary-keys"], notices: &["A temporary access key has no say over keys: use the key that it was made from.", "Somebody else has to approve this version: you submitted or last edited it, or share a key's origin with who did."] },
];

/// A row for each combination of the classes, in the order of the lists; in it, the outcome for each set of roles.
pub(crate) const ROWS: &[[u8; 1 << ROLES.len()]] = &[
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 1, 0, 1, 4, 5, 4, 5, 0, 1, 0, 1, 4, 5, 4, 5],
    [0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2],
    [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 1, 0, 1, 4, 5, 4, 5, 0, 1, 0, 1, 4, 5, 4, 5],
    [16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16],
    [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 1, 0, 1, 4, 5, 4, 5, 0, 1, 0, 1, 4, 5, 4, 5],
    [0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2],
    [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 1, 0, 1, 4, 5, 4, 5, 0, 1, 0, 1, 4, 5, 4, 5],
    [16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16],
    [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 1, 0, 1, 4, 5, 4, 5, 0, 1, 0, 1, 4, 5, 4, 5],
    [0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2],
    [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [0, 1, 0, 1, 4, 5, 4, 5, 0, 1, 0, 1, 4, 5, 4, 5],
    [16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16],
    [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
    [17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17],
    [17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17],
    [17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17],
    [17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17],
    [17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17],
    [17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17],
    [18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18],
    [17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17],
];
