//! What every function process has: its settings, the table and the AWS clients.

use std::sync::Arc;

use aws_config::SdkConfig;
use trustplane_aws::{Customers, Deriver, EventBus, Meter, Seal};
use trustplane_domain::region::AccountId;
use trustplane_store::Table;

use crate::Function;

/// Made once, before the first event is asked for.
#[derive(Debug)]
pub struct Platform {
    /// The table.
    pub table: Table,
    /// The AWS account that the platform itself runs in.
    pub account: AccountId,
    /// The configuration that clients of AWS services are made from.
    pub sdk: SdkConfig,
    /// What counts every call.
    pub meter: Arc<Meter>,
    /// The bus, in a function that puts events on it.
    pub bus: Option<EventBus>,
    /// The customers' accounts.
    pub customers: Customers,
    /// The platform's key, where the function is given one.
    pub seal: Option<Seal>,
    /// What derives the secrets of access keys, where the function is given the key for it.
    pub deriver: Option<Deriver>,
    /// Where users sign in to what an identity store serves: `https://auth.example.com`, with no slash at its end.
    pub saml_base: Option<String>,
}

/// Why a process cannot start. Names the setting.
pub type SettingsError = Box<dyn std::error::Error + Send + Sync>;

impl Platform {
    /// Reads `TRUSTPLANE_TABLE`, `TRUSTPLANE_ACCOUNT_ID` and the SDK's own variables; what `function` uses beside these
    /// (`TRUSTPLANE_EVENT_BUS`); `TRUSTPLANE_KEY_ID`, `TRUSTPLANE_MAC_KEY_ID` and `TRUSTPLANE_SAML_BASE` where they are set.
    pub async fn from_env(function: &Function) -> Result<Self, SettingsError> {
        let meter = Arc::new(Meter::default());
        let account = AccountId::parse(&setting("TRUSTPLANE_ACCOUNT_ID")?)
            .map_err(|message| format!("`TRUSTPLANE_ACCOUNT_ID` {message}"))?;
        let table_name = setting("TRUSTPLANE_TABLE")?;
        let sdk = trustplane_aws::load().await?;
        let table = Table::new(&sdk, table_name, Arc::clone(&meter));
        let customers = Customers::new(&sdk, Arc::clone(&meter));
        let seal = setting("TRUSTPLANE_KEY_ID").ok().map(|key_id| Seal::new(&sdk, Arc::clone(&meter), key_id));
        let mac_key = setting("TRUSTPLANE_MAC_KEY_ID").ok();
        let deriver = mac_key.map(|key_id| Deriver::new(&sdk, Arc::clone(&meter), key_id));
        let saml_base = setting("TRUSTPLANE_SAML_BASE").ok().map(|base| base.trim_end_matches('/').to_owned());
        let bus = if function.permissions.contains(&crate::Permission::PutEvents) {
            Some(EventBus::new(&sdk, Arc::clone(&meter), setting("TRUSTPLANE_EVENT_BUS")?))
        } else {
            None
        };
        Ok(Self { table, account, sdk, meter, bus, customers, seal, deriver, saml_base })
    }

    /// A setting that only some functions need.
    pub fn setting(name: &str) -> Result<String, SettingsError> {
        setting(name)
    }
}

fn setting(name: &str) -> Result<String, SettingsError> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(format!("the environment variable `{name}` is not set").into()),
    }
}
