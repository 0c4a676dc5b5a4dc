//! Last use and counts: gathered in memory, written in batches. No exchange waits for a write.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing::field::display;

use super::{
    exchange::{Known, LooseShard, Memory, Use},
    log_sample::LogSample,
};
use crate::{
    domain::{clock::Timestamp, ids::CredentialId, source::Source, verdict::Refusal},
    store::{
        Database, StoreError,
        usage::{self as store, UsageBatch},
    },
};

/// What a granted exchange is counted as; a refused one as its reason.
const GRANTED: &str = "granted";

/// About how many credentials are written in one batch. With more in use than that, each is written less often, so
/// that writing never takes more than a small part of what exchanges take.
const BATCH: usize = 2000;

/// At how many credentials in memory one batch looks to find those that were used. With more than that in memory, each
/// is looked at less often.
const AMONG: usize = 50_000;

/// How many rows are written in one transaction.
const PART: usize = 1000;

/// What was used since it was last written.
#[derive(Debug)]
pub(crate) struct Usage {
    memory: Arc<Memory>,
    /// What was taken from memory and is not written yet.
    unwritten: Mutex<UsageBatch>,
    /// Which refusals are told in the log.
    log: LogSample<(CredentialId, Refusal)>,
}

fn add_use(batch: &mut UsageBatch, id: CredentialId, Use { at, from, granted }: Use) {
    if granted > 0 {
        *batch.counts.entry((id, at.day(), GRANTED)).or_default() += i64::from(granted);
    }
    add_address(batch, id, Use { at, from, granted });
    let known = batch.last_used.get(&id).map(|(known, _)| *known);
    if known < Some(at) {
        batch.last_used.insert(id, (at, from.map(|from| from.to_canonical().to_string())));
    }
}

fn add_address(batch: &mut UsageBatch, id: CredentialId, Use { at, from, granted }: Use) {
    let Some(from) = from else { return };
    let (last, exchanges) = batch.addresses.entry((id, from.to_canonical())).or_insert((at, 0));
    *last = at.max(*last);
    *exchanges += i64::from(granted);
}

fn add_shard(batch: &mut UsageBatch, LooseShard { used, counts, addresses, refusals }: LooseShard) {
    for (id, used) in used {
        add_use(batch, id, used);
    }
    for ((id, _, refusal), (at, count)) in counts {
        *batch.counts.entry((id, at.day(), refusal.map_or(GRANTED, Refusal::as_str))).or_default() += count;
    }
    for (id, used) in addresses {
        add_address(batch, id, used);
    }
    batch.refusals.extend(refusals.into_iter().map(|(id, refused)| (refused.request_id, (id, refused))));
}

impl Usage {
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        Self { memory, unwritten: Mutex::default(), log: LogSample::default() }
    }

    /// Notes an exchange of a known credential and how it ended.
    pub(crate) fn note(&self, known: &Known, at: Timestamp, source: Source, refusal: Option<Refusal>) {
        if let Some(refusal) = refusal {
            self.refused(known.id(), at, refusal, source);
        } else if let Some(elsewhere) = known.note(Use { at, from: source.address, granted: 1 }) {
            self.memory.loose_use.note(known.id(), elsewhere);
        }
    }

    /// Notes that a known credential was refused. Its holder is told nothing of why; the log and the owner's view are. The
    /// log has the first line of each minute: whoever holds a dead credential could fill a disk.
    pub(crate) fn refused(&self, id: CredentialId, at: Timestamp, reason: Refusal, source: Source) {
        let request_id = source.request_id.map(display);
        if let Some(left_out) = self.log.take((id, reason), at.unix_seconds()) {
            let left_out = (left_out > 0).then_some(left_out);
            tracing::info!(request_id, credential = %id, %reason, left_out, "token refused");
        }
        self.memory.loose_use.refused(id, at, reason, source);
    }

    /// Notes that a credential was used in another way than to be exchanged.
    pub(crate) fn note_use(&self, id: CredentialId, at: Timestamp, from: Option<IpAddr>) {
        self.memory.loose_use.note(id, Use { at, from, granted: 0 });
    }

    fn unwritten(&self) -> MutexGuard<'_, UsageBatch> {
        // No code panics while it holds this.
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last use that is not in the database yet. To be asked before the row is read: what is written meanwhile is
    /// in the row then.
    pub(crate) fn last_use(&self, id: CredentialId) -> Option<Timestamp> {
        // In this order: what is taken from memory meanwhile is among the unwritten then.
        let gathered = self.memory.last_use(id);
        let unwritten = self.unwritten().last_used.get(&id).map(|(at, _)| *at);
        gathered.max(unwritten)
    }

    /// Takes the next batch from memory, of about `among` credentials there at the most. Every credential has its turn. `false` =
    /// nothing is unwritten.
    pub(crate) fn gather(&self, among: usize) -> bool {
        let mut unwritten = self.unwritten();
        let room = BATCH.saturating_sub(unwritten.rows());
        if room > 0 {
            self.memory.take_used(room, among, |id, used| add_use(&mut unwritten, id, used));
            // As many again, or neither would leave the other a turn.
            let enough = unwritten.rows() + room;
            self.memory.loose_use.take(|shard| {
                add_shard(&mut unwritten, shard);
                unwritten.rows() >= enough
            });
        }
        !unwritten.is_empty()
    }

    /// Writes a part of what was taken: whoever changes a credential waits for one part at the most. `false` = there was
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError`]. What cannot be written is kept for the next time.
    pub(crate) async fn write_part(&self, db: &Database) -> Result<bool, StoreError> {
        let part = self.unwritten().part(PART);
        if part.is_empty() {
            return Ok(false);
        }
        let written = part.clone();
        db.write_behind(move |connection| store::write(connection, &part)).await?;
        self.unwritten().subtract(&written);
        Ok(true)
    }

    /// Writes one batch.
    ///
    /// # Errors
    /// As [`write_part`](Self::write_part).
    pub(crate) async fn flush_some(&self, db: &Database) -> Result<(), StoreError> {
        self.gather(AMONG);
        while self.write_part(db).await? {}
        Ok(())
    }
}

#[cfg(test)]
mod tests;
