//! What is counted for whoever watches the server: how exchanges and sign-ins end, how long exchanges take, and whether
//! memory had what they asked for. What can be asked for when somebody looks is not counted here (`monitor.rs`).

mod counters;

use std::time::Duration;

use self::counters::Counters;
use super::{error::ManageError, exchange::ExchangeError};
use crate::{domain::verdict::Refusal, store::retention::Aged};

/// How an exchange may end, but for the refusals.
const ENDS: [&str; 4] = ["granted", "unknown", "unavailable", "failed"];

/// The upper ends of what the histogram of exchanges tells apart, in microseconds. An exchange from memory takes some tens.
pub const BOUNDS: [u64; 14] =
    [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000];

/// Where an exchange found what it goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lookup {
    /// In memory.
    Hit,
    /// Not there, so in the database.
    Miss,
    /// In the database, since memory could not be believed.
    Bypass,
}

const LOOKUPS: [&str; 3] = ["hit", "miss", "bypass"];

const SIGN_INS: [&str; 5] = ["signed_in", "refused", "slowed", "busy", "failed"];

/// All that is counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    exchanges: Counters<{ ENDS.len() + Refusal::ALL.len() }>,
    /// Of each range of [`BOUNDS`], of what is above them; and the sum of all, in nanoseconds.
    durations: Counters<{ BOUNDS.len() + 2 }>,
    lookups: Counters<{ LOOKUPS.len() }>,
    sign_ins: Counters<{ SIGN_INS.len() }>,
    removed: Counters<{ Aged::ALL.len() }>,
}

/// How often something ended in which way.
pub type Counted = Vec<(&'static str, u64)>;

/// How long exchanges took.
#[derive(Clone, Debug)]
pub struct Durations {
    /// How many there were in each range up to one of [`BOUNDS`] and above the one before, and then above all.
    pub counts: Vec<u64>,
    /// All of them together.
    pub sum: Duration,
}

fn named<const N: usize>(names: impl Iterator<Item = &'static str>, counters: &Counters<N>) -> Counted {
    names.zip(counters.sums()).collect()
}

impl Metrics {
    /// An exchange ended after `took`.
    pub(crate) fn exchanged<T>(&self, result: &Result<T, ExchangeError>, took: Duration) {
        let end = match result {
            Ok(_) => 0,
            Err(ExchangeError::Unknown) => 1,
            Err(ExchangeError::Store(_)) => 2,
            Err(ExchangeError::Signing(_)) => 3,
            Err(ExchangeError::Refused(refusal)) => {
                // A verdict never gives one that is not known.
                Refusal::ALL.iter().position(|known| known == refusal).map_or(1, |place| ENDS.len() + place)
            }
        };
        self.exchanges.add(end, 1);
        let micros = u64::try_from(took.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX);
        self.durations.add(BOUNDS.partition_point(|bound| *bound < micros), 1);
        self.durations.add(BOUNDS.len() + 1, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// An exchange looked a credential up.
    pub(crate) fn looked_up(&self, lookup: Lookup) {
        self.lookups.add(lookup as usize, 1);
    }

    /// Somebody tried to sign in.
    pub(crate) fn signed_in<T>(&self, result: &Result<T, ManageError>) {
        let end = match result {
            Ok(_) => 0,
            Err(ManageError::Unauthenticated) => 1,
            Err(ManageError::Slowed(_)) => 2,
            Err(ManageError::Busy) => 3,
            Err(_) => 4,
        };
        self.sign_ins.add(end, 1);
    }

    /// Rows were removed because of their age.
    pub(crate) fn removed(&self, what: Aged, rows: usize) {
        self.removed.add(what as usize, u64::try_from(rows).unwrap_or(u64::MAX));
    }

    pub(super) fn rows_removed(&self) -> Counted {
        named(Aged::ALL.map(Aged::table).into_iter(), &self.removed)
    }

    pub(super) fn exchanges(&self) -> Counted {
        named(ENDS.into_iter().chain(Refusal::ALL.map(Refusal::as_str)), &self.exchanges)
    }

    pub(super) fn durations(&self) -> Durations {
        let sums = self.durations.sums();
        let (counts, sum) = sums.split_at(BOUNDS.len() + 1);
        Durations { counts: counts.to_vec(), sum: Duration::from_nanos(sum.iter().sum()) }
    }

    pub(super) fn lookups(&self) -> Counted {
        named(LOOKUPS.into_iter(), &self.lookups)
    }

    pub(super) fn sign_ins(&self) -> Counted {
        named(SIGN_INS.into_iter(), &self.sign_ins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_own_count() {
        let metrics = Metrics::default();
        for (place, refusal) in Refusal::ALL.into_iter().enumerate() {
            for _ in 0..=place {
                metrics.exchanged(&Err::<(), _>(ExchangeError::Refused(refusal)), Duration::ZERO);
            }
        }
        let counted = metrics.exchanges();
        for (place, refusal) in (1..).zip(Refusal::ALL) {
            assert!(counted.contains(&(refusal.as_str(), place)), "{counted:?}");
        }
        assert_eq!(counted.iter().map(|(_, count)| count).sum::<u64>(), 66);
    }

    #[test]
    fn a_duration_on_a_bound_is_within_it() {
        let metrics = Metrics::default();
        for micros in [0, 50, 51, 1_000_000, 1_000_001] {
            metrics.exchanged(&Ok(()), Duration::from_micros(micros));
        }
        metrics.exchanged(&Ok(()), Duration::from_nanos(50_001));
        let Durations { counts, sum } = metrics.durations();
        assert_eq!((counts[0], counts[1], counts[13], counts[14]), (2, 2, 1, 1));
        assert_eq!(counts.iter().sum::<u64>(), 6);
        assert_eq!(sum, Duration::from_nanos(2_000_152_001));
    }
}
