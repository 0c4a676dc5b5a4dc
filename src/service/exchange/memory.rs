//! What the hot path looks things up in: credentials with all that a verdict goes by, how much of the list is
//! reflected in them, and until when that may be believed.
//!
//! The rules R1–R7 of DESIGN 6 name the orders that matter; the comments here say which line keeps which.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{
            AtomicBool, AtomicI64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use tokio::sync::watch;

use indexmap::IndexMap;

use super::{feed_log::FeedLog, trust::Trust};
use crate::domain::{
    credential::LookupKey,
    ids::{CredentialId, OrganizationId},
    list::{Entry, Target},
    organization::Organization,
    standing::Standing,
};

const SHARDS: usize = 64;

/// How many entries about more than one credential are looked for one by one.
const MOST_BROAD: usize = 32;

/// How many are looked at to find one that is not in use.
const LOOKED_AT: usize = 8;

type Shard<K, V> = RwLock<IndexMap<K, V>>;

/// A credential in memory.
#[derive(Debug)]
struct Slot {
    standing: Arc<Standing>,
    /// Whether it was looked up since it was last considered for removal.
    used: AtomicBool,
}

/// The memory of one process. Only the follower moves `seen`, `applied` and the trust.
#[derive(Debug)]
pub(crate) struct Memory {
    standings: Vec<Shard<CredentialId, Slot>>,
    /// The organizations of these credentials, so that many share one.
    organizations: RwLock<HashMap<OrganizationId, Arc<Organization>>>,
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
    /// Until when all this may be believed.
    pub(crate) trust: Trust,
    /// What of the list the feed shows.
    pub(crate) feed: FeedLog,
}

impl Memory {
    /// An empty memory for `capacity` credentials at most, trusted by nobody.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            standings: (0..SHARDS).map(|_| Shard::default()).collect(),
            organizations: RwLock::default(),
            legacy: Shard::default(),
            hasher: RandomState::new(),
            capacity_of_shard: capacity.div_ceil(SHARDS),
            seen: AtomicI64::new(0),
            applied: AtomicI64::new(0),
            applied_signal: watch::Sender::new(0),
            trust: Trust::default(),
            feed: FeedLog::default(),
        }
    }

    fn shard(&self, id: CredentialId) -> Option<&Shard<CredentialId, Slot>> {
        self.standings.get(spread(self.hasher.hash_one(id), SHARDS))
    }

    /// What is known of a credential.
    pub(crate) fn get(&self, key: LookupKey) -> Option<Arc<Standing>> {
        let id = match key {
            LookupKey::Id(id) => id,
            LookupKey::Hash(hash) => *read(&self.legacy).get(&hash)?,
        };
        let shard = read(self.shard(id)?);
        let Slot { standing, used } = shard.get(&id)?;
        // Only the first look-up writes: two cores that write one line slow each other down.
        if !used.load(Relaxed) {
            used.store(true, Relaxed);
        }
        Some(standing.clone())
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
            if !shard.contains_key(&id) {
                let from = spread(self.hasher.hash_one((id, counter)), shard.len().max(1));
                make_room(&mut shard, self.capacity_of_shard, from, |slot| slot.used.swap(false, Relaxed));
            }
            shard.insert(id, Slot { standing: standing.clone(), used: AtomicBool::new(false) });
        }
        if let LookupKey::Hash(hash) = key {
            let mut legacy = write(&self.legacy);
            let from = spread(self.hasher.hash_one(hash), legacy.len().max(1));
            make_room(&mut legacy, self.capacity_of_shard * SHARDS, from, |_| false);
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

    /// Follower: forgets whomever these entries are about.
    pub(crate) fn forget(&self, entries: &[Entry]) {
        let mut broad = Vec::new();
        for Entry { target, .. } in entries {
            match target {
                Target::Credential(id) => {
                    if let Some(shard) = self.shard(*id) {
                        write(shard).swap_remove(id);
                    }
                }
                Target::Member(..) | Target::User(_) | Target::Organization(_) | Target::Unknown => broad.push(target),
            }
        }
        match broad.len() {
            0 => {}
            1..=MOST_BROAD => self.forget_all_of(&broad),
            // To look through all of memory for each takes longer than to fill it anew.
            _ => self.forget_all(),
        }
    }

    fn forget_all_of(&self, targets: &[&Target]) {
        for shard in &self.standings {
            write(shard).retain(|id, slot| {
                let (organization, owner) = (slot.standing.organization_id(), slot.standing.credential.owner_id);
                let is_meant = |target: &&Target| target.matches(*id, organization, owner);
                !targets.iter().any(is_meant)
            });
        }
    }

    /// Follower: forgets everything.
    pub(crate) fn forget_all(&self) {
        for shard in &self.standings {
            write(shard).clear();
        }
        write(&self.organizations).clear();
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

/// A number below `size` made of a hash.
fn spread(hash: u64, size: usize) -> usize {
    let size = u64::try_from(size).unwrap_or(1);
    usize::try_from(hash % size).unwrap_or_default()
}

/// A full map gives up an entry: of the few from the place `from` on, the first that was not used of late.
fn make_room<K, V>(map: &mut IndexMap<K, V>, capacity: usize, from: usize, was_used: impl Fn(&V) -> bool) {
    if map.len() < capacity {
        return;
    }
    let places = || (0..LOOKED_AT).map(|step| (from + step) % map.len().max(1));
    let idle = places().find(|place| map.get_index(*place).is_some_and(|(_, value)| !was_used(value)));
    map.swap_remove_index(idle.unwrap_or(from));
}

/// No code panics while it holds one of these locks, and a map that lost an entry is still a map.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::tests::standing;

    #[test]
    fn a_full_memory_keeps_what_is_in_use() {
        let memory = Memory::new(SHARDS * 16);
        let used: Vec<_> = (0..SHARDS * 4).map(|_| offered(&memory, &Arc::new(standing()))).collect();
        for _ in 0..SHARDS * 40 {
            for key in used.iter().step_by(16) {
                memory.get(*key);
            }
            offered(&memory, &Arc::new(standing()));
        }
        let kept = used.iter().step_by(16).filter(|key| memory.get(**key).is_some()).count();
        assert!(kept >= 12, "{kept} of 16 credentials in use are left");
        let in_all: usize = memory.standings.iter().map(|shard| read(shard).len()).sum();
        assert!(in_all <= SHARDS * 16, "{in_all} are too many");
    }

    #[test]
    fn an_entry_makes_memory_forget_whom_it_is_about() {
        let targets: [fn(&Standing) -> Target; 5] = [
            |known| Target::Credential(known.credential.id),
            |known| Target::Member(known.organization.id, known.credential.owner_id),
            |known| Target::User(known.credential.owner_id),
            |known| Target::Organization(known.organization.id),
            |_| Target::Unknown,
        ];
        for target in targets {
            let (memory, known) = (Memory::new(100), Arc::new(standing()));
            let (key, other) = (offered(&memory, &known), offered(&memory, &Arc::new(standing())));
            let target = target(&known);
            memory.forget(&[Entry { seq: 1, target, revokes: true, created_at: known.credential.created_at }]);
            assert!(memory.get(key).is_none(), "{target:?}");
            assert_eq!(memory.get(other).is_some(), target != Target::Unknown, "{target:?}");
        }
    }

    #[test]
    fn credentials_of_one_organization_share_it() {
        let memory = Memory::new(100);
        let first = standing();
        let mut second = Standing { organization: Arc::new((*first.organization).clone()), ..first.clone() };
        let mut changed = first.clone();
        Arc::make_mut(&mut changed.organization).policy_seq += 1;
        memory.share_organization(&mut first.clone());
        memory.share_organization(&mut second);
        assert!(Arc::ptr_eq(&first.organization, &second.organization));
        memory.share_organization(&mut changed);
        assert_ne!(changed.organization, first.organization, "what differs is not taken for the same");
    }

    fn offered(memory: &Memory, standing: &Arc<Standing>) -> LookupKey {
        let key = LookupKey::Id(standing.credential.id);
        memory.offer(key, standing, 0);
        key
    }
}
