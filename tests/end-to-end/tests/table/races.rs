//! Tests of two concurrent writers on each condition: one succeeds, the other gets an error.

use trustplane_store::{CommitError, TenantKeys, Writes};

use crate::engine::{commit, connection, grant, made, organisation, read, table};

/// Checks that one of two outcomes succeeded and the other lost.
fn one_of(outcomes: (Result<(), CommitError>, Result<(), CommitError>)) {
    match outcomes {
        (Ok(()), Err(CommitError::Lost)) | (Err(CommitError::Lost), Ok(())) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_that_create() {
    let table = table().await;
    let grant = grant();
    let key = TenantKeys::granted(&grant).connection();
    let write = |seed| commit(&table, &grant, Writes::new().create(&key, &connection(seed)));
    one_of(tokio::join!(write(1), write(2)));
    assert_eq!(read(&table, &key).await.unwrap().version, 1);
}

#[tokio::test]
async fn two_that_replace() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    let write = |seed| commit(&table, &grant, Writes::new().replace(&stored, &connection(seed)));
    one_of(tokio::join!(write(2), write(3)));
    assert_eq!(read(&table, &stored.key).await.unwrap().version, 2);
}

#[tokio::test]
async fn one_that_replaces_and_one_that_removes() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    let replace = commit(&table, &grant, Writes::new().replace(&stored, &connection(2)));
    let remove = commit(&table, &grant, Writes::new().remove(&stored));
    one_of(tokio::join!(replace, remove));
}

#[tokio::test]
async fn a_check_holds_against_what_was_read_before() {
    let table = table().await;
    let (grant, stored) = made(&table).await;
    commit(&table, &grant, Writes::new().replace(&stored, &connection(2))).await.unwrap();
    let value = organisation("a");
    let other = TenantKeys::granted(&grant).organisation(&value.id);
    let writes = Writes::new().check(&stored).create(&other, &value);
    assert!(matches!(commit(&table, &grant, writes).await, Err(CommitError::Lost)));
    assert_eq!(read(&table, &other).await, None);
}
