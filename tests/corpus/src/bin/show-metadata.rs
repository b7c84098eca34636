//! Prints the documents as JSON, for checks that are not written in Rust.

use std::io::Write as _;

use trustplane_corpus::{Certificate, Validity, all};

fn main() -> std::io::Result<()> {
    let documents = all();
    let metadata = several(&[
        Certificate::named("Current").sign().base64(),
        Certificate { validity: Validity(-700, 12), ..Certificate::named("<img src=x onerror=alert(1)>") }
            .sign()
            .base64(),
        Certificate { validity: Validity::OVER, ..Certificate::named("Former") }.sign().base64(),
    ]);
    let all = serde_json::json!({"documents": documents, "several_certificates": metadata});
    std::io::stdout().lock().write_all(all.to_string().as_bytes())
}

/// Metadata with these certificates.
fn several(certificates: &[String]) -> String {
    let keys: String = certificates
        .iter()
        .map(|one| {
            format!(
                "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
                 <X509Certificate>{one}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
            )
        })
        .collect();
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://idp.example.com/&lt;b&gt;\">\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example.com/sso?a=%3Cscript%3E\"/>\
         </IDPSSODescriptor></EntityDescriptor>"
    )
}
