//! Sessions that a process keeps until shortly before they end.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{AccessPath, MARGIN, Session};

/// Most sessions that a process keeps.
const MAX: usize = 200;

/// The kept sessions. One is found by its whole [`AccessPath`], tenant and ExternalId included, so that it never serves another
/// tenant.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<AccessPath, Session>>);

impl Sessions {
    /// A session that lasts for `time`. None where the role is not proven: it may have been when the session was opened, and be
    /// open to others now.
    pub(super) fn get(&self, path: &AccessPath, time: Duration) -> Option<Session> {
        if !path.proven {
            return None;
        }
        let soon = SystemTime::now() + time;
        self.lock().get(&key(path)).filter(|session| session.ends > soon).cloned()
    }

    pub(super) fn forget(&self, path: &AccessPath) {
        self.lock().remove(&key(path));
    }

    pub(super) fn keep(&self, path: &AccessPath, session: Session) {
        let soon = SystemTime::now() + MARGIN;
        let mut sessions = self.lock();
        sessions.retain(|_, kept| kept.ends > soon);
        if sessions.len() >= MAX {
            sessions.clear();
        }
        sessions.insert(key(path), session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccessPath, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a session. Later requests, when the role is proven, find it.
fn key(path: &AccessPath) -> AccessPath {
    AccessPath { proven: true, ..path.clone() }
}
