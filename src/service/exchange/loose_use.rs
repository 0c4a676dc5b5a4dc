//! Use that no credential in memory can gather: of credentials that memory does not have, of days that are over, and
//! exchanges that were refused.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use super::{known::Use, recent::Recent};
use crate::domain::{clock::Timestamp, ids::CredentialId, refused::Refused, source::Source, verdict::Refusal};

/// So many that one of them is a small batch even after memory has forgotten a million credentials in use.
const SHARDS: usize = 1024;

/// What is counted: a credential, a day since 1970, and how the exchange ended (`None` = it was granted).
type Counted = (CredentialId, i64, Option<Refusal>);

/// A part of it.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    /// By credential.
    pub(crate) used: HashMap<CredentialId, Use>,
    /// What does not fit in there; with a moment of that day.
    pub(crate) counts: HashMap<Counted, (Timestamp, i64)>,
    /// The last addresses of each credential besides the one in `used`.
    pub(crate) addresses: Recent<Use>,
    /// The last refusals of each credential.
    pub(crate) refusals: Recent<Refused>,
}

/// Such use since it was last written.
#[derive(Debug)]
pub(crate) struct LooseUse {
    shards: Vec<Mutex<Shard>>,
    /// Which shard is the next to be written.
    turn: AtomicUsize,
}

impl Shard {
    /// Notes a use of another day or from another address than the latest.
    fn set_aside(&mut self, id: CredentialId, used: Use) {
        if used.granted > 0 {
            self.count(id, used, None);
        }
        let known = self.addresses.take(id, |known| known.from == used.from);
        let granted = used.granted.saturating_add(known.map_or(0, |known| known.granted));
        let at = used.at.max(known.map_or(used.at, |known| known.at));
        self.addresses.push(id, Use { at, granted, ..used });
    }

    fn count(&mut self, id: CredentialId, of: Use, outcome: Option<Refusal>) {
        self.counts.entry((id, of.day(), outcome)).or_insert((of.at, 0)).1 += i64::from(of.granted);
    }
}

impl Default for LooseUse {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), turn: AtomicUsize::new(0) }
    }
}

impl LooseUse {
    fn shard(&self, id: CredentialId) -> Option<MutexGuard<'_, Shard>> {
        // The end of an id is random (RFC 9562, version 7).
        let [.., high, low] = *id.as_bytes();
        self.shards.get(usize::from(u16::from_be_bytes([high, low])) % SHARDS).map(lock)
    }

    /// Notes a use.
    pub(crate) fn note(&self, id: CredentialId, new: Use) {
        let Some(mut shard) = self.shard(id) else { return };
        let earlier = match shard.used.entry(id) {
            Entry::Occupied(mut known) => known.get_mut().add(new),
            Entry::Vacant(place) => {
                place.insert(new);
                None
            }
        };
        if let Some(earlier) = earlier {
            shard.set_aside(id, earlier);
        }
    }

    /// Notes that a credential was refused.
    pub(crate) fn refused(&self, id: CredentialId, at: Timestamp, reason: Refusal, source: Source) {
        let Some(mut shard) = self.shard(id) else { return };
        shard.count(id, Use { at, from: None, granted: 1 }, Some(reason));
        // Only what came in a request can be asked about.
        if let Source { address, request_id: Some(request_id) } = source {
            shard.refusals.push(id, Refused { request_id, at, reason, address });
        }
    }

    /// The last use that is gathered here.
    pub(super) fn last_use(&self, id: CredentialId) -> Option<Timestamp> {
        self.shard(id)?.used.get(&id).map(|used| used.at)
    }

    /// Takes out whole shards, each in its turn, until `has_enough`.
    pub(crate) fn take(&self, mut has_enough: impl FnMut(Shard) -> bool) {
        for _ in 0..SHARDS {
            let turn = self.turn.fetch_add(1, Relaxed) % SHARDS;
            let shard = self.shards.get(turn).map(|shard| mem::take(&mut *lock(shard)));
            if shard.is_some_and(&mut has_enough) {
                break;
            }
        }
    }
}

/// No code panics while it holds one of these locks.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
