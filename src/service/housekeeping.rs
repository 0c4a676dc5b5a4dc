//! Whether jobs may remove, revoke or prune what is old: not while the clock may be wrong.
//!
//! A clock that is ahead makes everything old, and what is removed by it does not come back when it is set right. Two
//! things are asked. The machine's clock is near the database's, where that has one. And it goes on where it was when a
//! server last trusted it; otherwise nobody can say whether the machines were off for so long or the clock is wrong, and
//! it must first have gone on evenly, by the clock that counts from the machine's start, for as long as an entry of the
//! list lives: what was there at the beginning is at least so old then, whatever the clock says.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{
    core::Core,
    database_clock::{MOST_SKEW, MUCH_SKEW},
};
use crate::{
    domain::{clock::Timestamp, list::ENTRY_LIFETIME},
    store::{StoreError, clock, time},
};

/// How long the clock must go on evenly before it is trusted, in milliseconds.
const STEADY_FOR: i64 = ENTRY_LIFETIME * 1000;

/// How much later than it was last trusted a clock may be, in milliseconds: a restart, or servers that were not able to
/// note it. Far less than an entry outlives the access tokens that it revokes.
pub(crate) const NEAR: i64 = 600_000;

/// Why nothing may be cleaned up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The machine's clock and the database's differ.
    Skew,
    /// The clock does not go on where it was when it was last trusted, and has not gone on evenly for long enough.
    Unsteady,
}

/// What was seen of the clock at one moment.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The wall clock, by the database.
    now: Timestamp,
    since_boot: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// The last look, and the first since which the clock has gone on evenly.
    seen: Option<(Seen, Seen)>,
    /// Nothing before the first look.
    verdict: Option<Result<(), Doubt>>,
}

/// What this process has seen of the clock.
#[derive(Debug, Default)]
pub(crate) struct Housekeeping(Mutex<State>);

impl Housekeeping {
    /// Whether jobs were allowed to clean up when that was last asked.
    pub(crate) fn is_allowed(&self) -> bool {
        self.state().verdict == Some(Ok(()))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges what is seen now; `ahead` is the database's clock of the machine's, in milliseconds. Also says whether that
    /// differs from the last verdict.
    fn judge(&self, seen: Seen, ahead: i64, trusted_at: Option<Timestamp>) -> (Result<(), Doubt>, bool) {
        let mut state = self.state();
        let first = match state.seen {
            Some((last, first)) if seen.went_on_evenly_from(last) => first,
            Some(_) | None => seen,
        };
        state.seen = Some((seen, first));
        let late_by = trusted_at.map(|at| seen.now.unix_millis() - at.unix_millis());
        let is_near = late_by.is_some_and(|late_by| (-MUCH_SKEW..=NEAR).contains(&late_by));
        let verdict = if ahead.abs() > MOST_SKEW {
            Err(Doubt::Skew)
        } else if is_near || millis(seen.since_boot.saturating_sub(first.since_boot)) >= STEADY_FOR {
            Ok(())
        } else {
            Err(Doubt::Unsteady)
        };
        let is_new = state.verdict.replace(verdict) != Some(verdict);
        (verdict, is_new)
    }
}

impl Seen {
    fn went_on_evenly_from(self, last: Self) -> bool {
        let passed = millis(self.since_boot.saturating_sub(last.since_boot));
        let moved = self.now.unix_millis() - last.now.unix_millis();
        (moved - passed).abs() <= MUCH_SKEW
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Core {
    /// The moment by which a job may remove, revoke or prune what is old; `None` while the clock may be wrong. A job asks each
    /// time that it begins, and goes by this moment, or by an earlier one, but by no other clock.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn may_clean_up(&self) -> Result<Option<Timestamp>, StoreError> {
        let clock = self.keys.clock();
        let asking = clock.asking();
        let ask = |connection: &mut _| Ok::<_, StoreError>((time::now(connection)?, clock::trusted_at(connection)?));
        let (said, trusted_at) = self.db.read(ask).await?;
        clock.told(asking, said);
        let seen = Seen { now: self.clock.now(), since_boot: self.clock.since_boot() };
        let (verdict, is_new) = self.housekeeping.judge(seen, clock.ahead(), trusted_at);
        match verdict {
            Ok(()) if is_new => tracing::info!("the clock is trusted: what is old is removed again"),
            Err(Doubt::Skew) if is_new => tracing::warn!(
                ahead_ms = clock.ahead(),
                "the database's clock is not this machine's: nothing that is old is removed until they agree"
            ),
            // So it begins in each new database: no cause for alarm.
            Err(Doubt::Unsteady) if trusted_at.is_none() => tracing::debug!("the clock is not known for two hours yet"),
            Err(Doubt::Unsteady) if is_new => tracing::warn!(
                trusted_at = trusted_at.map(tracing::field::display),
                "the clock may be wrong: nothing that is old is removed until it has gone on evenly for two hours"
            ),
            Ok(()) | Err(_) => {}
        }
        if verdict.is_err() {
            return Ok(None);
        }
        self.db.write(move |connection| clock::trust(connection, seen.now)).await.map(|()| Some(seen.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    /// A clock as [`Housekeeping`] sees it.
    struct Story {
        housekeeping: Housekeeping,
        seen: Seen,
        trusted_at: Option<Timestamp>,
    }

    fn start() -> Timestamp {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    impl Story {
        fn new(trusted_at: Option<Timestamp>) -> Self {
            let seen = Seen { now: start(), since_boot: Duration::from_secs(5) };
            Self { housekeeping: Housekeeping::default(), seen, trusted_at }
        }

        /// `passed` seconds later, in which the clock has been set by `jump` more.
        fn look(&mut self, passed: u64, jump: i64) -> Result<(), Doubt> {
            self.seen.since_boot += Duration::from_secs(passed);
            self.seen.now = self.seen.now.plus_seconds(i64::try_from(passed).unwrap() + jump);
            let (verdict, _) = self.housekeeping.judge(self.seen, 0, self.trusted_at);
            if verdict.is_ok() {
                self.trusted_at = Some(self.seen.now);
            }
            assert_eq!(self.housekeeping.is_allowed(), verdict.is_ok());
            verdict
        }
    }

    #[test]
    fn a_clock_that_goes_on_is_trusted_also_over_a_restart() {
        for ago in [0, 60, 600] {
            let mut story = Story::new(Some(start().plus_seconds(-ago)));
            assert_eq!((story.look(0, 0), story.look(60, 0)), (Ok(()), Ok(())));
        }
    }

    #[test]
    fn a_clock_of_which_nothing_is_known_is_trusted_after_two_even_hours() {
        for trusted_at in [None, Some(start().plus_seconds(-601)), Some(start().plus_seconds(3 * 86_400))] {
            let mut story = Story::new(trusted_at);
            for _ in 0..2 * HOUR / 60 {
                assert_eq!(story.look(60, 0), Err(Doubt::Unsteady));
            }
            assert_eq!(story.look(60, 0), Ok(()));
        }
    }

    #[test]
    fn two_seconds_of_a_wrong_clock_at_the_start_clean_up_nothing() {
        let mut story = Story::new(Some(start()));
        assert_eq!(story.look(0, 2 * 365 * 86_400), Err(Doubt::Unsteady));
        assert_eq!(story.look(2, -2 * 365 * 86_400), Ok(()), "set right, and known from before");
        assert_eq!(story.look(60, 3 * 3600), Err(Doubt::Unsteady));
        for _ in 1..2 * HOUR / 60 {
            assert_eq!(story.look(60, 0), Err(Doubt::Unsteady));
        }
        assert_eq!(story.look(60, -3600), Err(Doubt::Unsteady), "set again: it begins anew");
    }

    #[test]
    fn a_clock_that_differs_from_the_databases_is_not_trusted_however_steady() {
        let story = Story::new(Some(start()));
        for (ahead, verdict) in [(60_000, Ok(())), (60_001, Err(Doubt::Skew)), (-60_001, Err(Doubt::Skew))] {
            assert_eq!(story.housekeeping.judge(story.seen, ahead, story.trusted_at).0, verdict);
        }
    }
}
