//! Wrong passwords: who guesses too often is slowed, never locked out.
//!
//! Twenty wrong guesses within a quarter of an hour, from one address or for one account, and from then on there is one try
//! at a time after a pause that doubles (NIST SP 800-63B section 3.2.2, OWASP's Authentication Cheat Sheet). Who only
//! counts by address is helpless against many; who only counts by account lets anybody keep its owner out. So an account
//! has a count of its own for each network from which its owner has signed in before: what others do elsewhere does not
//! slow the owner there. Sessions and credentials are never slowed.
//!
//! All this is in the memory of one server: a restart forgets it, and behind N servers there are N times as many guesses.
//! That still is nothing against a password that `domain/password.rs` lets pass, and costs no write that strangers cause.

mod lane;
mod recent;

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ipnet::IpNet;
use tracing::field::display;

use self::{lane::Lane, recent::Recent};
use super::error::ManageError;
use crate::{
    domain::{clock::Clock, ids::UserId, source::client_network},
    trace,
};

/// The longest pause for an address. Many people may share one, and who guesses among them is slow enough by this.
const ADDRESS_PAUSE: Duration = Duration::from_mins(1);

/// The longest pause for an account: about a hundred guesses a day.
const ACCOUNT_PAUSE: Duration = Duration::from_mins(15);

/// For how long a count is kept without a guess, at least: above every pause and the time after it.
const KEPT: Duration = Duration::from_mins(31);

/// For how long it is remembered where an account's owner signed in, at least.
const KNOWN_FOR: Duration = Duration::from_hours(30 * 24);

/// Half of how many of each there are at most, some megabytes. argon2 lets less than a hundred guesses a second through, so
/// that a flood takes minutes to push anything out.
const HALF: usize = 25_000;

/// An account, whether it exists or not: the keyed hash of how it is named.
type Account = u64;

/// An IPv4 address, or the /64 that one IPv6 client may have all of; `None` = unknown, all of them together.
type Source = Option<IpNet>;

#[derive(Debug)]
struct Lanes {
    addresses: Recent<Source, Lane>,
    accounts: Recent<Account, Lane>,
    /// For each account and each network from which its owner has signed in.
    known: Recent<(Account, Source), Lane>,
}

/// Counts wrong guesses.
pub(crate) struct Guesses {
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    lanes: Mutex<Lanes>,
}

/// For which account and from where somebody guesses. Whoever has a session guesses from nowhere: no stranger can slow them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    account: Account,
    source: Option<Source>,
}

/// A guess that is being checked. Wrong unless it is said otherwise, also when whoever made it does not wait for the answer.
pub(crate) struct Guess<'a> {
    guesses: &'a Guesses,
    way: Way,
    is_known: bool,
    is_wrong: bool,
}

impl Guesses {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let lanes = Lanes {
            addresses: Recent::new(KEPT, HALF),
            accounts: Recent::new(KEPT, HALF),
            known: Recent::new(KNOWN_FOR, HALF),
        };
        Self { clock, hasher: RandomState::new(), lanes: Mutex::new(lanes) }
    }

    /// The way of whoever signs in to the account called `name`.
    pub(crate) fn sign_in(&self, name: &str, address: Option<IpAddr>) -> Way {
        Way { account: self.hasher.hash_one(("sign in", name)), source: Some(address.map(client_network)) }
    }

    /// The way of whoever is signed in and says the password of that account once more.
    pub(crate) fn own(&self, user: UserId) -> Way {
        Way { account: self.hasher.hash_one(("own", user)), source: None }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        // No code panics while it holds this.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody may guess this way now. Notes nothing: who is slowed shall cost nothing.
    ///
    /// # Errors
    /// [`ManageError::Slowed`].
    pub(crate) fn look(&self, way: Way) -> Result<(), ManageError> {
        let now = self.clock.since_boot();
        wait(&mut self.lanes(), way, now).map_or(Ok(()), |wait| Err(ManageError::Slowed(wait)))
    }

    /// Lets somebody guess this way.
    ///
    /// # Errors
    /// [`ManageError::Slowed`].
    pub(crate) fn begin(&self, way: Way) -> Result<Guess<'_>, ManageError> {
        let now = self.clock.since_boot();
        let mut lanes = self.lanes();
        if let Some(wait) = wait(&mut lanes, way, now) {
            return Err(ManageError::Slowed(wait));
        }
        let known = way.source.and_then(|source| lanes.known.get((way.account, source), now).map(Lane::begin));
        let is_known = known.is_some();
        if !is_known {
            lanes.accounts.entry(way.account, now).begin();
        }
        if let Some(source) = way.source {
            lanes.addresses.entry(source, now).begin();
        }
        Ok(Guess { guesses: self, way, is_known, is_wrong: true })
    }
}

/// For how long nobody may guess this way. Everything about it is looked at in any case.
fn wait(lanes: &mut Lanes, way: Way, now: Duration) -> Option<Duration> {
    let Way { account, source } = way;
    let known = source.and_then(|source| lanes.known.get((account, source), now));
    let own = known.or_else(|| lanes.accounts.get(account, now));
    let own = own.and_then(|lane| lane.wait(now, ACCOUNT_PAUSE));
    let address = source.and_then(|source| lanes.addresses.get(source, now));
    own.max(address.and_then(|lane| lane.wait(now, ADDRESS_PAUSE)))
}

impl Guess<'_> {
    /// How it ended: right, wrong, or in an error from which nobody learns which.
    pub(crate) fn settle<T>(mut self, result: &Result<T, ManageError>) {
        self.is_wrong = matches!(result, Err(ManageError::Unauthenticated | ManageError::Invalid { .. }));
        if let (Ok(_), Some(source)) = (result, self.way.source) {
            let now = self.guesses.clock.since_boot();
            self.guesses.lanes().known.entry((self.way.account, source), now);
        }
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        let now = self.guesses.clock.since_boot();
        let Way { account, source } = self.way;
        let mut lanes = self.guesses.lanes();
        let Lanes { addresses, accounts, known } = &mut *lanes;
        let own = match source.filter(|_| self.is_known) {
            Some(source) => known.get((account, source), now),
            None => accounts.get(account, now),
        };
        let address = source.and_then(|source| addresses.get(source, now));
        for (lane, pause, whose) in [(own, ACCOUNT_PAUSE, "account"), (address, ADDRESS_PAUSE, "address")] {
            let Some(lane) = lane else { continue };
            if !self.is_wrong {
                lane.end();
            } else if lane.end_wrong(now, pause) {
                // Which account it is, is nobody's business who reads logs.
                let from = source.flatten().map(|network| network.addr());
                let request_id = trace::request_id().map(display);
                tracing::warn!(request_id, ?from, "too many wrong passwords for one {whose}: slowed");
            }
        }
    }
}

#[cfg(test)]
mod tests;
