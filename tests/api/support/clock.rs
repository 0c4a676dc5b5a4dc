//! A clock that only a test moves.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use super::domain::clock::{Clock, Timestamp};

/// Wall clock and boot clock, each moved by hand.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    wall_seconds: AtomicI64,
    boot_millis: AtomicU64,
    database_ahead: AtomicI64,
}

impl Default for ManualClock {
    fn default() -> Self {
        let start = "2026-11-21T10:00:00.250000Z".parse().unwrap();
        Self {
            start,
            wall_seconds: AtomicI64::new(0),
            boot_millis: AtomicU64::new(1_000_000),
            database_ahead: AtomicI64::new(0),
        }
    }
}

impl ManualClock {
    /// Time passes, on both clocks.
    pub fn advance(&self, time: Duration) {
        self.jump(i64::try_from(time.as_secs()).unwrap());
        self.pass(time);
    }

    /// The wall clock is set by so many seconds; no time passes.
    pub fn jump(&self, seconds: i64) {
        self.wall_seconds.fetch_add(seconds, SeqCst);
    }

    /// The database's clock is so many seconds ahead of the wall clock.
    pub fn set_database_ahead(&self, seconds: i64) {
        self.database_ahead.store(seconds, SeqCst);
    }

    /// Time passes on the boot clock only.
    pub fn pass(&self, time: Duration) {
        self.boot_millis.fetch_add(u64::try_from(time.as_millis()).unwrap(), SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.start.plus_seconds(self.wall_seconds.load(SeqCst))
    }

    fn since_boot(&self) -> Duration {
        Duration::from_millis(self.boot_millis.load(SeqCst))
    }

    fn instead_of_database(&self) -> Option<Timestamp> {
        Some(self.now().plus_seconds(self.database_ahead.load(SeqCst)))
    }
}
