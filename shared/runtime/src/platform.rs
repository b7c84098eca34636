//! The platform of a process: its settings, the table and the AWS clients.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_config::SdkConfig;
use trustplane_aws::{Archive, Customers, DeadLetters, Deriver, EventBus, Meter, Seal};
use trustplane_domain::directory::redirect_uri::RedirectBase;
use trustplane_domain::region::AccountId;
use trustplane_store::Table;

use crate::Function;
use crate::settings::{Setting, Settings, SettingsError, Unset};

/// The clients and settings of a process, made once, before its first event.
///
/// A method that returns a setting fails only in a function that is not listed as needing it (`settings.rs`): a needed
/// setting that is missing has ended the process at its start.
#[derive(Debug)]
pub struct Platform {
    /// The table.
    pub table: Table,
    /// The AWS account that the platform itself runs in.
    pub account: AccountId,
    /// The configuration that clients of AWS services are made from.
    pub sdk: SdkConfig,
    /// The counter of all calls.
    pub meter: Arc<Meter>,
    /// The customers' accounts.
    pub customers: Customers,
    archive: Setting<Archive>,
    bus: Setting<EventBus>,
    seal: Setting<Seal>,
    deriver: Setting<Deriver>,
    settings: Settings,
}

impl Platform {
    /// Reads the settings that `function` needs, and the SDK's own variables.
    pub(crate) async fn from_env(function: &Function) -> Result<Self, SettingsError> {
        let settings = Settings::from_env(function)?;
        let meter = Arc::new(Meter::default());
        let sdk = trustplane_aws::load(settings.endpoint_url.value().map(String::as_str)).await?;
        Ok(Self {
            table: Table::new(&sdk, settings.table.clone(), Arc::clone(&meter))
                .with_audit_retention(settings.audit_retention_days),
            account: settings.account.clone(),
            customers: Customers::new(&sdk, Arc::clone(&meter))
                .with_pace(settings.reading_calls_per_second.value().copied()),
            archive: settings.archive.map(|host| Archive::new(&sdk, Arc::clone(&meter), host)),
            bus: settings.event_bus.map(|name| EventBus::new(&sdk, Arc::clone(&meter), name.clone())),
            seal: settings.key_id.map(|id| Seal::new(&sdk, Arc::clone(&meter), id.clone())),
            deriver: settings.mac_key_id.map(|id| Deriver::new(&sdk, Arc::clone(&meter), id.clone())),
            sdk,
            meter,
            settings,
        })
    }

    /// The event bus.
    pub fn bus(&self) -> Result<&EventBus, Unset> {
        self.bus.get()
    }

    /// The queue of dead letters. A new client per call, since letters are rare.
    pub fn dead_letters(&self) -> Result<DeadLetters, Unset> {
        let url = self.settings.dead_letters.get()?;
        Ok(DeadLetters::new(&self.sdk, url.clone(), &self.meter))
    }

    /// The archive of seals.
    pub fn archive(&self) -> Result<&Archive, Unset> {
        self.archive.get()
    }

    /// The deriver of access key secrets.
    pub fn deriver(&self) -> Result<&Deriver, Unset> {
        self.deriver.get()
    }

    /// The platform's key for sealing texts.
    pub fn seal(&self) -> Result<&Seal, Unset> {
        self.seal.get()
    }

    /// The id of the KMS key that the platform signs with.
    pub fn signing_key_id(&self) -> Result<&str, Unset> {
        self.settings.signing_key_id.get().map(String::as_str)
    }

    /// The id of the KMS key of encryption, in a function that inspects the deployment.
    pub fn key_id(&self) -> Option<&str> {
        self.settings.key_id.value().map(String::as_str)
    }

    /// The id of the KMS key that secrets of access keys are derived with.
    pub fn mac_key_id(&self) -> Option<&str> {
        self.settings.mac_key_id.value().map(String::as_str)
    }

    /// As [`Self::signing_key_id`], in a function that inspects the deployment.
    pub fn signing_key(&self) -> Option<&str> {
        self.settings.signing_key_id.value().map(String::as_str)
    }

    /// The name or the ARN of the event bus, in a function that inspects the deployment.
    pub fn event_bus(&self) -> Option<&str> {
        self.settings.event_bus.value().map(String::as_str)
    }

    /// The URL of the queue of audit records that were not published or not sealed.
    pub fn audit_dead_letters(&self) -> Option<&str> {
        self.settings.dead_letters.value().map(String::as_str)
    }

    /// The URL of the queue of scheduled events that no run handled.
    pub fn schedule_dead_letters(&self) -> Option<&str> {
        self.settings.schedule_dead_letters.value().map(String::as_str)
    }

    /// The namespace of metrics; `None` if the function emits none.
    pub(crate) fn metric_namespace(&self) -> Option<&str> {
        self.settings.metric_namespace.value().map(String::as_str)
    }

    /// The version of the template that the function was deployed with.
    pub fn template_version(&self) -> Option<&str> {
        self.settings.template_version.value().map(String::as_str)
    }

    /// The base of redirect URIs as text, in a function that inspects the deployment.
    pub fn redirect_text(&self) -> Option<&str> {
        self.settings.redirect_base.value().map(RedirectBase::as_str)
    }

    /// The S3 URL of the template that the quick-create link opens; `None` if the deployment has none.
    pub fn bootstrap_template_url(&self) -> Option<&str> {
        self.settings.bootstrap_template_url.value().map(String::as_str)
    }

    /// The base of redirect URIs.
    pub fn redirect_base(&self) -> Result<&RedirectBase, Unset> {
        self.settings.redirect_base.get()
    }

    /// The base of sign-in addresses, such as `https://auth.example.com`, without a slash at its end.
    pub fn saml_base(&self) -> Result<&str, Unset> {
        self.settings.saml_base.get().map(String::as_str)
    }

    /// The base of setup links, such as `https://setup.example.com`, without a slash at its end; `None` for the address of
    /// the API.
    pub fn setup_base(&self) -> Option<&str> {
        self.settings.setup_base.value().map(String::as_str)
    }

    /// The DNS server that proofs of domains are looked up at; `None` for the system's own. For
    /// `trustplane_dns::Resolver::shared`.
    pub fn dns_server(&self) -> Option<SocketAddr> {
        self.settings.dns_server.value().copied()
    }
}
