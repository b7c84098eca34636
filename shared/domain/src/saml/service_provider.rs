//! SAML metadata of the service provider, for an identity provider's administrator to import.

use super::{METADATA, POST, PROTOCOL, SIGNATURE, xml};

/// Content of a service provider's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceProviderMetadata<'a> {
    /// Its entity id: `issuer`.
    pub entity_id: &'a str,
    /// URL that the identity provider sends its assertions to: `acs_url`.
    pub assertion_consumer_service: &'a str,
    /// Base64 of the DER of each certificate that may sign requests, the active one first. Without certificates,
    /// requests are not signed.
    pub signing_certificates: Vec<String>,
}

impl ServiceProviderMetadata<'_> {
    /// Returns the document. Its elements are in the order of the schema (Metadata, section 2.4.4).
    pub fn to_xml(&self) -> String {
        let keys: String = self.signing_certificates.iter().map(|certificate| key_descriptor(certificate)).collect();
        format!(
            concat!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                "<md:EntityDescriptor xmlns:md=\"{metadata}\" entityID=\"{entity_id}\">\n",
                "  <md:SPSSODescriptor AuthnRequestsSigned=\"{signed}\" WantAssertionsSigned=\"true\"",
                " protocolSupportEnumeration=\"{protocol}\">\n",
                "{keys}",
                "    <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>\n",
                "    <md:AssertionConsumerService Binding=\"{post}\" Location=\"{service}\" index=\"0\" isDefault=\"true\"/>\n",
                "  </md:SPSSODescriptor>\n",
                "</md:EntityDescriptor>\n",
            ),
            metadata = METADATA,
            entity_id = xml::escaped(self.entity_id),
            signed = !self.signing_certificates.is_empty(),
            protocol = PROTOCOL,
            keys = keys,
            post = POST,
            service = xml::escaped(self.assertion_consumer_service),
        )
    }
}

fn key_descriptor(certificate: &str) -> String {
    format!(
        concat!(
            "    <md:KeyDescriptor use=\"signing\">\n",
            "      <ds:KeyInfo xmlns:ds=\"{signature}\">\n",
            "        <ds:X509Data>\n",
            "          <ds:X509Certificate>{certificate}</ds:X509Certificate>\n",
            "        </ds:X509Data>\n",
            "      </ds:KeyInfo>\n",
            "    </md:KeyDescriptor>\n",
        ),
        signature = SIGNATURE,
        certificate = xml::escaped(certificate),
    )
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    #[test]
    fn the_document_says_what_it_was_given() {
        let metadata = ServiceProviderMetadata {
            entity_id: "https://sp.example.com/d-1?a=\"1\"&b=<2>",
            assertion_consumer_service: "https://sp.example.com/acs/'x'&y",
            signing_certificates: vec!["AAAA".to_owned(), "BBBB".to_owned()],
        };
        let xml = metadata.to_xml();
        let document = Document::parse(&xml).unwrap();
        let root = document.root_element();
        assert_eq!(root.attribute("entityID"), Some(metadata.entity_id));
        let role = root.children().find(|node| node.has_tag_name((METADATA, "SPSSODescriptor"))).unwrap();
        assert_eq!(role.attribute("AuthnRequestsSigned"), Some("true"));
        let names: Vec<_> =
            role.children().filter(|node| node.is_element()).map(|node| node.tag_name().name()).collect();
        assert_eq!(names, ["KeyDescriptor", "KeyDescriptor", "NameIDFormat", "AssertionConsumerService"]);
        let service = role.children().rfind(|node| node.is_element()).unwrap();
        assert_eq!(service.attribute("Location"), Some(metadata.assertion_consumer_service));
        let certificates: Vec<_> = role
            .descendants()
            .filter(|node| node.has_tag_name((SIGNATURE, "X509Certificate")))
            .filter_map(|node| node.text())
            .collect();
        assert_eq!(certificates, metadata.signing_certificates);
        let unsigned = ServiceProviderMetadata { signing_certificates: Vec::new(), ..metadata };
        assert!(unsigned.to_xml().contains("AuthnRequestsSigned=\"false\""));
    }
}
