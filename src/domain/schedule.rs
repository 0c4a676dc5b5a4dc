//! Which key signs when, and how long it is published: a pure function of the keys and the time.
//!
//! A key is published from the moment it is there, so that services know it before it signs. From a moment of its own on
//! it signs, until one that was made later does; then it stays published until every token that it signed is dead.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{clock::Timestamp, credential::words, policy::LONGEST_ACCESS_TOKEN_TTL};

/// For how long a key is published after another one took over, in seconds: as long as a token that it signed may live,
/// and five minutes for clocks that differ and for the leeway that services allow.
pub const OUTLIVES: i64 = LONGEST_ACCESS_TOKEN_TTL + 300;

/// What a key is there for at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Published, so that it is known before it signs.
    Pending,
    /// Signs.
    Signing,
    /// Published, since a token that it signed may be alive.
    Outgoing,
    /// Not published any more.
    Retired,
}
words!(Stage { Pending = "pending", Signing = "signing", Outgoing = "outgoing", Retired = "retired" });

/// Signing keys in the order in which they were made; at least one.
#[derive(Clone, Debug)]
pub struct Schedule<K> {
    oldest: K,
    /// Each with the moment from which on it may sign.
    newer: Vec<(Timestamp, K)>,
}

impl<K> Schedule<K> {
    /// A schedule of `keys` in the order in which they were made, each with the moment from which on it may sign; that of
    /// the oldest does not matter. `None` if there are none.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = (Timestamp, K)>) -> Option<Self> {
        let mut keys = keys.into_iter();
        let (_, oldest) = keys.next()?;
        Some(Self { oldest, newer: keys.collect() })
    }

    /// The key that signs at `now`: of those whose moment has come the one that was made last.
    #[must_use]
    pub fn signer(&self, now: Timestamp) -> &K {
        let newest = self.newer.iter().rfind(|(from, _)| *from <= now);
        newest.map_or(&self.oldest, |(_, key)| key)
    }

    /// Every key with what it is there for at `now`, newest first.
    #[must_use]
    pub fn stages(&self, now: Timestamp) -> Vec<(&K, Stage)> {
        let mut stages = Vec::with_capacity(self.newer.len() + 1);
        // The first moment of those that were made later.
        let mut taken_over_at = None;
        for (from, key) in self.newer.iter().rev() {
            stages.push((key, stage(*from <= now, taken_over_at, now)));
            taken_over_at = Some(taken_over_at.map_or(*from, |earlier: Timestamp| earlier.min(*from)));
        }
        stages.push((&self.oldest, stage(true, taken_over_at, now)));
        stages
    }

    /// The keys that are published at `now`, newest first.
    pub fn published(&self, now: Timestamp) -> impl Iterator<Item = &K> {
        self.stages(now).into_iter().filter(|(_, stage)| *stage != Stage::Retired).map(|(key, _)| key)
    }
}

fn stage(has_come: bool, taken_over_at: Option<Timestamp>, now: Timestamp) -> Stage {
    match taken_over_at {
        Some(moment) if moment.plus_seconds(OUTLIVES) <= now => Stage::Retired,
        Some(moment) if moment <= now => Stage::Outgoing,
        Some(_) | None if has_come => Stage::Signing,
        Some(_) | None => Stage::Pending,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How long services may keep the published keys.
    const KEPT: i64 = 300;

    const LEAD: i64 = 900;

    fn at(seconds: i64) -> Timestamp {
        "2026-11-21T10:00:00Z".parse::<Timestamp>().unwrap().plus_seconds(seconds)
    }

    /// Keys named by their numbers: made so many seconds after the start, and signing so many seconds later.
    fn schedule(keys: &[(i64, i64)]) -> Schedule<usize> {
        Schedule::new(keys.iter().enumerate().map(|(number, (made, lead))| (at(made + lead), number))).unwrap()
    }

    fn published(keys: &[(i64, i64)], seconds: i64) -> Vec<usize> {
        let made: Vec<_> = keys.iter().copied().filter(|(made, _)| *made <= seconds).collect();
        let schedule = schedule(&made);
        let mut published: Vec<_> = schedule.published(at(seconds)).copied().collect();
        published.reverse();
        published
    }

    #[test]
    fn a_key_is_pending_signs_is_outgoing_and_retires() {
        let (keys, over) = (schedule(&[(0, 0), (1000, LEAD)]), 1000 + LEAD + OUTLIVES);
        let stages = |seconds| keys.stages(at(seconds)).into_iter().map(|(_, stage)| stage).collect::<Vec<_>>();
        assert_eq!(stages(1000), [Stage::Pending, Stage::Signing]);
        assert_eq!(stages(1000 + LEAD - 1), [Stage::Pending, Stage::Signing]);
        assert_eq!(stages(1000 + LEAD), [Stage::Signing, Stage::Outgoing]);
        assert_eq!(stages(over - 1), [Stage::Signing, Stage::Outgoing]);
        assert_eq!(stages(over), [Stage::Signing, Stage::Retired]);
        assert_eq!(stages(-1), [Stage::Pending, Stage::Signing], "a clock that went back");
        assert!(Schedule::<usize>::new([]).is_none());
    }

    #[test]
    fn one_that_was_made_before_a_hasty_one_never_signs() {
        let keys = [(0, 0), (1000, LEAD), (1500, 0)];
        for (seconds, signer) in [(1499, 0), (1500, 2), (1000 + LEAD, 2), (100_000, 2)] {
            assert_eq!(*schedule(&keys).signer(at(seconds)), signer, "{seconds}");
        }
        assert_eq!(published(&keys, 1500 + OUTLIVES - 1), [0, 1, 2]);
        assert_eq!(published(&keys, 1500 + OUTLIVES), [2]);
    }

    proptest! {
        #[test]
        fn each_token_is_verified_by_what_was_published_a_while_before_and_is_until_it_is_dead(
            gaps in prop::collection::vec(1..10_000_i64, 1..6),
            after in 0..20_000_i64,
            later in 0..OUTLIVES,
        ) {
            let mut made = 0;
            let mut keys = vec![(0, 0)];
            for gap in gaps {
                made += gap;
                keys.push((made, LEAD));
            }
            let all = schedule(&keys);
            let signer = *all.signer(at(after));
            let signing: Vec<_> = all.stages(at(after)).into_iter().filter(|(_, stage)| *stage == Stage::Signing).collect();
            prop_assert_eq!(signing, vec![(&signer, Stage::Signing)]);
            let known_before = published(&keys, (after - KEPT).max(0));
            prop_assert!(known_before.contains(&signer));
            prop_assert!(published(&keys, after + later).contains(&signer));
        }
    }
}
