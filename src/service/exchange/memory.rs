//! What the hot path looks things up in: credentials with all that a verdict goes by, how much of the list is
//! reflected in them, and until when that may be believed.
//!
//! The rules R1–R7 of DESIGN 6 name the orders that matter; the comments here say which line keeps which.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::domain::{credential::LookupKey, ids::CredentialId, list::Target, standing::Standing};

const SHARDS: usize = 64;

type Shard<K, V> = RwLock<HashMap<K, V>>;

/// The memory of one process. Only the follower moves `seen`, `applied` and the trust.
#[derive(Debug)]
pub(crate) struct Memory {
    standings: Vec<Shard<CredentialId, Arc<Standing>>>,
    /// Which credential a legacy token is: a fact that never changes, so no entry of the list touches it.
    legacy: Shard<[u8; 32], CredentialId>,
    hasher: RandomState,
    capacity_of_shard: usize,
    /// The highest number that the follower has begun to apply.
    seen: AtomicI64,
    /// Everything up to this number is reflected in memory.
    applied: AtomicI64,
    /// The same, for those who wait for it.
    applied_signal: watch::Sender<i64>,
    /// In nanoseconds since boot.
    trusted_until: AtomicU64,
}

impl Memory {
    /// An empty memory for `capacity` credentials at most, trusted by nobody.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            standings: (0..SHARDS).map(|_| Shard::default()).collect(),
            legacy: Shard::default(),
            hasher: RandomState::new(),
            capacity_of_shard: capacity.div_ceil(SHARDS),
            seen: AtomicI64::new(0),
            applied: AtomicI64::new(0),
            applied_signal: watch::Sender::new(0),
            trusted_until: AtomicU64::new(0),
        }
    }

    fn shard(&self, id: CredentialId) -> Option<&Shard<CredentialId, Arc<Standing>>> {
        let hash = self.hasher.hash_one(id);
        self.standings.get(usize::try_from(hash % 64).unwrap_or_default())
    }

    /// What is known of a credential.
    pub(crate) fn get(&self, key: LookupKey) -> Option<Arc<Standing>> {
        let id = match key {
            LookupKey::Id(id) => id,
            LookupKey::Hash(hash) => *read(&self.legacy).get(&hash)?,
        };
        read(self.shard(id)?).get(&id).cloned()
    }

    /// Takes in a row that was read when the counter was `counter`, unless the follower has begun to apply something
    /// newer: the row may be from before it (R5).
    pub(crate) fn offer(&self, key: LookupKey, standing: &Arc<Standing>, counter: i64) {
        let id = standing.credential.id;
        let Some(shard) = self.shard(id) else { return };
        {
            let mut shard = write(shard);
            // Under the lock: the follower raises `seen` first and takes this lock then, so whatever slips in before
            // it is forgotten, and whatever comes after it is refused here.
            if counter < self.seen.load(SeqCst) {
                return;
            }
            make_room(&mut shard, self.capacity_of_shard);
            shard.insert(id, standing.clone());
        }
        if let LookupKey::Hash(hash) = key {
            let mut legacy = write(&self.legacy);
            make_room(&mut legacy, self.capacity_of_shard * SHARDS);
            legacy.insert(hash, id);
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

    /// Follower: forgets whomever an entry is about.
    pub(crate) fn forget(&self, target: &Target) {
        if let Target::Credential(id) = target {
            if let Some(shard) = self.shard(*id) {
                write(shard).remove(id);
            }
            return;
        }
        for shard in &self.standings {
            write(shard).retain(|id, standing| {
                let credential = &standing.credential;
                !target.matches(*id, credential.organization_id, credential.owner_id)
            });
        }
    }

    /// Follower: forgets everything.
    pub(crate) fn forget_all(&self) {
        for shard in &self.standings {
            write(shard).clear();
        }
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

    /// Waits until memory reflects `seq`.
    pub(crate) async fn await_applied(&self, seq: i64) {
        // The sender is ours, so the channel never closes while we wait.
        let _ = self.applied_signal.subscribe().wait_for(|applied| *applied >= seq).await;
    }

    /// Follower: memory may be believed until `moment` (since boot).
    pub(crate) fn trust_until(&self, moment: Duration) {
        let nanos = u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX);
        self.trusted_until.fetch_max(nanos, SeqCst);
    }

    /// Whether memory may be believed at `now` (since boot).
    pub(crate) fn is_trusted(&self, now: Duration) -> bool {
        now.as_nanos() < u128::from(self.trusted_until.load(SeqCst))
    }
}

/// A full map gives up an entry, any one: what is in use comes back with its next exchange.
fn make_room<K: Copy + Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>, capacity: usize) {
    if map.len() >= capacity
        && let Some(any) = map.keys().next().copied()
    {
        map.remove(&any);
    }
}

/// No code panics while it holds one of these locks, and a map that lost an entry is still a map.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
