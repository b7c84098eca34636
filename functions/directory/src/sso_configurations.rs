//! `/organisations/{OrganisationId}/authorisationservers/{AuthorisationServerId}/sso-configuration`: the SSO
//! configurations of an authorisation server.

use serde::Serialize;
use trustplane_domain::directory::email_address::EmailAddress;
use trustplane_domain::directory::ids::{AuthorisationServerId, OrganisationId, SsoConfigurationId};
use trustplane_domain::directory::obstacle::below_server;
use trustplane_domain::directory::redirect_uri::{RedirectBase, RedirectUriSuffix};
use trustplane_domain::directory::route::ConfigurationPath;
use trustplane_domain::directory::sso_configuration::{
    ConfigurationStatus, ConfigurationUpdate, MAX_CONFIGURATIONS, NewConfiguration, SsoConfiguration,
};
use trustplane_domain::{Conflict, Failure, Timestamp};
use trustplane_policy::{Image, Kind};
use trustplane_runtime::{Call, Context, Decision, Planned, Response, Subject, both};
use trustplane_store::{Optional, RedirectClaim, Stored, TenantKeys, Writes};

use crate::level::{Level, one_less, one_more};
use crate::obstacles::{unobstructed, warned};
use crate::path::{Configuration, ServerPath, configuration_reads};
use crate::{listing, path, redirect_uris};

const MAX: u64 = MAX_CONFIGURATIONS as u64;
/// Versions that are deleted with their configuration: a transaction has at most 100 items.
const MAX_AT_ONCE: usize = 90;

/// An SSO configuration.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoConfiguration"))]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body<'a> {
    /// Name for people.
    #[cfg_attr(feature = "schema", schemars(with = "trustplane_domain::request::Label<64>"))]
    display_name: &'a str,
    /// E-mail addresses of the people who are responsible for it.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 10)))]
    contacts: &'a [EmailAddress],
    /// Id of the configuration.
    #[serde(rename = "ID")]
    id: SsoConfigurationId,
    /// Id of its authorisation server.
    #[serde(rename = "ServerID")]
    server_id: AuthorisationServerId,
    /// Redirect URI to register at the OpenID provider.
    #[cfg_attr(feature = "schema", schemars(length(max = 255), regex(pattern = "^https://")))]
    redirect_uri: &'a str,
    /// Text that is unique to the configuration. Domains are proven by other records: see the configuration's domains.
    #[cfg_attr(feature = "schema", schemars(length(max = 255)))]
    text_record: &'a str,
    /// Status of the configuration. It serves addresses only while it is `Active`.
    status: ConfigurationStatus,
    /// Time of its creation.
    created_at: Timestamp,
    /// Time of the last change.
    updated_at: Timestamp,
}

/// A configuration as policies and the audit log see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SsoConfigurationImage"))]
pub(crate) struct View<'a> {
    organisation_id: &'a OrganisationId,
    server_id: AuthorisationServerId,
    display_name: &'a str,
    contacts: &'a [EmailAddress],
    redirect_uri: &'a str,
    status: ConfigurationStatus,
}

/// POST: creates an SSO configuration.
pub async fn create(call: Call) -> Result<Response, Failure> {
    let base = call.platform.redirect_base()?;
    let (id, random) = (SsoConfigurationId::new(call.now, call.random()?), call.random()?);
    let created = |path: &ServerPath, new: &NewConfiguration, cx: &Context<'_>| {
        let place = (path.organisation.clone(), path.server);
        SsoConfiguration::new(place, id, new.clone(), base, random, cx.now)
    };
    call.input(|request| both(path::server(request), request.fields().and_then(NewConfiguration::parse)))
        .reads(|(path, new), keys| {
            let count = keys.sso_configuration_count(&path.organisation, path.server).optional();
            (path.reads(keys), count, wanted_claim(new.redirect_uri_suffix.as_ref(), base, keys))
        })
        .subject(|((path, new), ()), _, cx| subject(id).after(image(&created(path, new, cx))))
        .plan(|((path, new), ()), ((organisation, server), count, claim), cx| {
            unobstructed(&below_server(&organisation.value, &server.value))?;
            redirect_uris::refuse_taken(claim.as_ref(), id, cx.keys.id())?;
            Ok(Planned::new((count, created(path, new, cx))))
        })
        .further(|(count, after), keys| level(&after.organisation_id, after.server_id, keys).uncounted(count))
        .decide(|(count, after), children, cx| {
            let rule = || format!("an authorisation server has at most {MAX} SSO configurations");
            let place = ConfigurationPath::from(&after);
            let writes = Writes::new()
                .create(&cx.keys.sso_configuration(&place), &after)
                .create(&cx.keys.sso_configuration_path(id), &place)
                .and(one_more(&count, children.as_ref(), MAX, rule)?)
                .and(redirect_uris::taken(&after, cx.keys));
            Ok(Decision::write(writes, Response::created(&body(&after)).etag(1)).may_lose_claim())
        })
        .await
}

/// GET: a page of SSO configurations, the oldest first unless another order is asked for.
pub async fn list(call: Call) -> Result<Response, Failure> {
    call.input(|request| both(path::server(request), listing::page(request, SsoConfiguration::SORTABLE)))
        .reads(|(path, page), keys| (path.reads(keys), level(&path.organisation, path.server, keys).page(page, false)))
        .subject(|((path, _), ()), _, _| Subject::new(Kind::AuthorisationServer, path.server.to_string()))
        .plan(|_, (above, found), _| Ok(Planned::new((above, found.plan()))))
        .further(|(_, plan), _| plan.again())
        .decide(|((organisation, server), plan), again, _| {
            let page = plan.page(again, |_| true, SsoConfiguration::sort_key);
            let response = Response::ok(&page.map(|configuration| serde_json::json!(body(&configuration))));
            Ok(warned(response, &below_server(&organisation.value, &server.value)))
        })
        .await
}

/// GET `/{ssoConfigurationId}`.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.input(path::configuration)
        .reads(configuration_reads)
        .subject(|(path, ()), found, cx| {
            stored(path, found).own_configuration(cx.owns_configuration(path.configuration_id))
        })
        .decide(|_, found, _| {
            let response = Response::ok(&body(&found.configuration.value)).etag(found.configuration.version);
            Ok(warned(response, &found.obstacles()))
        })
        .await
}

/// PUT `/{ssoConfigurationId}`: replaces what is the same for all versions.
pub async fn put(call: Call) -> Result<Response, Failure> {
    let base = call.platform.redirect_base()?;
    call.input(|request| both(path::configuration(request), request.fields().and_then(ConfigurationUpdate::parse)))
        .reads(|(path, update), keys| {
            (configuration_reads(path, keys), wanted_claim(update.redirect_uri_suffix.as_ref(), base, keys))
        })
        .subject(|((path, update), ()), read, cx| {
            let found = read.map(|(found, _)| found);
            let after = found.map(|found| image(&found.configuration.value.updated(update.clone(), base, cx.now)));
            stored(path, found).after(after)
        })
        .decide(|((path, update), ()), (found, claim), cx| {
            unobstructed(&found.obstacles())?;
            let before = &found.configuration;
            let mut after = before.value.updated(update.clone(), base, cx.now);
            if after.redirect_uri != before.value.redirect_uri {
                redirect_uris::refuse_taken(claim.as_ref(), path.configuration_id, cx.keys.id())?;
            }
            let claims = redirect_uris::moved(&before.value, &mut after, cx);
            let response = redirect_uris::warned(Response::ok(&body(&after)), &after, cx);
            Ok(Decision::update(before, &after, image, response).and(claims).may_lose_claim())
        })
        .await
}

/// DELETE `/{ssoConfigurationId}`: only a configuration that nobody could ever sign in through. Its versions are deleted
/// with it.
pub async fn delete(call: Call) -> Result<Response, Failure> {
    call.input(path::configuration)
        .reads(|path, keys| {
            let path_by_id = keys.sso_configuration_path(path.configuration_id).expected();
            let count = keys.sso_configuration_count(&path.organisation_id, path.server_id).optional();
            (configuration_reads(path, keys), path_by_id, keys.versions(path.configuration_id), count)
        })
        .subject(|(path, ()), read, _| stored(path, read.map(|(found, ..)| found)))
        .plan(|(path, ()), (found, path_by_id, versions, count), _| {
            if !found.configuration.value.is_deletable() {
                let message = "names a configuration that had an approved version: it is kept";
                return Err(Failure::invalid("ssoConfigurationId", message));
            }
            unobstructed(&found.obstacles())?;
            if versions.rows.len() > MAX_AT_ONCE {
                let message = format!("delete its versions first: more than {MAX_AT_ONCE} do not go with it at once");
                return Err(Failure::conflict(Conflict::Limit, message));
            }
            Ok(Planned::new((path.clone(), found, path_by_id, versions, count)))
        })
        .further(|(path, .., count), keys| level(&path.organisation_id, path.server_id, keys).uncounted(count))
        .decide(|(_, found, path_by_id, versions, count), children, cx| {
            let writes = Writes::new().remove(&found.configuration).remove(&path_by_id);
            let writes = versions.rows.iter().fold(writes, Writes::remove);
            let writes = writes
                .and(one_less(&count, children.as_ref()))
                .and(redirect_uris::given_up(&found.configuration.value, cx));
            Ok(Decision::write(writes, Response::no_content()).may_lose_claim())
        })
        .await
}

/// Reads the claim of the redirect URI that a request asks for.
fn wanted_claim(
    suffix: Option<&RedirectUriSuffix>,
    base: &RedirectBase,
    keys: TenantKeys,
) -> Option<Optional<RedirectClaim>> {
    suffix.map(|suffix| keys.redirect_claim(&base.with_suffix(suffix)).optional())
}

/// A stored configuration as the subject of a change.
pub(crate) fn stored_subject(configuration: &Stored<SsoConfiguration>) -> Subject {
    subject(configuration.value.id).stored(Some(configuration), image)
}

fn level(organisation: &OrganisationId, server: AuthorisationServerId, keys: TenantKeys) -> Level<SsoConfiguration> {
    let count = keys.sso_configuration_count(organisation, server);
    Level::new(keys.sso_configurations(organisation, server), count, "ID")
}

fn subject(id: SsoConfigurationId) -> Subject {
    Subject::new(Kind::SsoConfiguration, id.to_string())
}

fn stored(path: &ConfigurationPath, found: Option<&Configuration>) -> Subject {
    subject(path.configuration_id).stored(found.map(|found| &found.configuration), image)
}

fn image(configuration: &SsoConfiguration) -> Image {
    Image::of(&View {
        organisation_id: &configuration.organisation_id,
        server_id: configuration.server_id,
        display_name: &configuration.display_name,
        contacts: &configuration.contacts,
        redirect_uri: &configuration.redirect_uri,
        status: configuration.status,
    })
}

fn body(configuration: &SsoConfiguration) -> Body<'_> {
    Body {
        display_name: &configuration.display_name,
        contacts: &configuration.contacts,
        id: configuration.id,
        server_id: configuration.server_id,
        redirect_uri: &configuration.redirect_uri,
        text_record: &configuration.text_record,
        status: configuration.status,
        created_at: configuration.created_at,
        updated_at: configuration.updated_at,
    }
}
