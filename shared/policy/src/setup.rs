//! Actions of the sessions of setup links, by section. Each section is a group of actions in Cedar, which the built-in
//! policies refer to.

use trustplane_domain::setup::Section;

/// Actions of every session: it may ask what it is.
const ALL: &[&str] = &["get-whoami"];

const AWS_IDENTITY_CENTER: &[&str] = &[
    "create-bootstrap-template",
    "get-external-id",
    "get-identity-center-config",
    "get-identity-center-test",
    "put-identity-center-config",
    "test-identity-center-connection",
];

const IDENTITY_PROVIDER: &[&str] = &[
    "create-external-idp",
    "delete-external-idp-certificate",
    "enable-external-idp",
    "get-sp-config",
    "import-external-idp-certificate",
    "list-external-idp-certificates",
    "list-external-idps",
    "list-identity-store-associations",
    "list-instances",
    "preview-external-idp",
    "refresh-external-idp",
    "test-external-idp",
    "update-external-idp",
];

const DOMAINS: &[&str] = &[
    "get-sso-configuration",
    "get-sso-configuration-reference",
    "get-sso-configuration-version",
    "list-sso-configuration-domains",
    "verify-sso-configuration-domain",
];

/// Returns the sections whose sessions have this action.
pub fn sections_of(action: &str) -> impl Iterator<Item = Section> {
    let actions = |section| match section {
        Section::AwsIdentityCenter => AWS_IDENTITY_CENTER,
        Section::IdentityProvider => IDENTITY_PROVIDER,
        Section::Domains => DOMAINS,
    };
    Section::ALL.into_iter().filter(move |section| ALL.contains(&action) || actions(*section).contains(&action))
}

/// Returns the name of a section's group of actions in Cedar.
pub(crate) fn group(section: Section) -> String {
    format!("setup-{}", section.as_str())
}

/// Returns the actions that a section has, or every section. For the test that each is in the table of functions.
pub fn setup_actions() -> impl Iterator<Item = &'static str> {
    [ALL, AWS_IDENTITY_CENTER, IDENTITY_PROVIDER, DOMAINS].into_iter().flatten().copied()
}
