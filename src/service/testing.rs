//! What the tests of the services stand on.

use std::{
    future::Future,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime;

use super::{
    Environment, ExchangeError, Exchanged, Services, Settings,
    exchange::{Follower, Memory, Pauses},
};
use crate::{
    domain::{
        credential::RevocationReason,
        list::{Entry, Target},
        random::SystemRandomness,
        verdict::Asked,
    },
    store::{Database, DatabaseSettings, StoreError, list},
    test_clock::ManualClock,
    test_database::TestDatabase,
};

/// The bound of the replica.
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(1);

pub(crate) type Outcome = Result<Exchanged, ExchangeError>;

/// One replica whose follower moves only when the test says so: organization Acme, its owner Ada.
pub(crate) struct Replica {
    pub(crate) services: Arc<Services>,
    pub(crate) pauses: Pauses,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) db: Database,
    pub(crate) memory: Arc<Memory>,
    /// A credential that is alive.
    pub(crate) token: SecretString,
    /// Ada's.
    pub(crate) password: SecretString,
    /// Last, so that it outlives the connections.
    _database: TestDatabase,
}

/// Runs a future on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

impl Replica {
    pub(crate) fn new() -> Self {
        let database = TestDatabase::new();
        let db = Database::new(&DatabaseSettings { url: database.url().parse().unwrap(), connections: 4 });
        db.migrate().unwrap();
        let clock = Arc::new(ManualClock::default());
        let settings = Settings {
            issuer: "http://localhost".to_owned(),
            token_prefix: "patmint_".to_owned(),
            max_staleness: MAX_STALENESS,
            cache_capacity: 100,
        };
        let outside =
            Environment { clock: clock.clone(), random: Arc::new(SystemRandomness::default()), db: db.clone() };
        let (pauses, memory) = (Pauses::none(), Arc::new(Memory::new(100)));
        let keys = database.folder().join("keys");
        let assemble = Services::assemble(settings, &keys, outside, memory.clone(), None, pauses.clone());
        let services = Arc::new(block_on(assemble).unwrap());
        let made = block_on(services.bootstrap.run("Acme", "ada@acme.example", None)).unwrap();
        Self {
            services,
            pauses,
            clock,
            db,
            memory,
            token: made.token,
            password: made.password.unwrap(),
            _database: database,
        }
    }

    /// A replica that has followed the list.
    pub(crate) fn following() -> Self {
        let replica = Self::new();
        replica.follow();
        replica
    }

    /// A replica that has followed and has the credential in memory.
    pub(crate) fn warm() -> Self {
        let replica = Self::following();
        replica.exchange().expect("alive");
        replica
    }

    pub(crate) fn follower(&self) -> Follower {
        let clock: Arc<ManualClock> = self.clock.clone();
        Follower::new(self.db.clone(), clock, self.memory.clone(), MAX_STALENESS, self.pauses.clone())
    }

    /// The follower looks once.
    pub(crate) fn follow(&self) {
        self.follower().step().unwrap();
    }

    /// The follower looks once, on a thread that a pause may stop.
    pub(crate) fn follow_apart(&self) -> JoinHandle<()> {
        let mut follower = self.follower();
        thread::spawn(move || follower.step().unwrap())
    }

    pub(crate) fn exchange(&self) -> Outcome {
        block_on(self.services.exchange.exchange(self.token.expose_secret(), &Asked::default()))
    }

    pub(crate) fn exchange_apart(&self) -> JoinHandle<Outcome> {
        let (services, token) = (self.services.clone(), self.token.clone());
        thread::spawn(move || block_on(services.exchange.exchange(token.expose_secret(), &Asked::default())))
    }

    /// Revokes the credential in the database, as another process would; returns the list's entry.
    pub(crate) fn revoke(&self) -> Entry {
        let handed_in =
            self.services.credentials.revoke_handed_in(self.token.expose_secret(), RevocationReason::Holder, None);
        block_on(handed_in).unwrap();
        let entries =
            block_on(self.db.read::<_, StoreError>(|connection| list::entries(connection, 0, i64::MAX))).unwrap();
        let entry = *entries.last().expect("a revocation is on the list");
        assert!(entry.revokes && matches!(entry.target, Target::Credential(_)));
        entry
    }

    /// A change that is about something else.
    pub(crate) fn change_something_else(&self) {
        let session = self.services.sessions.reset_password("ada@acme.example", "a new password 1".into());
        block_on(session).unwrap();
    }
}
