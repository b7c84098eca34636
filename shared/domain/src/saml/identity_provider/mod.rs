//! Metadata of an identity provider.

mod certificates;
mod entities;

use roxmltree::Node;

use super::{Fault, LeftOut, METADATA, POST, REDIRECT, schema, xml};
use crate::certificate::{self, Certificate};
use crate::identity_provider::{EntityId, LoginUrl, Settings};
use crate::pasted::{self, Pasted};
use crate::timestamp::Timestamp;

/// The parts of an identity provider's metadata that are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProviderMetadata {
    /// Its name and the place where it signs users in: the first usable one for HTTP-Redirect, else for HTTP-POST.
    pub settings: Settings,
    /// The usable certificates for signing and for any use, in order and each once: at least one, and at most
    /// [`MAX_CERTIFICATES`](crate::identity_provider::MAX_CERTIFICATES). Those for encryption only are not ours to use.
    /// The authorities of a chain in one `X509Data` are left out: they are not to be trusted as the provider.
    pub certificates: Vec<Certificate>,
    /// The certificates and places to sign in that cannot be used. The administrator cannot edit somebody else's signed
    /// metadata, so one usable certificate is enough.
    pub left_out: Vec<LeftOut>,
    /// Entity ids of all identity providers in the document.
    pub providers: Vec<String>,
    /// Time until which the document may be used, if it names one.
    pub valid_until: Option<Timestamp>,
}

impl IdentityProviderMetadata {
    /// Reads metadata of exactly one identity provider, alone or within an `EntitiesDescriptor`.
    ///
    /// A signature of the metadata is not checked: the caller who imports it vouches for it.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Fault> {
        Self::parse_selected(text, None, now)
    }

    /// As [`IdentityProviderMetadata::parse`], where `selected` names one of several identity providers.
    pub fn parse_selected(text: &str, selected: Option<&EntityId>, now: Timestamp) -> Result<Self, Fault> {
        if certificate::holds_private_key(text) {
            return Err(Fault::PrivateKey);
        }
        let text = pasted::without_mark(text);
        check_pasted(text)?;
        let document = xml::parse(text)?;
        let providers = entities::identity_providers(document.root_element())?;
        let ids = || providers.iter().map(|provider| provider.entity_id.clone()).collect::<Vec<_>>();
        let provider = match (providers.as_slice(), selected) {
            ([only], None) => only,
            (_, None) => return Err(Fault::Several(ids())),
            (all, Some(selected)) => {
                let found = all.iter().find(|provider| provider.entity_id == selected.as_str());
                found.ok_or_else(|| Fault::NotAmong(ids()))?
            }
        };
        let role = provider.role;
        let mut valid_until = None;
        for node in role.ancestors() {
            valid_until = [valid_until, check_valid_until(node, now)?].into_iter().flatten().min();
        }
        let (login_url, mut left_out) = login_url(role)?;
        let settings = Settings {
            entity_id: EntityId::parse(&provider.entity_id).map_err(Fault::EntityId)?,
            login_url,
            want_request_signed: wants_signed_requests(role)?,
        };
        let found = certificates::for_signing(role, now)?;
        left_out.extend(found.left_out);
        Ok(Self { settings, certificates: found.usable, left_out, providers: ids(), valid_until })
    }
}

/// Names a text that is no XML by what it is.
fn check_pasted(text: &str) -> Result<(), Fault> {
    match Pasted::recognise(text) {
        Some(Pasted::Xml) => Ok(()),
        Some(pasted) => Err(Fault::Pasted(pasted)),
        None if text.is_empty() => Err(Fault::Empty),
        None => Ok(()),
    }
}

fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.has_tag_name((namespace, name))
}

fn children<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| is(*child, namespace, name))
}

/// The fault of an element `name` within `node` that is in another namespace than `namespace`, if there is one.
fn stray(node: Node<'_, '_>, namespace: &str, name: &'static str) -> Option<Fault> {
    let found = node.descendants().find(|node| node.is_element() && node.tag_name().name() == name)?;
    let other = found.tag_name().namespace();
    (other != Some(namespace)).then(|| Fault::Namespace(name, other.map(str::to_owned)))
}

/// Metadata, section 2.3.1: a descriptor is not to be used after its `validUntil`.
fn check_valid_until(node: Node<'_, '_>, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = node.attribute("validUntil") else { return Ok(None) };
    let moment = schema::date_time(text).ok_or(Fault::ValidUntil)?;
    if moment <= now { Err(Fault::Expired(moment)) } else { Ok(Some(moment)) }
}

/// The first usable place to sign in, and the ones before it that are not usable.
fn login_url(role: Node<'_, '_>) -> Result<(LoginUrl, Vec<LeftOut>), Fault> {
    let services: Vec<_> = children(role, METADATA, "SingleSignOnService").collect();
    let mut left_out = Vec::new();
    let mut first = None;
    for binding in [REDIRECT, POST] {
        for (at, service) in services.iter().enumerate() {
            if service.attribute("Binding").map(schema::collapse).as_deref() != Some(binding) {
                continue;
            }
            match LoginUrl::parse(&schema::any_uri(service.attribute("Location").unwrap_or_default())) {
                Ok(url) => return Ok((url, left_out)),
                Err(fault) => {
                    first.get_or_insert(fault);
                    left_out.push(LeftOut::Service { number: at + 1, fault });
                }
            }
        }
    }
    match first {
        Some(fault) => Err(Fault::Login(fault)),
        None => Err(stray(role, METADATA, "SingleSignOnService").unwrap_or(Fault::NoLogin)),
    }
}

fn wants_signed_requests(role: Node<'_, '_>) -> Result<bool, Fault> {
    let attribute = role.attribute("WantAuthnRequestsSigned");
    attribute.map_or(Ok(false), |text| schema::boolean(text).ok_or(Fault::WantAuthnRequestsSigned))
}

#[cfg(test)]
mod tests;
