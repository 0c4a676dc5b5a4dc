//! Starts the services, and the work that nobody asks for.

use std::{path::Path, sync::Arc};

use thiserror::Error;
use tokio::task;

use super::{
    background::Background,
    core::Settings,
    database_clock::MUCH_SKEW,
    exchange::{Follower, Memory, Pauses, Presence},
    keys::{KeyRing, KeyRingError},
    services::{Basis, Services},
};
use crate::{
    domain::{clock::Clock, random::Randomness},
    store::{Database, StoreError, compatibility::Schema},
};

/// What comes from outside: time, randomness, the database.
#[derive(Clone)]
pub struct Environment {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Arc<dyn Randomness>,
    /// The database, migrated.
    pub db: Database,
}

/// Why the services did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The keys.
    #[error(transparent)]
    Keys(KeyRingError),
    /// The schema is one that this program cannot serve.
    #[error("{0}: {advice}", advice = .0.advice())]
    Schema(Schema),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyRingError> for StartError {
    fn from(error: KeyRingError) -> Self {
        error.into_store().map_or_else(Self::Keys, Self::Store)
    }
}

/// Refuses a schema that this program cannot serve.
///
/// # Errors
/// [`StartError::Schema`].
pub fn ensure_served(schema: Schema) -> Result<(), StartError> {
    if schema.can_be_served() { Ok(()) } else { Err(StartError::Schema(schema)) }
}

impl Services {
    /// The services for a command that serves nobody: no memory, no follower.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn for_command(settings: Settings, keys_dir: &Path, outside: Environment) -> Result<Self, StartError> {
        ensure_served(outside.db.schema().await?)?;
        let keys = Arc::new(KeyRing::open(&outside, keys_dir, settings.signing_algorithm).await?);
        let ahead = keys.clock().ahead();
        if ahead.abs() > MUCH_SKEW {
            tracing::warn!(
                "this command goes by the database's clock, which is {ahead} ms ahead of this machine's: set the clocks"
            );
        }
        let basis = Basis::new(Arc::new(Memory::new(settings.cache_capacity)), keys, Pauses::none());
        Ok(Self::assemble(settings, outside, basis))
    }

    /// The services of a server: follows the list, writes usage, removes what is over.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn for_server(settings: Settings, keys_dir: &Path, outside: Environment) -> Result<Self, StartError> {
        let pauses = Pauses::none();
        let memory = Arc::new(Memory::new(settings.cache_capacity));
        ensure_served(outside.db.schema().await?)?;
        let keys = Arc::new(KeyRing::open(&outside, keys_dir, settings.signing_algorithm).await?);
        let (clock, Environment { random, db, .. }) = (keys.clock().clone(), outside.clone());
        let mut basis = Basis::new(memory.clone(), keys.clone(), pauses.clone());
        let bound = settings.max_staleness;
        // A server that reads the database each time goes by nothing that anybody would have to wait for.
        if !bound.is_zero() {
            let presence = Presence::new(db.clone(), clock.clone(), random, memory.clone(), bound, pauses.clone());
            // Before the first look: who sees no row does not wait, and what was looked at before is not believed.
            presence.register().await?;
            basis.presence = Some(Arc::new(presence));
        }
        let presence = basis.presence.clone();
        let follower = Follower::new(db, memory, keys, bound, pauses);
        let started = Self::start(settings, outside, basis, follower).await;
        if let (Err(_), Some(presence)) = (&started, presence) {
            // Nobody need wait for a server that did not come to be. What keeps the row, the error tells already.
            let _ = presence.leave().await;
        }
        started
    }

    async fn start(
        settings: Settings,
        outside: Environment,
        mut basis: Basis,
        follower: Follower,
    ) -> Result<Self, StartError> {
        // Once before anybody asks: a server that has followed serves from its first request on.
        let follower = first_look(follower).await?;
        basis.following = Some(follower.spawn());
        let mut services = Self::assemble(settings, outside, basis);
        let passwords = services.sessions.passwords.clone();
        passwords.prepare();
        services.background = Some(Background::spawn(services.core.clone(), passwords, services.presence.clone()));
        Ok(services)
    }
}

async fn first_look(mut follower: Follower) -> Result<Follower, StartError> {
    let look = move || follower.step().map(|()| follower);
    let looked = task::spawn_blocking(look).await;
    let looked = looked.unwrap_or_else(|panic| Err(StoreError::Query(panic.to_string()).into()));
    looked.map_err(StartError::from)
}
