//! Last use and counts: gathered in memory, written in batches. No exchange waits for a write.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    domain::{clock::Timestamp, ids::CredentialId, verdict::Refusal},
    store::{Database, StoreError, usage as store},
};

/// What a granted exchange is counted as; a refused one as its reason.
const GRANTED: &str = "granted";

const DAY_SECONDS: i64 = 86_400;

/// How many rows are written in one transaction.
const PART: usize = 100;

#[derive(Debug, Default)]
struct Gathered {
    last_used: HashMap<CredentialId, (Timestamp, Option<IpAddr>)>,
    /// By credential, day since 1970, and outcome.
    counts: HashMap<(CredentialId, i64, Option<Refusal>), (Timestamp, i64)>,
}

/// What was used since the last batch.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    gathered: Mutex<Gathered>,
    /// What could not be written yet.
    unwritten: Mutex<store::UsageBatch>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Usage {
    /// Notes an exchange of a known credential and how it ended.
    pub(crate) fn note(&self, id: CredentialId, now: Timestamp, from: Option<IpAddr>, refusal: Option<Refusal>) {
        let day = now.unix_seconds().div_euclid(DAY_SECONDS);
        let mut gathered = lock(&self.gathered);
        gathered.counts.entry((id, day, refusal)).or_insert((now, 0)).1 += 1;
        if refusal.is_none() {
            gathered.last_used.insert(id, (now, from));
        }
    }

    /// Notes that a credential was used in another way than to be exchanged.
    pub(crate) fn note_use(&self, id: CredentialId, now: Timestamp, from: Option<IpAddr>) {
        lock(&self.gathered).last_used.insert(id, (now, from));
    }

    fn take(&self) -> store::UsageBatch {
        let Gathered { last_used, counts } = std::mem::take(&mut *lock(&self.gathered));
        let address = |from: Option<IpAddr>| from.map(|from| from.to_canonical().to_string());
        let counts = counts
            .into_iter()
            .map(|((id, _, refusal), (at, count))| ((id, at.day(), refusal.map_or(GRANTED, Refusal::as_str)), count));
        let mut batch = std::mem::take(&mut *lock(&self.unwritten));
        batch.absorb(store::UsageBatch {
            last_used: last_used.into_iter().map(|(id, (at, from))| (id, (at, address(from)))).collect(),
            counts: counts.collect(),
        });
        batch
    }

    /// The last use that is not in the database yet.
    pub(crate) fn last_use(&self, id: CredentialId) -> Option<Timestamp> {
        let gathered = lock(&self.gathered).last_used.get(&id).map(|(at, _)| *at);
        let unwritten = lock(&self.unwritten).last_used.get(&id).map(|(at, _)| *at);
        gathered.max(unwritten)
    }

    /// Writes what was gathered, a part at a time: whoever changes a credential waits for one part at the most. What
    /// cannot be written is kept for the next time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn flush(&self, db: &Database) -> Result<(), StoreError> {
        let batch = self.take();
        // Until it is written it can still be asked for.
        lock(&self.unwritten).absorb(batch.clone());
        for part in batch.parts(PART) {
            let written = part.clone();
            db.write_behind(move |connection| store::write(connection, &part)).await?;
            lock(&self.unwritten).subtract(&written);
        }
        Ok(())
    }
}
