//! The identity providers that a document describes.

use roxmltree::Node;

use super::{children, is, stray};
use crate::saml::{Fault, METADATA, PROTOCOL, schema};

/// The outermost elements of metadata.
const ENTITY: &str = "EntityDescriptor";
const ENTITIES: &str = "EntitiesDescriptor";

const ROLE: &str = "IDPSSODescriptor";

/// An identity provider in a document.
pub(super) struct Provider<'a, 'input> {
    /// Its entity id, white space collapsed.
    pub(super) entity_id: String,
    /// Its role for SAML 2.0.
    pub(super) role: Node<'a, 'input>,
}

/// Lists the identity providers for SAML 2.0 in a document: at least one.
pub(super) fn identity_providers<'a, 'input>(root: Node<'a, 'input>) -> Result<Vec<Provider<'a, 'input>>, Fault> {
    for name in [ENTITY, ENTITIES] {
        if root.tag_name().name() == name && !is(root, METADATA, name) {
            return Err(Fault::Namespace(name, root.tag_name().namespace().map(str::to_owned)));
        }
    }
    if !is(root, METADATA, ENTITY) && !is(root, METADATA, ENTITIES) {
        return Err(Fault::NotMetadata(root.tag_name().name().to_owned()));
    }
    let mut providers = Vec::new();
    collect(root, &mut providers);
    if providers.is_empty() { Err(absence(root)) } else { Ok(providers) }
}

/// Descends through groups of entities. Bounds on a document hold the depth.
fn collect<'a, 'input>(node: Node<'a, 'input>, providers: &mut Vec<Provider<'a, 'input>>) {
    if is(node, METADATA, ENTITY) {
        // Some providers list a second role, for SAML 1.1.
        let role = children(node, METADATA, ROLE).find(speaks_saml_2);
        let entity_id = schema::collapse(node.attribute("entityID").unwrap_or_default());
        providers.extend(role.map(|role| Provider { entity_id, role }));
    } else if is(node, METADATA, ENTITIES) {
        node.children().for_each(|child| collect(child, providers));
    }
}

fn speaks_saml_2(role: &Node<'_, '_>) -> bool {
    role.attribute("protocolSupportEnumeration")
        .is_none_or(|protocols| protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL))
}

/// The fault of a document without an identity provider, by what it has instead.
fn absence(root: Node<'_, '_>) -> Fault {
    if let Some(fault) = stray(root, METADATA, ROLE) {
        return fault;
    }
    let has = |name: &str| root.descendants().any(|node| is(node, METADATA, name));
    let is_older = |node: Node<'_, '_>| is(node, METADATA, ROLE) && !speaks_saml_2(&node);
    Fault::NoIdentityProvider(if root.descendants().any(is_older) {
        Some("one for an older protocol")
    } else if has("SPSSODescriptor") {
        Some("a service provider")
    } else if has("RoleDescriptor") {
        Some("roles for WS-Federation")
    } else {
        None
    })
}
