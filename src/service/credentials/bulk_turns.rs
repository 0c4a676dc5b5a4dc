//! Who may count the credentials of a whole organization: one revocation at a time on each server.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::domain::{clock::Clock, ids::OrganizationId};

/// A count that took this long was one of many credentials.
const LONG: Duration = Duration::from_millis(100);

/// The one place to count.
pub(super) struct BulkTurns {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_taken: bool,
    /// The organization that counted for long, and until when it leaves the place to others.
    pausing: Option<(OrganizationId, Duration)>,
}

/// The place to count, until this is dropped.
pub(super) struct BulkTurn<'a> {
    turns: &'a BulkTurns,
    organization: OrganizationId,
    taken_at: Duration,
}

impl BulkTurns {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// The place, if it is free. An organization that had it for long gets it again only after as long a pause: one that
    /// asks without end would otherwise never leave it to another.
    pub(super) fn take(&self, organization: OrganizationId) -> Option<BulkTurn<'_>> {
        let taken_at = self.clock.since_boot();
        let mut state = self.state();
        let must_pause = state.pausing.is_some_and(|(of, until)| of == organization && taken_at < until);
        if state.is_taken || must_pause {
            return None;
        }
        state.is_taken = true;
        Some(BulkTurn { turns: self, organization, taken_at })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BulkTurn<'_> {
    fn drop(&mut self) {
        let now = self.turns.clock.since_boot();
        let took = now.saturating_sub(self.taken_at);
        let mut state = self.turns.state();
        state.is_taken = false;
        if took >= LONG {
            state.pausing = Some((self.organization, now + took));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::random::SystemRandomness, test_clock::ManualClock};

    #[test]
    fn an_organization_that_counts_for_long_leaves_as_long_to_others() {
        let clock = Arc::new(ManualClock::default());
        let turns = BulkTurns::new(clock.clone());
        let organization = || OrganizationId::generate(clock.now(), &SystemRandomness::default());
        let (large, small) = (organization(), organization());
        let turn = turns.take(large).expect("free");
        assert!(turns.take(small).is_none(), "one at a time");
        clock.advance(Duration::from_secs(3));
        drop(turn);
        assert!(turns.take(large).is_none(), "right after three seconds");
        drop(turns.take(small).expect("left to others"));
        drop(turns.take(small).expect("which took no time"));
        clock.advance(Duration::from_secs(3));
        drop(turns.take(large).expect("after as long"));
    }
}
