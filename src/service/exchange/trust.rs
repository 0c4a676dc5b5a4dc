//! Until when memory may be believed. Two things must both be recent: a look at the list, and a sign of life in the row
//! by which others know that they have to wait for this server.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

/// Which registration of this server a look belongs to. A look that began before the row was there must not count: who
/// changed something meanwhile did not wait for this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registration(u64);

#[derive(Debug, Default)]
struct Terms {
    registration: Registration,
    looked_until: Duration,
    beat_until: Duration,
}

/// The trust in one memory; all moments are since boot.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    /// One lock over what is written: whatever the follower and the noter do at once, no older look counts.
    terms: Mutex<Terms>,
    /// The earlier of the two ends in nanoseconds: what exchanges look at, without a lock.
    until: AtomicU64,
}

impl Trust {
    fn terms(&self) -> MutexGuard<'_, Terms> {
        self.terms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, terms: &Terms) {
        let until = terms.looked_until.min(terms.beat_until);
        self.until.store(u64::try_from(until.as_nanos()).unwrap_or(u64::MAX), SeqCst);
    }

    /// Follower, before it looks: the registration that the look belongs to.
    pub(crate) fn registration(&self) -> Registration {
        self.terms().registration
    }

    /// Follower: a look that began under `registration` is good until `until`.
    pub(crate) fn looked(&self, registration: Registration, until: Duration) {
        let mut terms = self.terms();
        if terms.registration == registration {
            terms.looked_until = terms.looked_until.max(until);
            self.set(&terms);
        }
    }

    /// Noter: the row is there anew, and good until `until`. Nothing that was looked at before counts.
    pub(crate) fn registered(&self, until: Duration) {
        let mut terms = self.terms();
        let registration = Registration(terms.registration.0 + 1);
        *terms = Terms { registration, looked_until: Duration::ZERO, beat_until: until };
        self.set(&terms);
    }

    /// Noter: the row is still there, and good until `until`.
    pub(crate) fn beaten(&self, until: Duration) {
        let mut terms = self.terms();
        terms.beat_until = terms.beat_until.max(until);
        self.set(&terms);
    }

    /// Noter: the row is not there any more.
    pub(crate) fn end(&self) {
        self.registered(Duration::ZERO);
    }

    /// The moment from which on memory may not be believed, unless trust moves on before.
    pub(crate) fn until(&self) -> Duration {
        Duration::from_nanos(self.until.load(SeqCst))
    }

    /// Whether memory may be believed at `now`.
    pub(crate) fn holds(&self, now: Duration) -> bool {
        now < self.until()
    }
}
