//! Keys of setup links and their sessions.

use trustplane_domain::credential::Credential;
use trustplane_domain::ids::CredentialId;
use trustplane_domain::setup::SetupLink;

use super::TenantKeys;
use crate::{Key, Query};

const SETUP_LINKS: &str = "SETUP-LINK#";

impl TenantKeys {
    /// A setup link.
    pub fn setup_link(self, id: CredentialId) -> Key<SetupLink> {
        self.key(format!("{SETUP_LINKS}{id}"))
    }

    /// All setup links.
    pub fn setup_links(self) -> Query<SetupLink> {
        self.list(SETUP_LINKS.to_owned())
    }

    /// The credential of a setup session. It is not among [`Self::credentials`].
    pub fn setup_session(self, id: CredentialId) -> Key<Credential> {
        self.key(format!("SETUP-SESSION#{id}"))
    }
}
