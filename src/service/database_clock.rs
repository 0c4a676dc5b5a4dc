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

/// The database has no clock, or has not been asked.
const UNKNOWN: i64 = i64::MIN;

/// The database's clock, as it goes on from what the database said last by the clock that counts from the machine's start:
/// whoever sets the machine's wall clock changes nothing. Where the database has none, the machine's.
pub(crate) struct DatabaseClock {
    machine: Arc<dyn Clock>,
    /// What the database's clock said when the machine started, in microseconds since 1970.
    started: AtomicI64,
}

/// That the database is being asked for its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    since_boot: Duration,
}

impl DatabaseClock {
    /// The machine's clock for as long as the database has not been asked.
    pub(crate) fn new(machine: Arc<dyn Clock>) -> Self {
        Self { machine, started: AtomicI64::new(UNKNOWN) }
    }

    /// Before the database is asked what time it is.
    pub(crate) fn asking(&self) -> Asking {
        Asking { since_boot: self.machine.since_boot() }
    }

    /// The database has said `said`, at some moment since `asking`. What is known already stays as far as it fits to
    /// that: an answer that was long under way sets nothing wrong.
    pub(crate) fn told(&self, asking: Asking, said: Option<Timestamp>) {
        let Some(said) = said.map(Timestamp::unix_micros) else { return };
        let (least, most) = (said - micros(self.machine.since_boot()), said - micros(asking.since_boot));
        let known = self.started.load(Relaxed);
        let started = if known == UNKNOWN { least } else { known.clamp(least, most) };
        self.started.store(started, Relaxed);
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
        let machine = self.machine.now();
        (self.now().unix_micros() - machine.unix_micros()) / 1000
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        if let Some(now) = self.machine.instead_of_database() {
            return now;
        }
        let started = self.started.load(Relaxed);
        let moment = (started != UNKNOWN).then(|| started + micros(self.machine.since_boot()));
        moment.and_then(Timestamp::from_unix_micros).unwrap_or_else(|| self.machine.now())
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

    /// A machine whose clocks the test moves, and a database that says what the test says.
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
        let pass = |seconds| machine.0.pass(Duration::from_secs(seconds));
        assert_eq!(clock.now(), began, "not asked yet");
        clock.told(clock.asking(), None);
        assert_eq!((clock.now(), clock.ahead()), (began, 0), "a file has no clock");
        for seconds in [3 * 3600, -3 * 3600, 0, 10] {
            clock.told(clock.asking(), Some(began.plus_seconds(seconds)));
            assert_eq!((clock.ahead(), clock.now()), (seconds * 1000, began.plus_seconds(seconds)));
        }
        // It says 15 s at some moment within 10 s, in which 10 s became 20 s: that may still be right.
        let asking = clock.asking();
        pass(10);
        clock.told(asking, Some(began.plus_seconds(15)));
        assert_eq!(clock.now(), began.plus_seconds(20));
        // It says 32 s within 8 s, in which 20 s became 28 s: so it is 32 s at least.
        let asking = clock.asking();
        pass(8);
        clock.told(asking, Some(began.plus_seconds(32)));
        assert_eq!(clock.now(), began.plus_seconds(32));
    }

    #[test]
    fn who_sets_the_machines_clock_changes_nothing() {
        let machine = Arc::new(Machine::default());
        let (clock, began) = (DatabaseClock::new(machine.clone()), machine.now());
        clock.told(clock.asking(), Some(began));
        machine.0.jump(-3600);
        machine.0.pass(Duration::from_secs(5));
        assert_eq!((clock.now(), clock.ahead()), (began.plus_seconds(5), 3_605_000));
    }
}
