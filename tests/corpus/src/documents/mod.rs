//! The documents, by kind of identity provider.

mod academic;
mod hosted;
mod microsoft;
mod odd;
mod self_hosted;

use crate::certificate::Signed;
use crate::{Document, Facts};

/// Generates a document of each kind.
pub fn all() -> Vec<Document> {
    [microsoft::all(), hosted::all(), self_hosted::all(), academic::all(), odd::all()].concat()
}

/// A document of one provider whose certificates can all be used.
fn usual(kind: &'static str, text: String, names: (&str, &str), wants_signed: bool, usable: &[&Signed]) -> Document {
    let facts = Facts {
        entity_id: names.0.to_owned(),
        login_url: names.1.to_owned(),
        want_request_signed: wants_signed,
        fingerprints: usable.iter().map(|one| one.fingerprint()).collect(),
        left_out: Vec::new(),
        forgeable: 0,
    };
    Document { kind, text, select: None, facts }
}

impl Document {
    /// This document, with certificates that an import leaves out.
    fn leaving_out(mut self, left_out: &[&Signed]) -> Self {
        self.facts.left_out = left_out.iter().map(|one| one.fingerprint()).collect();
        self
    }

    /// This document, with usable certificates whose signature can be forged.
    fn with_forgeable(mut self, count: usize) -> Self {
        self.facts.forgeable = count;
        self
    }
}

/// `KeyDescriptor`s in the default namespaces, each with one certificate in one line.
fn plain_keys(usage: &str, certificates: &[&Signed]) -> String {
    let key = |one: &&Signed| {
        format!(
            "<KeyDescriptor use=\"{usage}\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>",
            one.base64()
        )
    };
    certificates.iter().map(key).collect()
}

/// A signature of the whole document, with the certificate of whoever signed it: nothing to trust the provider by.
fn signature(prefix: &str, signer: &Signed) -> String {
    let (p, xmlns) = if prefix.is_empty() {
        (String::new(), "xmlns".to_owned())
    } else {
        (format!("{prefix}:"), format!("xmlns:{prefix}"))
    };
    format!(
        "<{p}Signature {xmlns}=\"http://www.w3.org/2000/09/xmldsig#\"><{p}SignedInfo><{p}CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/><{p}SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><{p}Reference URI=\"#_1\"><{p}Transforms><{p}Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/></{p}Transforms><{p}DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><{p}DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</{p}DigestValue></{p}Reference></{p}SignedInfo><{p}SignatureValue>AAAA</{p}SignatureValue><{p}KeyInfo><{p}X509Data><{p}X509Certificate>{}</{p}X509Certificate></{p}X509Data></{p}KeyInfo></{p}Signature>",
        signer.base64()
    )
}
