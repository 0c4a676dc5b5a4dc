//! What the hot path looks things up in: credentials with all that a verdict goes by, how much of the list is
//! reflected in them, and until when that may be believed.
//!
//! The rules R1–R7 of DESIGN 6 name the orders that matter; the comments here say which line keeps which.

mod forget;
mod gathered;
mod shard;

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use indexmap::IndexMap;
use tokio::sync::watch;

use self::shard::{IdHash, Shard};
use super::{feed_log::FeedLog, known::Known, loose_use::LooseUse, trust::Trust};
use crate::domain::{
    credential::LookupKey,
    ids::{CredentialId, OrganizationId},
    organization::Organization,
    standing::Standing,
};

const SHARDS: usize = 64;

/// The memory of one process. Only the follower moves `seen`, `applied` and the trust.
#[derive(Debug)]
pub(crate) struct Memory {
    credentials: Vec<RwLock<Shard>>,
    /// The organizations of these credentials, so that many share one.
    organizations: RwLock<HashMap<OrganizationId, Arc<Organization>>>,
    /// Which credential a legacy token is: a fact that never changes, so no entry of the list touches it.
    legacy: RwLock<IndexMap<[u8; 32], CredentialId>>,
    hasher: RandomState,
    capacity_of_shard: usize,
    /// The highest number that the follower has begun to apply.
    seen: AtomicI64,
    /// Everything up to this number is reflected in memory.
    applied: AtomicI64,
    /// The same, for those who wait for it.
    applied_signal: watch::Sender<i64>,
    /// Until when all this may be believed.
    pub(crate) trust: Trust,
    /// What of the list the feed shows.
    pub(crate) feed: FeedLog,
    /// The use of credentials that are not here, or not any more.
    pub(crate) loose_use: LooseUse,
    /// Whose use is the next to be written: a shard and a place in it.
    turn: Mutex<(usize, usize)>,
}

impl Memory {
    /// An empty memory for `capacity` credentials at most, trusted by nobody.
    pub(crate) fn new(capacity: usize) -> Self {
        let hasher = RandomState::new();
        Self {
            credentials: (0..SHARDS).map(|_| RwLock::new(Shard::new(hasher.clone()))).collect(),
            organizations: RwLock::default(),
            legacy: RwLock::default(),
            hasher,
            capacity_of_shard: capacity.div_ceil(SHARDS),
            seen: AtomicI64::new(0),
            applied: AtomicI64::new(0),
            applied_signal: watch::Sender::new(0),
            trust: Trust::default(),
            feed: FeedLog::default(),
            loose_use: LooseUse::default(),
            turn: Mutex::default(),
        }
    }

    /// Where a credential is, if it is here.
    fn locate(&self, id: CredentialId) -> Option<(&RwLock<Shard>, IdHash)> {
        let hash = IdHash(self.hasher.hash_one(id));
        self.credentials.get(hash.shard(SHARDS)).map(|shard| (shard, hash))
    }

    /// What is known of a credential.
    pub(crate) fn get(&self, key: LookupKey) -> Option<Arc<Known>> {
        let id = match key {
            LookupKey::Id(id) => id,
            LookupKey::Hash(hash) => *read(&self.legacy).get(&hash)?,
        };
        let (shard, hash) = self.locate(id)?;
        let shard = read(shard);
        let known = shard.get(hash, id)?;
        known.mark();
        Some(known.clone())
    }

    /// How many credentials are here.
    pub(crate) fn len(&self) -> usize {
        self.credentials.iter().map(|shard| read(shard).len()).sum()
    }

    /// Lets a standing share its organization with those that say the same of it.
    pub(crate) fn share_organization(&self, standing: &mut Standing) {
        let id = standing.organization_id();
        if let Some(known) = read(&self.organizations).get(&id).filter(|known| **known == standing.organization) {
            standing.organization = known.clone();
            return;
        }
        write(&self.organizations).insert(id, standing.organization.clone());
    }

    /// Takes in a row that was read when the counter was `counter`, unless the follower has begun to apply something
    /// newer: the row may be from before it (R5).
    pub(crate) fn offer(&self, key: LookupKey, known: &Arc<Known>, counter: i64) {
        let id = known.id();
        let Some((shard, hash)) = self.locate(id) else { return };
        {
            let mut shard = write(shard);
            // Under the lock: the follower raises `seen` first and takes this lock then, so whatever slips in before
            // it is forgotten, and whatever comes after it is refused here.
            if counter < self.seen.load(SeqCst) {
                return;
            }
            self.remove(&mut shard, hash, id);
            if shard.len() >= self.capacity_of_shard {
                let from = spread(self.hasher.hash_one((id, counter)), shard.places());
                if let Some(surplus) = shard.remove_surplus(from) {
                    self.let_go(&surplus);
                }
            }
            known.keep();
            shard.insert(hash, known.clone());
        }
        if let LookupKey::Hash(hash) = key {
            let mut legacy = write(&self.legacy);
            if legacy.len() >= self.capacity_of_shard * SHARDS {
                let from = spread(self.hasher.hash_one(hash), legacy.len());
                legacy.swap_remove_index(from);
            }
            legacy.insert(hash, id);
        }
    }

    /// To be called under the lock of the shard: whoever looks for the use of a credential finds it in one place or in the
    /// other.
    fn let_go(&self, known: &Known) {
        if let Some(used) = known.let_go() {
            self.loose_use.note(known.id(), used);
        }
    }

    fn remove(&self, shard: &mut Shard, hash: IdHash, id: CredentialId) {
        if let Some(known) = shard.remove(hash, id) {
            self.let_go(&known);
        }
    }

    /// Follower: nothing older than `seq` may come in any more.
    pub(crate) fn raise_seen(&self, seq: i64) {
        self.seen.fetch_max(seq, SeqCst);
    }

    /// The highest number that was ever seen.
    pub(crate) fn seen(&self) -> i64 {
        self.seen.load(SeqCst)
    }

    /// Follower: everything up to `seq` is reflected now.
    pub(crate) fn publish(&self, seq: i64) {
        self.applied.store(seq, SeqCst);
        self.applied_signal.send_replace(seq);
    }

    /// The number up to which memory reflects the list: `rev` of what is signed by it (R3).
    pub(crate) fn applied(&self) -> i64 {
        self.applied.load(SeqCst)
    }

    /// Tells whenever [`applied`](Self::applied) changes.
    pub(crate) fn applied_signal(&self) -> watch::Receiver<i64> {
        self.applied_signal.subscribe()
    }

    /// Waits until memory reflects `seq`.
    pub(crate) async fn await_applied(&self, seq: i64) {
        // The sender is ours, so the channel never closes while we wait.
        let _ = self.applied_signal.subscribe().wait_for(|applied| *applied >= seq).await;
    }

    /// Whether memory may be believed at `now` (since boot).
    pub(crate) fn is_trusted(&self, now: Duration) -> bool {
        self.trust.holds(now)
    }
}

/// A number below `size` (0 if that is 0) made of a hash.
fn spread(hash: u64, size: usize) -> usize {
    let size = u64::try_from(size.max(1)).unwrap_or(1);
    usize::try_from(hash % size).unwrap_or_default()
}

/// No code panics while it holds one of these locks, and a map that lost an entry is still a map.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
