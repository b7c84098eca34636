//! The request that creates a setup link.

use std::collections::{BTreeMap, BTreeSet};

use trustplane_domain::directory::https_url::HttpsUrl;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::ids::CredentialId;
use trustplane_domain::request::{Label, List, Whole};
use trustplane_domain::setup::{Enable, Section, SetupLink};
use trustplane_domain::timestamp::SECOND;
use trustplane_domain::token::Token;
use trustplane_domain::{Failure, Timestamp, request, text_field};
use trustplane_runtime::Request;

/// Bounds of a link's time, in seconds: five minutes to two weeks.
const LEAST_SECONDS: i64 = 300;
const MOST_SECONDS: i64 = 1_209_600;
/// A link's time where the request names none: a week.
const USUAL_SECONDS: i64 = 604_800;
/// Largest number of sessions.
const MOST_SESSIONS: i64 = trustplane_domain::setup::link::MAX_SESSIONS as i64;

request! {
    /// Body of a new setup link.
    pub(crate) struct NewSetupLink {
        /// Sections of the setup page that the link opens.
        required sections: List<Section, 1, 3> = "sections",
        /// The person that it is for.
        required label: Label<64> = "label",
        /// The SSO configuration whose domains are proven; with the section `domains`.
        optional sso_configuration_id: ConfigurationId = "sso_configuration_id",
        /// Seconds in which it starts sessions.
        optional seconds: Whole<LEAST_SECONDS, MOST_SECONDS> = "expires_in_seconds" default USUAL_SECONDS,
        /// Number of sessions that it may start: one per person.
        optional max_sessions: Whole<1, MOST_SESSIONS> = "max_sessions" default 1,
        /// True to let its sessions change a connection that passed a test, or an identity provider that was enabled, before
        /// they began.
        optional allow_changes: bool = "allow_changes" default false,
        /// The party that enables the identity provider.
        optional enable: Enable = "enable" default Enable::Customer,
        /// The page that the last step leads back to.
        optional return_url: HttpsUrl = "return_url",
    }
}

/// The id of an SSO configuration.
pub(crate) enum ConfigurationId {}

text_field!(ConfigurationId => SsoConfigurationId, |text: &str| {
    SsoConfigurationId::parse(text).ok_or("must be the id of an SSO configuration, a uuid")
}, {"type": "string", "format": "uuid"});

/// A checked request.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    sections: BTreeSet<Section>,
    label: String,
    pub(crate) sso_configuration_id: Option<SsoConfigurationId>,
    seconds: i64,
    max_sessions: u8,
    allow_changes: bool,
    enable: Enable,
    return_url: Option<String>,
}

impl Wanted {
    /// Parses the body.
    pub(crate) fn parse(request: &Request) -> Result<Self, Failure> {
        let mut fields = request.fields()?;
        let names_configuration = fields.has("sso_configuration_id");
        let new = NewSetupLink::read(&mut fields);
        let sections: Option<BTreeSet<Section>> = new.sections.map(|sections| sections.into_iter().collect());
        if let Some(sections) = &sections {
            match (sections.contains(&Section::Domains), names_configuration) {
                (true, false) => fields.fault("sso_configuration_id", "is required with the section `domains`"),
                (false, true) => {
                    fields.fault("sso_configuration_id", "must be left out without the section `domains`");
                }
                _ => {}
            }
        }
        let wanted = sections.zip(new.label).map(|(sections, label)| Self {
            sections,
            label,
            sso_configuration_id: new.sso_configuration_id,
            seconds: new.seconds.unwrap_or(USUAL_SECONDS),
            max_sessions: new.max_sessions.and_then(|most| u8::try_from(most).ok()).unwrap_or(1),
            allow_changes: new.allow_changes.unwrap_or_default(),
            enable: new.enable.unwrap_or_default(),
            return_url: new.return_url.map(|url| url.as_str().to_owned()),
        });
        fields.finished(wanted)
    }

    /// Returns true if the identity provider can be set up once a connection is tested, and the link does not lead there.
    pub(crate) fn needs_connection(&self) -> bool {
        self.sections.contains(&Section::IdentityProvider) && !self.sections.contains(&Section::AwsIdentityCenter)
    }

    /// The link that the request creates.
    pub(crate) fn made(&self, secret: &Token, created_by: CredentialId, now: Timestamp) -> SetupLink {
        SetupLink {
            id: secret.id(),
            secret_hash: secret.hash(),
            label: self.label.clone(),
            sections: self.sections.clone(),
            sso_configuration_id: self.sso_configuration_id,
            created_at: now,
            created_by: created_by.to_string(),
            expires_at: now.plus_millis(self.seconds * SECOND),
            max_sessions: self.max_sessions,
            allow_changes: self.allow_changes,
            enable: self.enable,
            return_url: self.return_url.clone(),
            sessions: Vec::new(),
            progress: BTreeMap::new(),
            revoked_at: None,
            expiry_noticed: false,
        }
    }
}
