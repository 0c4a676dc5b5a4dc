//! All services of one process, put together.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;

use super::{
    audit::Audit,
    background::Background,
    bootstrap::Bootstrap,
    change::Changes,
    core::{Core, Settings},
    credentials::Credentials,
    exchange::{Exchange, Following, Memory, Pauses, Presence},
    explain::Explanations,
    feed::{Feed, FeedError},
    guesses::Guesses,
    health::Health,
    housekeeping::Housekeeping,
    idempotency::InFlight,
    invitations::Invitations,
    keys::{KeyRing, Keys},
    members::Members,
    metrics::Metrics,
    monitor::Monitor,
    organizations::Organizations,
    passwords::Passwords,
    policies::Policies,
    restored::Restoration,
    retention,
    service_accounts::ServiceAccounts,
    sessions::Sessions,
    start::Environment,
    status_list::StatusLists,
    usage::Usage,
    users::Users,
};
use crate::{
    domain::{clock::Clock, credential::CredentialFormat, ids::RequestId},
    store::StoreError,
};

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
    pub(super) core: Arc<Core>,
    pub(super) background: Option<Background>,
    pub(super) presence: Option<Arc<Presence>>,
    /// Last, so that it ends last.
    _following: Option<Following>,
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

impl Services {
    pub(super) fn assemble(settings: Settings, outside: Environment, basis: Basis) -> Self {
        let Basis { memory, keys, following, presence, pauses } = basis;
        let Environment { random, db, .. } = outside;
        let clock: Arc<dyn Clock> = keys.clock().clone();
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
        let (metrics, housekeeping, in_flight) = (Metrics::default(), Housekeeping::default(), InFlight::default());
        let core = Core { settings, clock, random, db, keys, format, changes, in_flight, usage, metrics, housekeeping };
        let core = Arc::new(core);
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
            credentials: Credentials::new(core.clone()),
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

    /// The keys that services verify access tokens with, for whoever asks a server: after the answer to a withdrawal the key is
    /// not among them.
    ///
    /// # Errors
    /// See [`FeedError`].
    pub async fn confirmed_keys(&self) -> Result<JwkSet, FeedError> {
        self.feed.confirm().await?;
        Ok(self.published_keys())
    }

    /// The keys that services verify access tokens with (RFC 7517).
    #[must_use]
    pub fn published_keys(&self) -> JwkSet {
        let published = self.core.keys.published(self.core.clock.now());
        JwkSet { keys: published.iter().map(|key| key.jwk().clone()).collect() }
    }

    /// Removes a part of what was kept long enough, as a server does by itself each minute; says how many rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_old(&self) -> Result<usize, StoreError> {
        retention::remove_old(&self.core).await
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
}
