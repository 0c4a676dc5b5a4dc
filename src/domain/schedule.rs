//! Which key signs when, and how long it is published: a pure function of the keys and the time.
//!
//! A key is published from the moment it is there, so that services know it before it signs. From a moment of its own on
//! it signs, until one that was made later does; then it stays published until every token that it signed is dead.

use std::{fmt, iter, str::FromStr};

use serde::Serialize;

use super::{clock::Timestamp, credential::words, policy::LONGEST_ACCESS_TOKEN_TTL};

/// For how long a key is published after another one took over, in seconds: as long as a token that it signed may live,
/// and five minutes for clocks that differ and for the leeway that services allow.
pub const OUTLIVES: i64 = LONGEST_ACCESS_TOKEN_TTL + 300;

/// For how long services are told that a key was withdrawn, in seconds: far longer than they go by keys that they fetched
/// earlier.
pub const WITHDRAWAL_SHOWN: i64 = 86_400;

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
    /// Taken out of use, whatever it was there for.
    Withdrawn,
}
words!(Stage {
    Pending = "pending",
    Signing = "signing",
    Outgoing = "outgoing",
    Retired = "retired",
    Withdrawn = "withdrawn",
});

/// A signing key and when it may sign.
#[derive(Clone, Copy, Debug)]
pub struct Turn<K> {
    /// The key.
    pub key: K,
    /// From when on.
    pub from: Timestamp,
    /// When it was withdrawn: from then on it neither signs nor is published.
    pub withdrawn_at: Option<Timestamp>,
}

/// A key that is not withdrawn, and when those that were made later take over.
#[derive(Clone, Debug)]
struct Term<K> {
    key: K,
    from: Timestamp,
    taken_over_at: Option<Timestamp>,
}

/// The signing keys that are not withdrawn, in the order in which they were made; at least one.
#[derive(Clone, Debug)]
pub struct Schedule<K> {
    oldest: Term<K>,
    newer: Vec<Term<K>>,
}

impl<K> Schedule<K> {
    /// The schedule of all keys in the order in which they were made. The oldest one has nobody to wait for: its moment does
    /// not matter. `None` if all are withdrawn.
    #[must_use]
    pub fn new(turns: impl IntoIterator<Item = Turn<K>, IntoIter: DoubleEndedIterator>) -> Option<Self> {
        let mut terms = Vec::new();
        let mut taken_over_at: Option<Timestamp> = None;
        for Turn { key, from, withdrawn_at } in turns.into_iter().rev() {
            if withdrawn_at.is_none() {
                terms.push(Term { key, from, taken_over_at });
            }
            // One that was withdrawn before its moment has taken over from nobody.
            if withdrawn_at.is_none_or(|at| from <= at) {
                taken_over_at = Some(taken_over_at.map_or(from, |earlier| earlier.min(from)));
            }
        }
        let oldest = terms.pop()?;
        terms.reverse();
        Some(Self { oldest, newer: terms })
    }

    /// The key that signs at `now`: of those whose moment has come the one that was made last.
    #[must_use]
    pub fn signer(&self, now: Timestamp) -> &K {
        &self.newer.iter().rfind(|term| term.from <= now).unwrap_or(&self.oldest).key
    }

    /// Every key with what it is there for at `now`, newest first.
    pub fn stages(&self, now: Timestamp) -> impl Iterator<Item = (&K, Stage)> {
        let newer = self.newer.iter().rev().map(move |term| (&term.key, term.stage(term.from <= now, now)));
        newer.chain([(&self.oldest.key, self.oldest.stage(true, now))])
    }

    /// The keys that are published at `now`, newest first.
    pub fn published(&self, now: Timestamp) -> impl Iterator<Item = &K> {
        self.stages(now).filter(|(_, stage)| *stage != Stage::Retired).map(|(key, _)| key)
    }

    /// The same schedule, of what `open` makes of those that are published at `now`.
    ///
    /// # Errors
    /// What `open` says.
    pub fn opened<T, E>(
        self,
        now: Timestamp,
        mut open: impl FnMut(K) -> Result<T, E>,
    ) -> Result<Option<Schedule<T>>, E> {
        let mut terms = Vec::with_capacity(self.newer.len() + 1);
        let all = iter::once(self.oldest).chain(self.newer);
        for Term { key, from, taken_over_at } in all.filter(|term| term.stage(true, now) != Stage::Retired) {
            terms.push(Term { key: open(key)?, from, taken_over_at });
        }
        let mut terms = terms.into_iter();
        Ok(terms.next().map(|oldest| Schedule { oldest, newer: terms.collect() }))
    }
}

impl<K> Term<K> {
    fn stage(&self, has_come: bool, now: Timestamp) -> Stage {
        match self.taken_over_at {
            Some(moment) if moment.plus_seconds(OUTLIVES) <= now => Stage::Retired,
            Some(moment) if moment <= now => Stage::Outgoing,
            Some(_) | None if has_come => Stage::Signing,
            Some(_) | None => Stage::Pending,
        }
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
    fn turns(keys: &[(i64, i64)]) -> Vec<Turn<usize>> {
        let turn = |(key, (made, lead)): (usize, &(i64, i64))| Turn { key, from: at(made + lead), withdrawn_at: None };
        keys.iter().enumerate().map(turn).collect()
    }

    fn schedule(keys: &[(i64, i64)]) -> Schedule<usize> {
        Schedule::new(turns(keys)).unwrap()
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
        let stages = |seconds| keys.stages(at(seconds)).map(|(_, stage)| stage).collect::<Vec<_>>();
        assert_eq!(stages(1000), [Stage::Pending, Stage::Signing]);
        assert_eq!(stages(1000 + LEAD - 1), [Stage::Pending, Stage::Signing]);
        assert_eq!(stages(1000 + LEAD), [Stage::Signing, Stage::Outgoing]);
        assert_eq!(stages(over - 1), [Stage::Signing, Stage::Outgoing]);
        assert_eq!(stages(over), [Stage::Signing, Stage::Retired]);
        assert_eq!(stages(-1), [Stage::Pending, Stage::Signing], "a clock that went back");
        assert!(Schedule::<usize>::new([]).is_none());
    }

    #[test]
    fn a_withdrawn_key_is_gone_and_has_taken_over_all_the_same() {
        let mut turns = turns(&[(0, 0), (1000, LEAD), (2000, 0), (2500, LEAD)]);
        turns[1].withdrawn_at = Some(at(2000));
        turns[3].withdrawn_at = Some(at(2600));
        let keys = Schedule::new(turns.clone()).unwrap();
        let stages = |seconds| keys.stages(at(seconds)).map(|(key, stage)| (*key, stage)).collect::<Vec<_>>();
        assert_eq!(stages(2500 + LEAD), [(2, Stage::Signing), (0, Stage::Outgoing)], "the last one never signed");
        assert_eq!(stages(1000 + LEAD + OUTLIVES), [(2, Stage::Signing), (0, Stage::Retired)]);
        for turn in &mut turns {
            turn.withdrawn_at = Some(at(3000));
        }
        assert!(Schedule::new(turns).is_none());
    }

    #[test]
    fn what_is_retired_is_not_opened() {
        let keys = || schedule(&[(0, 0), (1000, LEAD), (100_000, LEAD)]);
        let opened = |seconds| {
            let opened = keys().opened(at(seconds), |key| if key == 0 { Err("sealed") } else { Ok(key * 10) });
            opened.map(|opened| opened.unwrap().published(at(seconds)).copied().collect::<Vec<_>>())
        };
        assert_eq!(opened(1000 + LEAD + OUTLIVES - 1), Err("sealed"));
        assert_eq!(opened(1000 + LEAD + OUTLIVES), Ok(vec![20, 10]));
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
            let signing: Vec<_> = all.stages(at(after)).filter(|(_, stage)| *stage == Stage::Signing).collect();
            prop_assert_eq!(signing, vec![(&signer, Stage::Signing)]);
            let known_before = published(&keys, (after - KEPT).max(0));
            prop_assert!(known_before.contains(&signer));
            prop_assert!(published(&keys, after + later).contains(&signer));
        }
    }
}
