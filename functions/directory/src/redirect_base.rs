//! What redirect URIs begin with: `TRUSTPLANE_REDIRECT_BASE`.

use std::sync::LazyLock;

use trustplane_domain::Failure;
use trustplane_domain::directory::sso_configuration::RedirectBase;
use trustplane_runtime::Platform;

/// The base of this deployment, read once a process.
pub(crate) fn redirect_base() -> Result<&'static RedirectBase, Failure> {
    static BASE: LazyLock<Result<RedirectBase, String>> = LazyLock::new(|| {
        let text = Platform::setting(NAME).map_err(|error| error.to_string())?;
        RedirectBase::parse(&text).map_err(|message| format!("`{NAME}` {message}"))
    });
    BASE.as_ref().map_err(|error| {
        tracing::error!(error, "setting");
        Failure::Internal
    })
}

const NAME: &str = "TRUSTPLANE_REDIRECT_BASE";
