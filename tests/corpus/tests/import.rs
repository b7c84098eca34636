//! Every document of the corpus, imported.

use std::collections::BTreeSet;

use trustplane_corpus::{Document, Facts, all};
use trustplane_domain::Timestamp;
use trustplane_domain::identity_provider::EntityId;
use trustplane_domain::saml::{Fault, IdentityProviderMetadata, LeftOut};

fn import(document: &Document) -> Result<Facts, Fault> {
    let selected = document.select.and_then(|id| EntityId::parse(id).ok());
    let read = IdentityProviderMetadata::parse_selected(&document.text, selected.as_ref(), Timestamp::now());
    read.map(|read| facts(&read))
}

fn facts(read: &IdentityProviderMetadata) -> Facts {
    let fingerprint = |left_out: &LeftOut| match left_out {
        LeftOut::Certificate { summary, .. } => summary.as_ref().map(|summary| summary.fingerprint.clone()),
        LeftOut::Service { .. } => None,
    };
    Facts {
        entity_id: read.settings.entity_id.as_str().to_owned(),
        login_url: read.settings.login_url.as_str().to_owned(),
        want_request_signed: read.settings.want_request_signed,
        fingerprints: read.certificates.iter().map(|one| one.fingerprint().to_owned()).collect(),
        left_out: read.left_out.iter().filter_map(fingerprint).collect(),
        forgeable: read.certificates.iter().filter(|one| one.warning().is_some()).count(),
    }
}

#[test]
fn every_kind_is_imported_with_its_facts() {
    let documents = all();
    for document in &documents {
        assert_eq!(import(document), Ok(document.facts.clone()), "{}", document.kind);
    }
    let kinds: BTreeSet<_> = documents.iter().map(|document| document.kind).collect();
    let expected = [
        "ADFS",
        "Entra ID",
        "Google",
        "JumpCloud",
        "Keycloak",
        "Okta",
        "OneLogin",
        "PingFederate",
        "PingOne",
        "Shibboleth",
        "SimpleSAMLphp",
    ];
    assert!(expected.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    assert_eq!(kinds.len(), documents.len());
}

#[test]
fn line_breaks_do_not_matter() {
    for document in all() {
        for breaks in ["\r\n", "\r", "\n\n"] {
            let text = document.text.replace('\n', breaks);
            let other = Document { text, ..document.clone() };
            assert_eq!(import(&other), Ok(document.facts.clone()), "{}", document.kind);
        }
    }
}

#[test]
fn a_document_that_ends_too_early_is_not_imported() {
    for document in all() {
        let text = document.text.trim_end();
        let whole = text.chars().count();
        for kept in [whole / 2, whole - 1] {
            let cut: String = text.chars().take(kept).collect();
            let read = IdentityProviderMetadata::parse(&cut, Timestamp::now());
            assert!(read.is_err(), "{}", document.kind);
        }
    }
}
