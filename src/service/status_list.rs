//! Token Status Lists: the present state of every credential, a few bits each, signed (draft-ietf-oauth-status-list).
//!
//! The standard's way to see a revocation, at the standard's speed: a list is made anew at most once per [`TTL`].

mod making;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use thiserror::Error;
use tokio::{sync::Mutex as Turn, task, time};

use super::core::Core;
use crate::store::{
    StoreError,
    numbers::{self, Numbered},
};

/// How many credentials one list has.
const SIZE: i64 = 1 << 16;

/// How long a list may be kept, in seconds.
///
/// An older one is not served in want of a newer, though its `exp` would let it: whoever fetches it may keep it for as long
/// again, and would see a revocation later than we say.
pub const TTL: i64 = 60;

/// [`TTL`] as a duration.
const KEPT: Duration = Duration::from_secs(TTL.unsigned_abs());

/// How long whoever asks waits until a list is made. A full one takes a second or so, and there may be others before it.
const PATIENCE: Duration = Duration::from_secs(5);

/// In which list, and where in it, the credential with `number` stands.
pub(crate) fn place(number: i64) -> (i64, i64) {
    (number / SIZE, number % SIZE)
}

/// Where list `list` can be fetched.
pub(crate) fn uri(issuer: &str, list: i64) -> String {
    [issuer.trim_end_matches('/'), "/statuslists/", &list.to_string()].concat()
}

/// Why there is no list.
#[derive(Debug, Error)]
pub enum StatusListError {
    /// No credential has a place in it yet, or none any more.
    #[error("no such list")]
    Unknown,
    /// It is not made yet; it will be there soon.
    #[error("the status list is still being made")]
    Unfinished,
    /// The database is needed and does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signature could not be made.
    #[error("cannot sign: {0}")]
    Signing(String),
}

/// A list with the moment, since boot, from which on it says how things stand, and the number of the last change of the keys.
type Dated = (Duration, i64, Arc<str>);

/// The lists by their numbers.
type Made = HashMap<i64, Dated>;

/// Makes and keeps the lists: 30 kB at the most for 65,536 credentials.
#[derive(Clone)]
pub struct StatusLists {
    core: Arc<Core>,
    made: Arc<Mutex<Made>>,
    /// One is made at a time, whoever asks: anybody may.
    turn: Arc<Turn<()>>,
    /// A number that was given out to a credential; those below it were too. 0 = nobody has looked yet.
    given_out: Arc<AtomicI64>,
    /// One looks at a time.
    look: Arc<Turn<()>>,
    /// Lists all of whose credentials have been removed, for good: numbers do not come again.
    gone: Arc<Mutex<HashSet<i64>>>,
}

impl StatusLists {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            made: Arc::default(),
            turn: Arc::default(),
            given_out: Arc::default(),
            look: Arc::default(),
            gone: Arc::default(),
        }
    }

    /// List `list` as a signed JWT, at most [`TTL`] seconds old. Waits for it for 5 seconds at most.
    ///
    /// # Errors
    /// See [`StatusListError`].
    pub async fn signed(&self, list: i64) -> Result<Arc<str>, StatusListError> {
        self.signed_within(PATIENCE, list).await
    }

    async fn signed_within(&self, patience: Duration, list: i64) -> Result<Arc<str>, StatusListError> {
        match self.fresh(list) {
            Some(jwt) => Ok(jwt),
            None => time::timeout(patience, self.in_turn(list)).await.unwrap_or(Err(StatusListError::Unfinished)),
        }
    }

    /// Whether a credential has a place in list `list`.
    async fn exists(&self, list: i64) -> Result<bool, StoreError> {
        let first = list.saturating_mul(SIZE);
        if first <= self.given_out.load(SeqCst) {
            return Ok(true);
        }
        let (look, given_out) = (self.look.clone().lock_owned().await, self.given_out.clone());
        // Whoever looked before may have seen it.
        if first <= given_out.load(SeqCst) {
            return Ok(true);
        }
        let is_given_out = move |connection: &mut _| {
            // A read that goes on though nobody waits for it any more keeps the others: it takes one connection, not all.
            let _look = look;
            let newest = numbers::last(connection, Numbered::Credential)?;
            given_out.fetch_max(newest, SeqCst);
            Ok(first <= newest)
        };
        self.core.db.read(is_given_out).await
    }

    async fn in_turn(&self, list: i64) -> Result<Arc<str>, StatusListError> {
        // Before the turn: whoever asks for what there is not need not wait for what there is.
        if self.gone().contains(&list) || !self.exists(list).await? {
            return Err(StatusListError::Unknown);
        }
        let turn = Arc::new(self.turn.clone().lock_owned().await);
        // Whoever had the turn before may have wanted the same.
        if let Some(jwt) = self.fresh(list) {
            return Ok(jwt);
        }
        let lists = self.clone();
        // On its own: what was begun is ended and kept even when whoever asked has gone away, so that asking and hanging up
        // again and again costs no more than asking once.
        let making = task::spawn(async move {
            if making::is_gone(&lists.core, list, &turn).await? {
                lists.gone().insert(list);
                return Err(StatusListError::Unknown);
            }
            let (begun_at, keys_seq) = (lists.core.clock.since_boot(), lists.core.keys.seq());
            let jwt: Arc<str> = making::signed(&lists.core, list, &turn).await?.into();
            let mut made = lists.made();
            // What is too old to be served would only take room: there may be thousands of lists.
            made.retain(|_, (made_at, ..)| begun_at < *made_at + KEPT);
            made.insert(list, (begun_at, keys_seq, jwt.clone()));
            Ok(jwt)
        });
        making.await.unwrap_or_else(|panic| Err(StoreError::Query(panic.to_string()).into()))
    }

    fn gone(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, list: i64) -> Option<Arc<str>> {
        let now = self.core.clock.since_boot();
        let made = self.made();
        let (begun_at, keys_seq, jwt) = made.get(&list)?;
        let is_fresh = now < *begun_at + KEPT;
        // The key that signed it may be withdrawn.
        (is_fresh && *keys_seq == self.core.keys.seq()).then(|| jwt.clone())
    }
}
