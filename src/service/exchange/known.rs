//! A credential in memory: its standing, and the use of it that is not written yet. Small: there may be a million.

use std::{
    mem,
    net::IpAddr,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crate::domain::{clock::Timestamp, ids::CredentialId, standing::Standing};

const DAY_SECONDS: i64 = 86_400;

/// How a credential was used since that was last written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// The last time.
    pub(crate) at: Timestamp,
    /// From where.
    pub(crate) from: Option<IpAddr>,
    /// How often it was exchanged on the day of `at`.
    pub(crate) granted: u32,
}

impl Use {
    /// The day of it: since 1970, in UTC.
    pub(crate) fn day(&self) -> i64 {
        self.at.unix_seconds().div_euclid(DAY_SECONDS)
    }

    /// Adds another use. Only one day and one address fit: the earlier one, if they are of two, comes back.
    pub(crate) fn add(&mut self, other: Self) -> Option<Self> {
        let later = if other.at < self.at { *self } else { other };
        let earlier = if other.at < self.at { other } else { *self };
        if earlier.day() == later.day() && earlier.from == later.from {
            *self = Self { granted: earlier.granted.saturating_add(later.granted), ..later };
            return None;
        }
        *self = later;
        Some(earlier)
    }
}

/// Where the use of a credential is gathered.
#[derive(Debug)]
enum Gathered {
    /// Not here: memory does not have this credential, or not any more.
    Elsewhere,
    /// Here; nothing yet.
    Nothing,
    /// Here.
    Used(Use),
}

/// A credential as it was read, shared by memory and those who go by it.
#[derive(Debug)]
pub(crate) struct Known {
    standing: Standing,
    gathered: Mutex<Gathered>,
    /// Whether it was looked up since it was last considered for removal.
    looked_up: AtomicBool,
}

impl Deref for Known {
    type Target = Standing;

    fn deref(&self) -> &Standing {
        &self.standing
    }
}

impl Known {
    /// What was read, not in memory yet.
    pub(crate) fn new(standing: Standing) -> Self {
        Self { standing, gathered: Mutex::new(Gathered::Elsewhere), looked_up: AtomicBool::new(false) }
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        // No code panics while it holds this.
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which credential it is.
    pub(crate) fn id(&self) -> CredentialId {
        self.standing.credential.id
    }

    /// The standing, to be changed before anybody else has it.
    pub(super) fn standing_mut(&mut self) -> &mut Standing {
        &mut self.standing
    }

    /// The same with a last use that is at least `at`.
    pub(super) fn used_at_least(self: Arc<Self>, at: Option<Timestamp>) -> Arc<Self> {
        if at <= self.credential.last_used_at {
            return self;
        }
        let mut standing = self.standing.clone();
        standing.credential.last_used_at = at;
        Arc::new(Self::new(standing))
    }

    /// Notes that it was looked up.
    pub(super) fn mark(&self) {
        // Only the first look-up writes: two cores that write one line slow each other down.
        if !self.looked_up.load(Relaxed) {
            self.looked_up.store(true, Relaxed);
        }
    }

    /// Whether it was looked up since this was last asked.
    pub(super) fn was_looked_up(&self) -> bool {
        self.looked_up.swap(false, Relaxed)
    }

    /// From now on its use is gathered here: memory has it.
    pub(super) fn keep(&self) {
        let mut gathered = self.gathered();
        if matches!(*gathered, Gathered::Elsewhere) {
            *gathered = Gathered::Nothing;
        }
    }

    /// From now on its use is gathered elsewhere: memory does not have it any more. Gives what was gathered.
    pub(super) fn let_go(&self) -> Option<Use> {
        match mem::replace(&mut *self.gathered(), Gathered::Elsewhere) {
            Gathered::Used(used) => Some(used),
            Gathered::Nothing | Gathered::Elsewhere => None,
        }
    }

    /// Notes a use. What comes back has to be gathered elsewhere.
    pub(crate) fn note(&self, new: Use) -> Option<Use> {
        let mut gathered = self.gathered();
        match &mut *gathered {
            Gathered::Elsewhere => Some(new),
            Gathered::Nothing => {
                *gathered = Gathered::Used(new);
                None
            }
            Gathered::Used(used) => used.add(new),
        }
    }

    /// The use that is gathered here.
    pub(super) fn used(&self) -> Option<Use> {
        match *self.gathered() {
            Gathered::Used(used) => Some(used),
            Gathered::Nothing | Gathered::Elsewhere => None,
        }
    }

    /// Takes the use that is gathered here.
    pub(super) fn take_used(&self) -> Option<Use> {
        let mut gathered = self.gathered();
        let Gathered::Used(used) = *gathered else { return None };
        *gathered = Gathered::Nothing;
        Some(used)
    }
}
