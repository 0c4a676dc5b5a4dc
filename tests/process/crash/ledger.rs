//! What the server has said, as its callers know it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// 201 came.
    Created,
    /// Its revocation was asked for and no answer came.
    Revoking,
    /// 204 came.
    Revoked,
}

#[derive(Default)]
struct Known {
    credentials: BTreeMap<String, (String, Fate)>,
    numbers: BTreeMap<i64, String>,
    /// Made since the last look.
    new: Vec<String>,
    highest_rev: i64,
}

#[derive(Default)]
pub struct Ledger(Mutex<Known>);

impl Ledger {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().expect("no worker failed")
    }

    /// 201 came. Its number is higher than that of every creation that was answered before this one was asked for.
    pub fn created(&self, id: &str, number: i64, token: &str, above: i64) {
        assert!(number > above, "number {number} after {above}");
        let mut known = self.known();
        let earlier = known.numbers.insert(number, id.to_owned());
        assert_eq!(earlier, None, "number {number} came twice");
        known.credentials.insert(id.to_owned(), (token.to_owned(), Fate::Created));
        known.new.push(id.to_owned());
    }

    pub fn becomes(&self, id: &str, fate: Fate) {
        self.known().credentials.get_mut(id).expect("a credential").1 = fate;
    }

    /// An access token with this `rev` came.
    pub fn saw_rev(&self, rev: i64) {
        let mut known = self.known();
        known.highest_rev = known.highest_rev.max(rev);
    }

    pub fn get(&self, id: &str) -> (String, Fate) {
        self.known().credentials[id].clone()
    }

    pub fn highest_number(&self) -> i64 {
        self.known().numbers.last_key_value().map_or(0, |(number, _)| *number)
    }

    pub fn highest_rev(&self) -> i64 {
        self.known().highest_rev
    }

    /// Each number that was answered, and whose it is.
    pub fn numbers(&self) -> BTreeMap<i64, String> {
        self.known().numbers.clone()
    }

    pub fn new_ones(&self) -> Vec<String> {
        std::mem::take(&mut self.known().new)
    }

    pub fn all(&self) -> Vec<String> {
        self.known().credentials.keys().cloned().collect()
    }

    /// How many were created, are revoked, and may be revoked.
    pub fn summary(&self) -> (usize, usize, usize) {
        let known = self.known();
        let count = |wanted| known.credentials.values().filter(|(_, fate)| *fate == wanted).count();
        (known.credentials.len(), count(Fate::Revoked), count(Fate::Revoking))
    }
}
