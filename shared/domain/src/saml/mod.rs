//! SAML 2.0 metadata: read an identity provider's, write our service provider's (OASIS, "Metadata for SAML V2.0").

mod bounds;
mod explain;
mod fault;
mod identity_provider;
mod left_out;
mod schema;
mod service_provider;
mod xml;

pub use explain::{Expected, explain};
pub use fault::Fault;
pub use identity_provider::IdentityProviderMetadata;
pub use left_out::LeftOut;
pub use service_provider::ServiceProviderMetadata;

/// The longest metadata that is read, in bytes. Federations publish all their members in one file of megabytes; one
/// identity provider takes some 5 to 100 kB.
pub const MAX_BYTES: usize = 256 * 1024;

#[cfg(test)]
pub(crate) mod fixtures;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
