//! Last use and counts: gathered in memory, written in batches. No exchange waits for a write.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::{
    domain::{clock::Timestamp, ids::CredentialId, verdict::Refusal},
    store::{Database, StoreError, usage as store},
};

/// What a granted exchange is counted as; a refused one as its reason.
const GRANTED: &str = "granted";

const DAY_SECONDS: i64 = 86_400;

/// So many that one of them is a small batch even when a million credentials are in use.
const SHARDS: usize = 1024;

/// About how many credentials are written in one batch. With more in use than that, each is written less often, so
/// that writing never takes more than a small part of what exchanges take.
const BATCH: usize = 2000;

/// How many rows are written in one transaction.
const PART: usize = 1000;

/// The use of a credential since it was last written. Small: a million may be in use.
#[derive(Debug)]
struct Used {
    at: Timestamp,
    from: Option<IpAddr>,
    /// How often it was exchanged on the day of `at`.
    granted: u32,
}

#[derive(Debug, Default)]
struct Shard {
    used: HashMap<CredentialId, Used>,
    /// Refusals, and what was granted on a day that is over: by credential, day since 1970, and outcome.
    others: HashMap<(CredentialId, i64, Option<Refusal>), (Timestamp, i64)>,
}

/// What was used since it was last written.
#[derive(Debug)]
pub(crate) struct Usage {
    shards: Vec<Mutex<Shard>>,
    /// Which shard is the next to be written.
    turn: AtomicUsize,
    /// What was taken from the shards and is not written yet.
    unwritten: Mutex<store::UsageBatch>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn day(at: Timestamp) -> i64 {
    at.unix_seconds().div_euclid(DAY_SECONDS)
}

impl Shard {
    fn count(&mut self, id: CredentialId, at: Timestamp, outcome: Option<Refusal>, count: u32) {
        self.others.entry((id, day(at), outcome)).or_insert((at, 0)).1 += i64::from(count);
    }

    fn note_use(&mut self, id: CredentialId, at: Timestamp, from: Option<IpAddr>, granted: u32) {
        match self.used.entry(id) {
            Entry::Vacant(place) => drop(place.insert(Used { at, from, granted })),
            Entry::Occupied(mut known) if day(known.get().at) == day(at) => {
                let known = known.get_mut();
                *known = Used { at, from, granted: known.granted.saturating_add(granted) };
            }
            Entry::Occupied(mut known) => {
                let former = known.insert(Used { at, from, granted });
                self.count(id, former.at, None, former.granted);
            }
        }
    }

    fn into_batch(self) -> store::UsageBatch {
        let mut batch = store::UsageBatch::default();
        for (id, Used { at, from, granted }) in self.used {
            if granted > 0 {
                batch.counts.insert((id, at.day(), GRANTED), i64::from(granted));
            }
            batch.last_used.insert(id, (at, from.map(|from| from.to_canonical().to_string())));
        }
        for ((id, _, refusal), (at, count)) in self.others {
            *batch.counts.entry((id, at.day(), refusal.map_or(GRANTED, Refusal::as_str))).or_default() += count;
        }
        batch
    }
}

impl Default for Usage {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, turn: AtomicUsize::new(0), unwritten: Mutex::default() }
    }
}

impl Usage {
    fn shard(&self, id: CredentialId) -> Option<MutexGuard<'_, Shard>> {
        // The end of an id is random (RFC 9562, version 7).
        let [.., high, low] = *id.as_bytes();
        self.shards.get(usize::from(u16::from_be_bytes([high, low])) % SHARDS).map(lock)
    }

    /// Notes an exchange of a known credential and how it ended.
    pub(crate) fn note(&self, id: CredentialId, now: Timestamp, from: Option<IpAddr>, refusal: Option<Refusal>) {
        let Some(mut shard) = self.shard(id) else { return };
        match refusal {
            None => shard.note_use(id, now, from, 1),
            Some(_) => shard.count(id, now, refusal, 1),
        }
    }

    /// Notes that a credential was used in another way than to be exchanged.
    pub(crate) fn note_use(&self, id: CredentialId, now: Timestamp, from: Option<IpAddr>) {
        if let Some(mut shard) = self.shard(id) {
            shard.note_use(id, now, from, 0);
        }
    }

    /// The last use that is not in the database yet.
    pub(crate) fn last_use(&self, id: CredentialId) -> Option<Timestamp> {
        // In this order: what is taken from the shard meanwhile is among the unwritten then.
        let gathered = self.shard(id).and_then(|shard| shard.used.get(&id).map(|used| used.at));
        let unwritten = lock(&self.unwritten).last_used.get(&id).map(|(at, _)| *at);
        gathered.max(unwritten)
    }

    /// Takes the next batch: whole shards, each in its turn, so that every credential has its turn.
    fn take(&self) -> store::UsageBatch {
        let mut unwritten = lock(&self.unwritten);
        for _ in 0..SHARDS {
            if unwritten.last_used.len().max(unwritten.counts.len()) >= BATCH {
                break;
            }
            let turn = self.turn.fetch_add(1, Relaxed) % SHARDS;
            if let Some(shard) = self.shards.get(turn) {
                unwritten.absorb(mem::take(&mut *lock(shard)).into_batch());
            }
        }
        unwritten.clone()
    }

    /// Writes one batch, a part at a time: whoever changes a credential waits for one part at the most. What cannot be
    /// written is kept for the next time. `false` = there was nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn flush_some(&self, db: &Database) -> Result<bool, StoreError> {
        let batch = self.take();
        if batch.is_empty() {
            return Ok(false);
        }
        for part in batch.parts(PART) {
            let written = part.clone();
            db.write_behind(move |connection| store::write(connection, &part)).await?;
            lock(&self.unwritten).subtract(&written);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::random::SystemRandomness,
        service::testing::block_on,
        store::{DatabaseSettings, usage::UsageBatch},
        test_database::TestDatabase,
    };

    fn noon() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn used(usage: &Usage, count: usize) -> Vec<CredentialId> {
        let random = SystemRandomness::default();
        let ids: Vec<_> = (0..count).map(|_| CredentialId::generate(noon(), &random)).collect();
        for id in &ids {
            usage.note(*id, noon(), None, None);
        }
        ids
    }

    #[test]
    fn each_day_and_outcome_is_counted_apart() {
        let usage = Usage::default();
        let id = used(&usage, 1)[0];
        let (tomorrow, from) = (noon().plus_seconds(DAY_SECONDS), "::ffff:10.0.0.1".parse().ok());
        usage.note(id, noon(), from, None);
        usage.note(id, noon(), from, Some(Refusal::Expired));
        usage.note(id, tomorrow, from, None);
        usage.note_use(id, tomorrow.plus_seconds(1), from);
        let UsageBatch { last_used, counts } = usage.take();
        let mut counts: Vec<_> = counts.into_iter().map(|((_, day, outcome), count)| (day, outcome, count)).collect();
        counts.sort();
        let expected = [("2026-11-22", "expired", 1), ("2026-11-22", GRANTED, 2), ("2026-11-23", GRANTED, 1)];
        assert_eq!(counts, expected.map(|(day, outcome, count)| (day.to_owned(), outcome, count)));
        assert_eq!(last_used[&id], (tomorrow.plus_seconds(1), Some("10.0.0.1".to_owned())));
        assert_eq!(usage.last_use(id), Some(tomorrow.plus_seconds(1)), "as long as it is not written");
    }

    #[test]
    fn a_batch_is_bounded_and_every_credential_has_its_turn() {
        let test = TestDatabase::new();
        let db = Database::new(&DatabaseSettings { url: test.url().parse().unwrap(), connections: 1 });
        db.migrate().unwrap();
        let usage = Usage::default();
        let ids = used(&usage, 3 * BATCH);
        let mut batches = 0;
        while ids.iter().any(|id| usage.last_use(*id) == Some(noon())) {
            assert!(block_on(usage.flush_some(&db)).unwrap() && batches < 5, "some never have their turn");
            let written: Vec<_> = ids.iter().filter(|id| usage.last_use(**id).is_none()).collect();
            assert!((BATCH..BATCH + BATCH / 10).contains(&written.len()) || batches == 2, "{}", written.len());
            // Used again, which must not keep others from their turn.
            for id in written {
                usage.note_use(*id, noon().plus_seconds(1), None);
            }
            batches += 1;
        }
    }
}
