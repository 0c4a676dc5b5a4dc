//! What every service needs.

use std::{sync::Arc, time::Duration};

use super::{
    change::Changes, housekeeping::Housekeeping, idempotency::InFlight, keys::KeyRing, metrics::Metrics, usage::Usage,
};
use crate::{
    domain::{
        clock::Clock, credential::CredentialFormat, jws::SigningAlgorithm, random::Randomness, retention::Retention,
    },
    store::Database,
};

/// The most that `max_staleness` may be: for so long a change may have to wait for a server that does not answer.
pub const LARGEST_STALENESS: Duration = Duration::from_secs(10);

/// What the operator chose, as far as services go by it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `iss`: the address under which this patmint is known, without a slash at the end.
    pub issuer: String,
    /// What stands before a new opaque credential.
    pub token_prefix: String,
    /// How old the state may be that an exchange goes by; zero = the database is read each time; at most
    /// [`LARGEST_STALENESS`].
    pub max_staleness: Duration,
    /// The most credentials in memory.
    pub cache_capacity: usize,
    /// For how long a new key is published before it signs, in seconds; not less than services may keep what is published.
    pub key_lead: i64,
    /// How old the newest key may be before another one is made, in seconds; 0 = only when somebody asks.
    pub key_rotation: i64,
    /// How new keys sign.
    pub signing_algorithm: SigningAlgorithm,
    /// How long rows are kept that no verdict needs any more.
    pub retention: Retention,
}

/// Shared by all services.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    /// By the database's clock (`database_clock.rs`).
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Randomness>,
    pub(crate) db: Database,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) format: CredentialFormat,
    pub(crate) changes: Changes,
    pub(crate) in_flight: InFlight,
    pub(crate) usage: Usage,
    pub(crate) metrics: Metrics,
    pub(crate) housekeeping: Housekeeping,
}
