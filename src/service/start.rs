//! Puts the services together and keeps the work going that nobody asks for.

use std::{path::Path, sync::Arc, time::Duration};

use jsonwebtoken::jwk::JwkSet;
use thiserror::Error;
use tokio::{task, time};

use super::{
    audit::Audit,
    background::Background,
    bootstrap::Bootstrap,
    change::Changes,
    core::{Core, Settings},
    credentials::Credentials,
    exchange::{Exchange, Follower, Following, Memory, Pauses, Presence},
    explain::Explanations,
    feed::Feed,
    guesses::Guesses,
    health::Health,
    invitations::Invitations,
    keys::{KeyRing, KeyRingError, Keys},
    members::Members,
    metrics::Metrics,
    monitor::Monitor,
    organizations::Organizations,
    passwords::Passwords,
    policies::Policies,
    restored::Restoration,
    service_accounts::ServiceAccounts,
    sessions::Sessions,
    status_list::StatusLists,
    usage::Usage,
    users::Users,
};
use crate::{
    domain::{clock::Clock, credential::CredentialFormat, ids::RequestId, random::Randomness},
    store::{Database, StoreError, list},
};

/// How long each of the last steps may take when the process ends.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

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
    /// Another program's schema.
    #[error("the database's schema is not the one this program was built for: run patmint migrate, or a newer patmint")]
    Schema,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyRingError> for StartError {
    fn from(error: KeyRingError) -> Self {
        error.into_store().map_or_else(Self::Keys, Self::Store)
    }
}

/// All services of one process.
pub struct Services {
    /// Exchanges credentials.
    pub exchange: Exchange,
    /// Signs people in.
    pub sessions: Sessions,
    /// Manages users.
    pub users: Users,
    /// Manages organizations.
    pub organizations: Organizations,
    /// Manages their members.
    pub members: Members,
    /// Manages members that are programs.
    pub service_accounts: ServiceAccounts,
    /// Manages invitations to become one.
    pub invitations: Invitations,
    /// Manages credentials.
    pub credentials: Credentials,
    /// Shows and changes policies.
    pub policies: Policies,
    /// Makes the first things.
    pub bootstrap: Bootstrap,
    /// Sets right what a restored backup leaves behind.
    pub restoration: Restoration,
    /// The state of all credentials, by the standard.
    pub status_lists: StatusLists,
    /// Tells what was revoked.
    pub feed: Feed,
    /// Shows who did what.
    pub audit: Audit,
    /// Explains what became of single requests.
    pub explanations: Explanations,
    /// Shows and changes the signing keys.
    pub keys: Keys,
    /// Whether all is well.
    pub health: Health,
    /// How things are.
    pub monitor: Monitor,
    core: Arc<Core>,
    background: Option<Background>,
    presence: Option<Arc<Presence>>,
    /// Last, so that it ends last.
    _following: Option<Following>,
}

impl Services {
    /// The services for a command that serves nobody: no memory, no follower.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn for_command(settings: Settings, keys_dir: &Path, outside: Environment) -> Result<Self, StartError> {
        let keys = Arc::new(KeyRing::open(&outside, keys_dir, settings.signing_algorithm).await?);
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
        if !outside.db.is_current().await? {
            return Err(StartError::Schema);
        }
        start_numbers(&outside).await?;
        let keys = Arc::new(KeyRing::open(&outside, keys_dir, settings.signing_algorithm).await?);
        let Environment { clock, random, db } = outside.clone();
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
        let follower = Follower::new(db, clock, memory, keys, bound, pauses);
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
        services.sessions.passwords.prepare();
        services.background = Some(Background::spawn(services.core.clone(), services.presence.clone()));
        Ok(services)
    }

    pub(super) fn assemble(settings: Settings, outside: Environment, basis: Basis) -> Self {
        let Basis { memory, keys, following, presence, pauses } = basis;
        let Environment { clock, random, db } = outside;
        let format = CredentialFormat::new(settings.token_prefix.clone(), settings.issuer.clone(), keys.tag().clone());
        let changes = Changes {
            db: db.clone(),
            clock: clock.clone(),
            random: random.clone(),
            following: following.as_ref().map(|following| (memory.clone(), following.bell())),
            max_staleness: settings.max_staleness,
            presence: presence.clone(),
            pauses: pauses.clone(),
        };
        let usage = Usage::new(memory.clone());
        let metrics = Metrics::default();
        let core = Arc::new(Core { settings, clock, random, db, keys, format, changes, usage, metrics });
        let passwords = Arc::new(Passwords::new(core.random.clone()));
        Self {
            exchange: Exchange::new(core.clone(), memory.clone(), pauses),
            sessions: Sessions {
                core: core.clone(),
                passwords: passwords.clone(),
                guesses: Guesses::new(core.clock.clone()),
            },
            users: Users { core: core.clone(), passwords: passwords.clone() },
            members: Members { core: core.clone() },
            service_accounts: ServiceAccounts { core: core.clone() },
            invitations: Invitations { core: core.clone(), passwords: passwords.clone() },
            organizations: Organizations { core: core.clone(), passwords: passwords.clone() },
            credentials: Credentials { core: core.clone() },
            policies: Policies { core: core.clone() },
            bootstrap: Bootstrap { core: core.clone(), passwords },
            restoration: Restoration { core: core.clone() },
            status_lists: StatusLists::new(core.clone()),
            feed: Feed::new(core.clone(), memory.clone(), following.as_ref().map(Following::bell)),
            audit: Audit { core: core.clone() },
            explanations: Explanations { core: core.clone() },
            keys: Keys { core: core.clone() },
            health: Health::new(core.clone(), memory.clone()),
            monitor: Monitor::new(core.clone(), memory),
            core,
            background: None,
            presence,
            _following: following,
        }
    }

    #[cfg(test)]
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The keys that services verify access tokens with (RFC 7517).
    #[must_use]
    pub fn published_keys(&self) -> JwkSet {
        let published = self.core.keys.published(self.core.clock.now());
        JwkSet { keys: published.iter().map(|key| key.jwk().clone()).collect() }
    }

    /// What the operator chose.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.core.settings
    }

    /// An id for a request.
    #[must_use]
    pub fn new_request_id(&self) -> RequestId {
        RequestId::generate(self.core.clock.now(), &*self.core.random)
    }

    /// Ends the work in the background, writes what was gathered, and tells the other servers. To be called when nothing
    /// is served any more.
    ///
    /// # Errors
    /// [`StoreError`] if something could not be written.
    pub async fn shut_down(&self) -> Result<(), StoreError> {
        let stopped = async {
            if let Some(background) = &self.background {
                background.stop().await;
            }
            Ok(())
        };
        let stopped = in_time(stopped).await;
        // First: to write what was gathered may take a while, and nobody need wait for this server meanwhile.
        let left = match &self.presence {
            Some(presence) => in_time(presence.leave()).await,
            None => Ok(()),
        };
        // Not beside a batch that still is under way: it would be written twice.
        stopped?;
        self.flush_usage().await?;
        left
    }

    /// Writes what was gathered of usage.
    pub(super) async fn flush_usage(&self) -> Result<(), StoreError> {
        let Core { usage, db, .. } = &*self.core;
        while usage.gather(usize::MAX) {
            while in_time(usage.write_part(db)).await? {}
        }
        Ok(())
    }
}

/// A database that hangs must not keep the process from ending.
async fn in_time<T>(step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let hung = |_| Err(StoreError::Unavailable("it hangs".to_owned()));
    time::timeout(SHUTDOWN_PATIENCE, step).await.unwrap_or_else(hung)
}

/// What exchanges go by, and what keeps it true.
pub(super) struct Basis {
    pub(super) memory: Arc<Memory>,
    pub(super) keys: Arc<KeyRing>,
    pub(super) following: Option<Following>,
    pub(super) presence: Option<Arc<Presence>>,
    pub(super) pauses: Pauses,
}

impl Basis {
    /// A memory that nobody follows the list for.
    pub(super) fn new(memory: Arc<Memory>, keys: Arc<KeyRing>, pauses: Pauses) -> Self {
        Self { memory, keys, following: None, presence: None, pauses }
    }
}

async fn first_look(mut follower: Follower) -> Result<Follower, StartError> {
    let look = move || follower.step().map(|()| follower);
    let looked = task::spawn_blocking(look).await;
    let looked = looked.unwrap_or_else(|panic| Err(StoreError::Query(panic.to_string()).into()));
    looked.map_err(StartError::from)
}

/// Numbers never come again, not even after a backup was restored: each start goes on above the clock.
async fn start_numbers(outside: &Environment) -> Result<(), StoreError> {
    let now = outside.clock.now().unix_millis();
    let raise = move |connection: &mut _| {
        let head = list::head(connection)?;
        list::raise_to(connection, head.seq.max(now) + 1)
    };
    outside.db.write(raise).await.map(|_| ())
}
