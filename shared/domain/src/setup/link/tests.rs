use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;
use crate::ids::TenantId;

fn browser(byte: u8) -> SessionSecret {
    SessionSecret::parse(&URL_SAFE_NO_PAD.encode([byte; 32])).unwrap()
}

fn secret() -> Token {
    Token::of(Purpose::SetupLink, CredentialId::new(TenantId::from_random([1; 16]), [2; 8]), [3; 32])
}

fn link(max_sessions: u8) -> SetupLink {
    SetupLink {
        id: secret().id(),
        secret_hash: secret().hash(),
        label: "Ada".to_owned(),
        sections: [Section::AwsIdentityCenter, Section::Domains].into(),
        sso_configuration_id: None,
        created_at: at(0),
        created_by: "operator".to_owned(),
        expires_at: at(1_000),
        max_sessions,
        allow_changes: false,
        enable: Enable::Customer,
        return_url: None,
        sessions: Vec::new(),
        progress: BTreeMap::new(),
        revoked_at: None,
        expiry_noticed: false,
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn session(byte: u8) -> CredentialId {
    SetupLink::session_token(&secret(), &browser(byte)).id()
}

#[test]
fn the_same_pair_is_the_same_session_while_it_lives() {
    let (first, after) = link(1).start(session(1), at(10)).unwrap();
    let after = after.unwrap();
    for later in [10, 1_000, SESSION_MILLIS + 9] {
        assert_eq!(after.start(session(1), at(later)), Ok((first.clone(), None)));
    }
    assert_eq!(after.start(session(1), at(SESSION_MILLIS + 10)), Err(Ended::Expired));
    assert_eq!(after.revoked(at(11)).unwrap().start(session(1), at(12)), Err(Ended::Revoked));
}

#[test]
fn a_link_ends_at_its_millisecond_and_by_its_revocation() {
    assert!(link(1).start(session(1), at(999)).is_ok());
    assert_eq!(link(1).start(session(1), at(1_000)), Err(Ended::Expired));
    let revoked = link(1).revoked(at(5)).unwrap();
    assert_eq!(revoked.start(session(1), at(6)), Err(Ended::Revoked));
    assert_eq!(revoked.revoked(at(7)), None);
}

#[test]
fn the_last_section_completes_the_link_once() {
    let one = link(1).completed(Section::Domains, at(3)).unwrap();
    assert_eq!(one.completed_at(), None);
    assert_eq!(one.completed(Section::Domains, at(4)), None);
    assert_eq!(one.completed(Section::IdentityProvider, at(4)), None);
    let both = one.completed(Section::AwsIdentityCenter, at(5)).unwrap();
    assert_eq!(both.completed_at(), Some(at(5)));
    assert_eq!(both.start(session(1), at(6)), Err(Ended::Completed));
    let (_, started) = link(1).start(session(1), at(1)).unwrap();
    let progress = both.progress.clone();
    let done = SetupLink { progress, ..started.unwrap() };
    assert!(done.start(session(1), at(6)).is_ok());
    assert_eq!(done.revoked(at(7)).unwrap().start(session(2), at(8)), Err(Ended::Revoked));
}

#[test]
fn the_credential_of_a_session_accepts_its_token_alone_and_while_it_lasts() {
    let token = SetupLink::session_token(&secret(), &browser(1));
    let (started, _) = link(1).start(token.id(), at(10)).unwrap();
    let credential = link(1).credential(&started, &token);
    let end = at(10 + SESSION_MILLIS);
    assert!(credential.accepts(&token, at(10)) && !credential.accepts(&token, end));
    assert!(!credential.accepts(&SetupLink::session_token(&secret(), &browser(2)), at(10)));
    assert!(!credential.accepts(&Token::new(token.id(), [3; 32]), at(10)));
    assert_eq!((credential.next_notice_at(), credential.roles.len()), (None, 0));
}

#[test]
fn another_secret_or_purpose_is_not_the_links() {
    assert!(link(1).accepts(&secret()));
    assert!(!link(1).accepts(&Token::of(Purpose::SetupLink, secret().id(), [4; 32])));
    assert!(!link(1).accepts(&Token::new(secret().id(), [3; 32])));
    let stranger = CredentialId::new(TenantId::from_random([9; 16]), [2; 8]);
    assert!(!link(1).accepts(&Token::of(Purpose::SetupLink, stranger, [3; 32])));
}

proptest! {
    #[test]
    fn no_order_of_starts_exceeds_the_sessions_of_a_link(most in 1..=MAX_SESSIONS, order in prop::collection::vec(0..20_u8, 0..40)) {
        let mut link = link(most);
        for byte in order {
            match link.start(session(byte), at(1)) {
                Ok((_, after)) => link = after.unwrap_or(link),
                Err(ended) => {
                    prop_assert_eq!(ended, Ended::UsedUp);
                    prop_assert_eq!(link.sessions.len(), usize::from(most));
                }
            }
            let ids: BTreeSet<_> = link.sessions.iter().map(|session| session.id).collect();
            prop_assert_eq!(ids.len(), link.sessions.len());
            prop_assert!(link.sessions.len() <= usize::from(most));
        }
    }
}
