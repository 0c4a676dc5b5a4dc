//! Reading a credential's row when memory does not have it: once for all who ask at the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{
    memory::Memory,
    pause::{Pauses, Point},
    reader::{Load, Outcome, Reader},
};
use crate::{domain::credential::LookupKey, store::StoreError};

/// Each load with those who wait for its outcome.
type Running = HashMap<LookupKey, Vec<oneshot::Sender<Outcome>>>;

/// The loads under way.
pub(super) struct Loads {
    running: Mutex<Running>,
    reader: Reader,
}

/// What an exchange has to do: read, or wait for who reads.
enum Part<'a> {
    Lead(Leader<'a>),
    Join(oneshot::Receiver<Outcome>),
}

impl Loads {
    pub(super) fn new(reader: Reader) -> Self {
        Self { running: Mutex::default(), reader }
    }

    /// The row for `key` for one exchange alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn fresh(&self, key: LookupKey) -> Outcome {
        self.reader.read(key).await
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn part(&self, key: LookupKey) -> Part<'_> {
        let mut running = self.running();
        if let Some(joined) = running.get_mut(&key) {
            let (join, outcome) = oneshot::channel();
            joined.push(join);
            return Part::Join(outcome);
        }
        running.insert(key, Vec::new());
        Part::Lead(Leader { loads: self, key, outcome: None })
    }

    /// The row for `key`, for an exchange whose `rev` is `rev` and that found memory trusted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn load(
        &self,
        memory: &Memory,
        pauses: &Pauses,
        key: LookupKey,
        rev: i64,
    ) -> Result<Load, StoreError> {
        loop {
            match self.part(key) {
                Part::Lead(mut leader) => {
                    let mut outcome = self.reader.read(key).await;
                    if let Ok(Load { counter, known: Some(known), .. }) = &mut outcome {
                        if let Some(unshared) = Arc::get_mut(known) {
                            memory.share_organization(unshared.standing_mut());
                        }
                        pauses.at(Point::RowRead);
                        memory.offer(key, known, *counter);
                    }
                    leader.outcome = Some(outcome.clone());
                    return outcome;
                }
                Part::Join(outcome) => {
                    pauses.at(Point::Joining);
                    match outcome.await {
                        // A load that began before this exchange may have read what is revoked by now (R7).
                        Ok(Ok(load)) if load.counter >= rev => return Ok(load),
                        // Or the leader was given up: somebody else has to lead.
                        Ok(Ok(_)) | Err(_) => {}
                        Ok(Err(error)) => return Err(error),
                    }
                }
            }
        }
    }
}

/// Whoever reads for all. Given up half way (its client hung up), it makes room for another.
struct Leader<'a> {
    loads: &'a Loads,
    key: LookupKey,
    outcome: Option<Outcome>,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        // First, so that whoever cannot use this outcome does not find it again.
        let joined = self.loads.running().remove(&self.key).unwrap_or_default();
        if let Some(outcome) = &self.outcome {
            for join in joined {
                // Who has gone away does not mind.
                let _ = join.send(outcome.clone());
            }
        }
    }
}
