//! A part of what is in memory. Credentials are found by the id that they have themselves, and lie in the table at once: a
//! key beside each would take sixteen bytes more, and a list of them beside the table one more look into cold memory.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use hashbrown::HashTable;

use super::Known;
use crate::domain::ids::CredentialId;

/// How many are looked at to find one that is not in use.
const LOOKED_AT: usize = 8;

/// The hash of a credential's id, by the hasher that all shards share.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdHash(pub(super) u64);

impl IdHash {
    /// Which of `shards` it belongs to. By bits that the table in it goes by neither for the place (the low ones) nor to
    /// tell those from each other that share one (the highest seven).
    pub(super) fn shard(self, shards: usize) -> usize {
        super::spread(self.0 >> 32, shards)
    }
}

/// Credentials by their ids.
#[derive(Debug)]
pub(super) struct Shard {
    known: HashTable<Arc<Known>>,
    hasher: RandomState,
}

impl Shard {
    /// An empty one whose [`IdHash`]es are made by `hasher`.
    pub(super) fn new(hasher: RandomState) -> Self {
        Self { known: HashTable::new(), hasher }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn get(&self, hash: IdHash, id: CredentialId) -> Option<&Arc<Known>> {
        self.known.find(hash.0, |known| known.id() == id)
    }

    /// Puts in what is not there.
    pub(super) fn insert(&mut self, hash: IdHash, known: Arc<Known>) {
        let hasher = &self.hasher;
        self.known.insert_unique(hash.0, known, |other| hasher.hash_one(other.id()));
    }

    pub(super) fn remove(&mut self, hash: IdHash, id: CredentialId) -> Option<Arc<Known>> {
        self.known.find_entry(hash.0, |known| known.id() == id).ok().map(|found| found.remove().0)
    }

    /// How many places there are. Some are empty.
    pub(super) fn places(&self) -> usize {
        self.known.num_buckets()
    }

    /// What is at a place.
    pub(super) fn at(&self, place: usize) -> Option<&Arc<Known>> {
        self.known.get_bucket(place)
    }

    /// Takes out one that can be done without: of the few from the place `from` on, the first that was not looked up since
    /// this last came by, else the first.
    pub(super) fn remove_surplus(&mut self, from: usize) -> Option<Arc<Known>> {
        let places = (0..self.places()).map(|step| (from + step) % self.places());
        let mut few = places.filter_map(|place| Some((place, self.at(place)?))).take(LOOKED_AT);
        let (first, known) = few.next()?;
        let unused = if known.was_looked_up() { few.find(|(_, known)| !known.was_looked_up()) } else { None };
        let place = unused.map_or(first, |(place, _)| place);
        self.known.get_bucket_entry(place).ok().map(|found| found.remove().0)
    }

    pub(super) fn retain(&mut self, mut stays: impl FnMut(&Known) -> bool) {
        self.known.retain(|known| stays(known));
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Arc<Known>> {
        self.known.drain()
    }
}
