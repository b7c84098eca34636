//! Waiting in tests, with a time limit that names the missing event.

use std::time::Duration;

/// Time limit for one event in a test, long enough for a machine that also compiles.
pub const LIMIT: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_millis(10);

/// Waits for a future.
///
/// # Panics
///
/// After [`LIMIT`], with `event` in the message.
pub async fn within<T>(event: &str, future: impl Future<Output = T>) -> T {
    limited(LIMIT, event, future).await
}

/// Waits until a condition holds.
///
/// # Panics
///
/// After [`LIMIT`], with `event` in the message.
pub async fn until(event: &str, mut holds: impl FnMut() -> bool) {
    within(event, async {
        while !holds() {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
}

#[allow(clippy::panic, reason = "a test fails by a panic")]
async fn limited<T>(limit: Duration, event: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {limit:?} for this: {event}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_its_event_or_its_limit() {
        let mut polls = 0;
        until("the third poll", || {
            polls += 1;
            polls == 3
        })
        .await;
        assert_eq!((polls, within("a value", async { 7 }).await), (3, 7));
        let never = limited(Duration::from_millis(20), "what never comes", std::future::pending::<()>());
        let panic = tokio::spawn(never).await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "waited 20ms for this: what never comes");
    }
}
