//! The time by the database's clock, as this process knows it: what is compared across machines goes by that one.
//!
//! A server whose own clock is hours off would write entries that are over when they are born, and end what is young. So
//! all of the services go by this clock; the machine's own is read here alone. On SQLite they are the same.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    domain::clock::{Clock, Timestamp},
    store::{Database, StoreError, time},
};

/// From here on the clocks' difference is told, in milliseconds: well-kept clocks are closer by far.
pub(crate) const MUCH_SKEW: i64 = 5_000;

/// How far the machine's clock may be from the database's, in milliseconds.
pub(crate) const MOST_SKEW: i64 = 60_000;

/// The machine's clock, set right by the database's.
pub(crate) struct DatabaseClock {
    machine: Arc<dyn Clock>,
    /// How far the database's clock is ahead of the machine's, in microseconds.
    ahead: AtomicI64,
}

/// That the database is being asked for its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    /// By the machine's clock.
    since: Timestamp,
}

impl DatabaseClock {
    /// The machine's clock for as long as the database has not been asked.
    pub(crate) fn new(machine: Arc<dyn Clock>) -> Self {
        Self { machine, ahead: AtomicI64::new(0) }
    }

    /// Before the database is asked what time it is.
    pub(crate) fn asking(&self) -> Asking {
        Asking { since: self.machine.now() }
    }

    /// The database has said `said`, at some moment since `asking`. What is known already stays as far as it fits to
    /// that: an answer that was long under way sets nothing wrong.
    pub(crate) fn told(&self, asking: Asking, said: Option<Timestamp>) {
        let now = self.machine.now();
        let Some(said) = self.machine.instead_of_database().or(said) else { return };
        let (least, most) = (micros_between(now, said), micros_between(asking.since, said));
        let known = self.ahead.load(Relaxed);
        // Not in order if the machine's clock was set back meanwhile.
        let ahead = if least <= most { known.clamp(least, most) } else { least };
        self.ahead.store(ahead, Relaxed);
    }

    /// Asks the database what time it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn compare(&self, db: &Database) -> Result<(), StoreError> {
        let asking = self.asking();
        self.told(asking, db.read(time::now).await?);
        Ok(())
    }

    /// How far the database's clock is ahead of this machine's, in milliseconds.
    pub(crate) fn ahead(&self) -> i64 {
        self.ahead.load(Relaxed) / 1000
    }
}

fn micros_between(from: Timestamp, to: Timestamp) -> i64 {
    to.unix_micros().saturating_sub(from.unix_micros())
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        self.machine.now().plus_micros(self.ahead.load(Relaxed))
    }

    fn since_boot(&self) -> Duration {
        self.machine.since_boot()
    }

    fn instead_of_database(&self) -> Option<Timestamp> {
        self.machine.instead_of_database()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_clock::ManualClock;

    /// A machine whose clock the test moves, and a database that says what the test says.
    #[derive(Default)]
    struct Machine(ManualClock);

    impl Clock for Machine {
        fn now(&self) -> Timestamp {
            self.0.now()
        }

        fn since_boot(&self) -> Duration {
            self.0.since_boot()
        }
    }

    #[test]
    fn it_follows_the_database_and_an_answer_that_took_long_sets_nothing_wrong() {
        let machine = Arc::new(Machine::default());
        let (clock, began) = (DatabaseClock::new(machine.clone()), machine.now());
        assert_eq!(clock.now(), began, "not asked yet");
        clock.told(clock.asking(), None);
        assert_eq!(clock.ahead(), 0, "a file has no clock");
        for seconds in [3 * 3600, -3 * 3600, 0, 10] {
            clock.told(clock.asking(), Some(began.plus_seconds(seconds)));
            assert_eq!((clock.ahead(), clock.now()), (seconds * 1000, began.plus_seconds(seconds)));
        }
        // Between 5 s and 15 s ahead: 10 s may still be right.
        let asking = clock.asking();
        machine.0.jump(10);
        clock.told(asking, Some(began.plus_seconds(15)));
        assert_eq!(clock.ahead(), 10_000);
        // Between 12 s and 20 s.
        let asking = clock.asking();
        machine.0.jump(8);
        clock.told(asking, Some(began.plus_seconds(30)));
        assert_eq!(clock.ahead(), 12_000);
        // The machine's clock is set back while the database is asked.
        let asking = clock.asking();
        machine.0.jump(-3600);
        clock.told(asking, Some(began.plus_seconds(30)));
        assert_eq!(clock.now(), began.plus_seconds(30));
    }
}
