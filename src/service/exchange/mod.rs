//! The exchange: a long-lived credential in, an access token of a few minutes out. The hot path.
//!
//! parse and tag check → wall clock → trust → `rev` → look-up → verdict → sign. No database unless memory does not have
//! the credential or may not be believed; no lock held across an await.

mod claims;
mod feed_log;
mod follower;
mod hint;
mod known;
pub(crate) mod lapse;
mod loads;
mod loose_use;
mod memory;
mod pause;
mod presence;
mod reader;
mod recent;
mod trust;

#[cfg(test)]
mod feed_ordering_tests;
#[cfg(test)]
mod flood_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod ordering_tests;
#[cfg(test)]
mod replica_ordering_tests;

use std::{fmt, sync::Arc};

use thiserror::Error;

pub use self::feed_log::Page as FeedPage;
use self::{
    claims::claims,
    loads::Loads,
    reader::{Load, Reader},
};
pub(crate) use self::{
    feed_log::Look,
    follower::{Bell, Follower, Following},
    known::{Known, Use},
    loose_use::Shard as LooseShard,
    memory::Memory,
    pause::{Pauses, Point},
    presence::{BEAT_EVERY, Presence},
};
use super::{core::Core, keys::KeyRingError, metrics::Lookup};
use crate::{
    domain::{
        credential::{LookupKey, Presented},
        verdict::{self, Asked, Refusal},
    },
    store::StoreError,
    trace,
};

/// What a trace calls it when memory does not have the credential, or may not be believed.
const READ: &str = "credential read";

/// Why there is no access token.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// Not a credential of ours, or not known; nobody can say whose.
    #[error("unknown credential")]
    Unknown,
    /// A known credential that is refused. Strangers are not told why.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The database is needed and does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signature could not be made.
    #[error("cannot sign: {0}")]
    Signing(String),
}

impl From<KeyRingError> for ExchangeError {
    fn from(error: KeyRingError) -> Self {
        error.into_store().map_or_else(|other| Self::Signing(other.to_string()), Self::Store)
    }
}

/// What an exchange gives. The access token does not print.
pub struct Exchanged {
    /// The access token.
    pub access: String,
    /// The `rev` in it.
    pub rev: i64,
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanged").field("rev", &self.rev).finish_non_exhaustive()
    }
}

/// Exchanges credentials.
pub struct Exchange {
    core: Arc<Core>,
    memory: Arc<Memory>,
    loads: Loads,
    pauses: Pauses,
}

/// A credential and the `rev` of what is signed by it.
struct Found {
    known: Option<Arc<Known>>,
    rev: i64,
}

impl Exchange {
    pub(crate) fn new(core: Arc<Core>, memory: Arc<Memory>, pauses: Pauses) -> Self {
        Self { loads: Loads::new(Reader::new(core.db.clone(), pauses.clone())), core, memory, pauses }
    }

    /// Exchanges the credential `token`.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn exchange(&self, token: &str, asked: &Asked<'_>) -> Result<Exchanged, ExchangeError> {
        let Core { clock, metrics, .. } = &*self.core;
        let begun = clock.since_boot();
        let result = self.exchanged(token, asked).await;
        metrics.exchanged(&result, clock.since_boot().saturating_sub(begun));
        result
    }

    async fn exchanged(&self, token: &str, asked: &Asked<'_>) -> Result<Exchanged, ExchangeError> {
        let presented = self.core.format.parse(token).map_err(|_| ExchangeError::Unknown)?;
        // Once, and before `rev`: a token that was dated later could outlive the list entry that revokes it (R4).
        let now = self.core.clock.now();
        let mut found = self.find(&presented).await?;
        if let Some(known) = found.known.take_if(|known| verdict::is_stale(known, now)) {
            found.known = Box::pin(self.looked_at_again(&known, presented.key, found.rev)).await?;
        }
        let Some(known) = found.known.filter(|known| known.credential.secret_hash.matches(&presented.hash)) else {
            return Err(ExchangeError::Unknown);
        };
        let judged = verdict::judge(&known, &self.core.settings.issuer, now, asked);
        self.core.usage.note(&known, now, asked.source, judged.as_ref().err().copied());
        let grant = judged.map_err(ExchangeError::Refused)?;
        let claims = claims(&self.core, &known, grant, found.rev);
        let access = self.core.keys.signing(now).sign(&claims).map_err(|e| ExchangeError::Signing(e.to_string()))?;
        Ok(Exchanged { access, rev: found.rev })
    }

    /// Whether the exchange of this credential would ask no database now.
    #[must_use]
    pub fn is_remembered(&self, key: LookupKey) -> bool {
        self.memory.is_trusted(self.core.clock.since_boot()) && self.memory.get(key).is_some()
    }

    /// Looks the credential up: in memory while that may be believed, else in the database.
    ///
    /// What seldom happens has a future of its own, here and above: in that of each request it would take so much room that
    /// malloc is slow to find it.
    async fn find(&self, presented: &Presented) -> Result<Found, ExchangeError> {
        // Before the look-up: what is found while trust has run out stays old when trust comes back (R2).
        if !self.memory.is_trusted(self.core.clock.since_boot()) {
            self.core.metrics.looked_up(Lookup::Bypass);
            return Box::pin(self.read(presented.key)).await;
        }
        self.pauses.at(Point::Trusted);
        // Before anything that the verdict goes by (R3): a number that is too small only revokes too much.
        let rev = self.memory.applied();
        self.pauses.at(Point::RevRead);
        let remembered = self.memory.get(presented.key);
        self.pauses.at(Point::LookedUp);
        if remembered.is_some() {
            self.core.metrics.looked_up(Lookup::Hit);
            return Ok(Found { known: remembered, rev });
        }
        self.core.metrics.looked_up(Lookup::Miss);
        let _reading = trace::begin(READ);
        let load = Box::pin(self.loads.load(&self.memory, &self.pauses, presented.key, rev)).await?;
        Ok(Found { known: load.known, rev })
    }

    /// Reads the credential without a look at memory.
    async fn read(&self, key: LookupKey) -> Result<Found, ExchangeError> {
        let _reading = trace::begin(READ);
        let Load { counter, keys_seq, known } = self.loads.fresh(key).await?;
        // What is signed by keys that are older than `rev` could not be taken back.
        self.core.keys.ensure(keys_seq, &self.core.db).await?;
        Ok(Found { known, rev: counter })
    }

    /// A credential that seems stale, with its last use as it is now: `known` has that as it was when the row was read, and
    /// it may have been used here or at another replica meanwhile. What is read goes to memory, so that this is seldom.
    async fn looked_at_again(&self, known: &Known, key: LookupKey, rev: i64) -> Result<Option<Arc<Known>>, StoreError> {
        // Before the row is read: what is written meanwhile is in one of the two.
        let gathered = self.core.usage.last_use(known.id());
        let _reading = trace::begin(READ);
        let load = self.loads.load(&self.memory, &self.pauses, key, rev).await?;
        Ok(load.known.map(|known| known.used_at_least(gathered)))
    }
}
