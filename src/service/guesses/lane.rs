//! The wrong guesses that came one way: from one network, for one account, or for an account from where its owner signs in.

use std::{collections::VecDeque, time::Duration};

/// So many wrong guesses within [`WINDOW`] slow what comes this way.
pub(super) const LIMIT: usize = 20;

/// See [`LIMIT`]; and whoever is slowed is free again when nobody guessed wrong for so long beyond the last pause.
const WINDOW: Duration = Duration::from_mins(15);

/// The pause before the first guess of whoever is slowed. It doubles with each further wrong one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// When to ask again if only a guess that is being checked stands in the way.
const MOMENT: Duration = Duration::from_secs(1);

/// All moments are since boot.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// When the last wrong ones came, oldest first: [`LIMIT`] at the most.
    wrong: VecDeque<Duration>,
    /// How many were wrong since it is slowed.
    beyond: u32,
    /// How many are being checked. They count like wrong ones: many at once must not get further than one after the other.
    pending: usize,
}

impl Lane {
    /// For how long nobody may guess, if so; the pause never is above `longest`.
    pub(super) fn wait(&self, now: Duration, longest: Duration) -> Option<Duration> {
        if !self.is_slowed(now, longest) {
            return (self.recent(now) + self.pending >= LIMIT).then_some(MOMENT);
        }
        let until = self.until(longest);
        if now < until { Some(until.saturating_sub(now)) } else { (self.pending > 0).then_some(MOMENT) }
    }

    /// Somebody guesses.
    pub(super) fn begin(&mut self) {
        self.pending += 1;
    }

    /// The guess was right, or nobody got to know whether it was.
    pub(super) fn end(&mut self) {
        self.pending = self.pending.saturating_sub(1);
    }

    /// The guess was wrong. Says whether that is the one by which it is slowed.
    pub(super) fn end_wrong(&mut self, now: Duration, longest: Duration) -> bool {
        self.end();
        let was_slowed = self.is_slowed(now, longest);
        self.beyond = if was_slowed { self.beyond.saturating_add(1) } else { 0 };
        self.wrong.push_back(now);
        if self.wrong.len() > LIMIT {
            self.wrong.pop_front();
        }
        !was_slowed && self.is_slowed(now, longest)
    }

    fn recent(&self, now: Duration) -> usize {
        self.wrong.iter().filter(|at| now < **at + WINDOW).count()
    }

    fn is_slowed(&self, now: Duration, longest: Duration) -> bool {
        self.recent(now) >= LIMIT || (self.beyond > 0 && now < self.until(longest) + WINDOW)
    }

    /// The end of the pause after the last wrong guess.
    fn until(&self, longest: Duration) -> Duration {
        let last = self.wrong.back().copied().unwrap_or_default();
        let doubled = 2_u32.checked_pow(self.beyond).and_then(|factor| FIRST_PAUSE.checked_mul(factor));
        last + doubled.unwrap_or(longest).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_mins(15);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(100_000 + seconds)
    }

    fn wait(lane: &Lane, seconds: u64) -> Option<u64> {
        lane.wait(at(seconds), LONGEST).map(|wait| wait.as_secs())
    }

    fn wrong(lane: &mut Lane, seconds: u64) {
        assert_eq!(wait(lane, seconds), None, "at {seconds}");
        lane.begin();
        lane.end_wrong(at(seconds), LONGEST);
    }

    #[test]
    fn twenty_in_a_quarter_of_an_hour_are_too_many() {
        let mut lane = Lane::default();
        // Twenty in more than that are not, however long it goes on.
        for second in (0..10_000).step_by(45) {
            wrong(&mut lane, second);
        }
        let mut lane = Lane::default();
        for second in (0..20 * 44).step_by(44) {
            wrong(&mut lane, second);
        }
        assert_eq!(wait(&lane, 19 * 44), Some(30));
        assert_eq!([wait(&lane, 19 * 44 + 29), wait(&lane, 19 * 44 + 30)], [Some(1), None]);
    }

    #[test]
    fn whoever_goes_on_waits_for_longer_each_time_and_is_forgiven_in_the_end() {
        let mut lane = Lane::default();
        (0..20).for_each(|_| wrong(&mut lane, 0));
        let mut now = 0;
        for pause in [30, 60, 120, 240, 480, 900, 900, 900] {
            assert_eq!(wait(&lane, now), Some(pause));
            now += pause;
            wrong(&mut lane, now);
        }
        assert_eq!(wait(&lane, now + 900), None);
        let mut patient = Lane { wrong: lane.wrong.clone(), ..Lane::default() };
        patient.beyond = lane.beyond;
        wrong(&mut patient, now + 900 + 899);
        assert_eq!(wait(&patient, now + 900 + 899), Some(900), "still slowed");
        (0..20).for_each(|_| wrong(&mut lane, now + 900 + 900));
        assert_eq!(wait(&lane, now + 1800), Some(30), "as in the beginning");
    }

    #[test]
    fn those_that_are_being_checked_count() {
        let mut lane = Lane::default();
        (0..20).for_each(|_| lane.begin());
        assert_eq!(wait(&lane, 0), Some(1));
        lane.end();
        assert_eq!(wait(&lane, 0), None, "one was right");
        (0..19).for_each(|_| assert!(!lane.end_wrong(at(0), LONGEST)));
        lane.begin();
        assert!(lane.end_wrong(at(0), LONGEST), "this one slows");
        lane.begin();
        assert_eq!([wait(&lane, 29), wait(&lane, 31)], [Some(1), Some(1)]);
        lane.end();
        assert_eq!(wait(&lane, 31), None, "what was right changes nothing");
        (0..20).for_each(|_| {
            lane.begin();
            lane.end();
        });
        assert_eq!(wait(&lane, 29), Some(1), "nor do many");
    }
}
