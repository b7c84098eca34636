//! Sessions that a process keeps until shortly before they end.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{MARGIN, Session, Way};

/// Most sessions that a process keeps.
const MOST: usize = 200;

/// The kept sessions. One is found by its whole [`Way`], tenant and ExternalId included, so that it never serves another
/// tenant.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<Way, Session>>);

impl Sessions {
    /// A session that lasts for `time`. None where the role is not proven: it may have been when the session was opened, and be
    /// open to others now.
    pub(super) fn get(&self, way: &Way, time: Duration) -> Option<Session> {
        if !way.proven {
            return None;
        }
        let soon = SystemTime::now() + time;
        self.lock().get(&key(way)).filter(|session| session.ends > soon).cloned()
    }

    pub(super) fn forget(&self, way: &Way) {
        self.lock().remove(&key(way));
    }

    pub(super) fn keep(&self, way: &Way, session: Session) {
        let soon = SystemTime::now() + MARGIN;
        let mut sessions = self.lock();
        sessions.retain(|_, kept| kept.ends > soon);
        if sessions.len() >= MOST {
            sessions.clear();
        }
        sessions.insert(key(way), session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Way, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a session. Later requests, when the role is proven, find it.
fn key(way: &Way) -> Way {
    Way { proven: true, ..way.clone() }
}
