use std::{
    sync::atomic::{AtomicI64, Ordering::SeqCst},
    time::Duration,
};

use patmint::domain::clock::{Clock, SystemClock, Timestamp};

/// The machine's clock, set ahead; the database is taken to agree with it.
#[derive(Debug, Default)]
pub(super) struct MovedClock {
    seconds_ahead: AtomicI64,
}

impl MovedClock {
    pub(super) fn move_by(&self, seconds: i64) {
        self.seconds_ahead.fetch_add(seconds, SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.seconds_ahead.load(SeqCst))
    }

    fn since_boot(&self) -> Duration {
        SystemClock.since_boot()
    }

    fn of_database(&self, _: Option<Timestamp>) -> Timestamp {
        self.now()
    }
}
