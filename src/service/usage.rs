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

    /// Writes what was gathered. What cannot be written is kept for the next time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn flush(&self, db: &Database) -> Result<(), StoreError> {
        let batch = self.take();
        if batch.is_empty() {
            return Ok(());
        }
        let kept = batch.clone();
        let written = db.write(move |connection| store::write(connection, &batch)).await;
        if written.is_err() {
            lock(&self.unwritten).absorb(kept);
        }
        written
    }
}
