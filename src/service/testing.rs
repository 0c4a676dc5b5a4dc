//! What the tests of the services stand on.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use diesel::connection::SimpleConnection as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime;

use super::{
    Delta, Environment, ExchangeError, Exchanged, FeedError, Services, Settings, StartError,
    exchange::{Follower, Memory, Pauses, Presence},
    keys::KeyRing,
    services::Basis,
};
use crate::{
    domain::{
        clock::{Clock as _, SystemClock},
        credential::{LookupKey, Revocation, RevocationReason},
        ids::{CredentialId, ReplicaId},
        jws::SigningAlgorithm,
        list::{Entry, Target},
        random::SystemRandomness,
        retention::Retention,
        source::Source,
        verdict::Asked,
    },
    store::{
        Database, DatabaseSettings, StoreError, clock, credentials,
        list::{self, Stamp},
        replicas,
    },
    test_clock::ManualClock,
    test_database::TestDatabase,
};

/// The bound of the replica.
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(1);

/// For how long a new key is published before it signs.
pub(crate) const KEY_LEAD: i64 = 900;

/// How old the newest key may be.
pub(crate) const KEY_ROTATION: i64 = 30 * 86_400;

pub(crate) type Outcome = Result<Exchanged, ExchangeError>;

/// One replica whose follower and noter move only when the test says so: organization Acme, its owner Ada.
pub(crate) struct Replica {
    pub(crate) services: Arc<Services>,
    pub(crate) pauses: Pauses,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) db: Database,
    pub(crate) memory: Arc<Memory>,
    pub(crate) presence: Arc<Presence>,
    /// Its follower with its connection, when it does not look.
    follower: Mutex<Option<Follower>>,
    /// A credential that is alive.
    pub(crate) token: SecretString,
    /// Ada's.
    pub(crate) password: SecretString,
    /// Last, so that it outlives the connections.
    database: Arc<TestDatabase>,
}

/// A change under way on a thread of its own.
pub(crate) struct Apart {
    thread: JoinHandle<()>,
    answered: Arc<AtomicBool>,
}

impl Apart {
    pub(crate) fn has_answered(&self) -> bool {
        self.answered.load(SeqCst)
    }

    pub(crate) fn join(self) {
        self.thread.join().unwrap();
    }
}

fn settings() -> Settings {
    Settings {
        issuer: "http://localhost".to_owned(),
        token_prefix: "patmint_".to_owned(),
        max_staleness: MAX_STALENESS,
        cache_capacity: 100,
        key_lead: KEY_LEAD,
        key_rotation: KEY_ROTATION,
        signing_algorithm: SigningAlgorithm::default(),
        retention: Retention::default(),
    }
}

/// Runs a future on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

impl Replica {
    /// A registered replica that has not followed yet.
    pub(crate) fn new() -> Self {
        let mut replica = Self::on(Arc::new(TestDatabase::new()), Arc::default(), true);
        let made = block_on(replica.services.bootstrap.run("Acme", "ada@acme.example", None)).unwrap();
        replica.token = made.token;
        replica.password = made.password.unwrap();
        block_on(replica.presence.register()).unwrap();
        replica
    }

    /// Another one on the same database and the same machine, not registered yet.
    pub(crate) fn beside(&self) -> Self {
        let other = Self::on(self.database.clone(), self.clock.clone(), true);
        Self { token: self.token.clone(), password: self.password.clone(), ..other }
    }

    /// A command on the same database.
    pub(crate) fn command_beside(&self) -> Self {
        let command = Self::on(self.database.clone(), self.clock.clone(), false);
        Self { token: self.token.clone(), password: self.password.clone(), ..command }
    }

    fn on(database: Arc<TestDatabase>, clock: Arc<ManualClock>, is_server: bool) -> Self {
        let db = Database::new(&DatabaseSettings { url: database.url().parse().unwrap(), connections: 4 });
        db.migrate().unwrap();
        let random = Arc::new(SystemRandomness::default());
        let outside = Environment { clock: clock.clone(), random: random.clone(), db: db.clone() };
        let (pauses, memory) = (Pauses::none(), Arc::new(Memory::new(100)));
        let presence = Presence::new(db.clone(), clock.clone(), random, memory.clone(), MAX_STALENESS, pauses.clone());
        let presence = Arc::new(presence);
        let keys = Arc::new(
            block_on(KeyRing::open(&outside, &database.folder().join("keys"), SigningAlgorithm::default())).unwrap(),
        );
        let mut basis = Basis::new(memory.clone(), keys, pauses.clone());
        basis.presence = is_server.then(|| presence.clone());
        let services = Arc::new(Services::assemble(settings(), outside, basis));
        let (token, password) = (SecretString::default(), SecretString::default());
        let follower = Mutex::default();
        Self { services, pauses, clock, db, memory, presence, follower, token, password, database }
    }

    /// The folder of the keys of all servers on this database.
    pub(crate) fn keys_dir(&self) -> PathBuf {
        self.database.folder().join("keys")
    }

    /// A real server on the same database, with the machine's clock.
    pub(crate) fn real_server_beside(&self) -> Services {
        self.try_real_server(&self.keys_dir()).unwrap()
    }

    /// The same with keys from a folder of the caller's.
    pub(crate) fn try_real_server(&self, keys: &Path) -> Result<Services, StartError> {
        block_on(self.start_real_server(keys))
    }

    /// The same for one that also does what nobody asks for, which ends with the runtime.
    pub(crate) async fn start_real_server(&self, keys: &Path) -> Result<Services, StartError> {
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandomness::default()));
        let outside = Environment { clock, random, db: self.db.clone() };
        // Its clock is not the one by which the keys were made.
        let settings = Settings { key_rotation: 0, ..settings() };
        Services::for_server(settings, keys, outside).await
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

    /// A follower that has not connected yet.
    pub(crate) fn follower(&self) -> Follower {
        let (memory, keys) = (self.memory.clone(), self.services.core().keys.clone());
        Follower::new(self.db.clone(), memory, keys, MAX_STALENESS, self.pauses.clone())
    }

    /// The follower's connection breaks: its next look begins with a new one.
    pub(crate) fn disconnect_follower(&self) {
        self.follower.lock().unwrap().as_mut().expect("it has followed").disconnect();
    }

    /// A second replica in service: registered, has followed, and has the credential in memory.
    pub(crate) fn warm_beside(&self) -> Self {
        let other = self.beside();
        other.note();
        other.follow();
        other.exchange().expect("alive");
        other.note();
        other
    }

    /// The noter writes once.
    pub(crate) fn note(&self) {
        block_on(self.presence.note()).unwrap();
    }

    /// The noter writes once, on a thread that a pause may stop.
    pub(crate) fn note_apart(&self) -> JoinHandle<()> {
        let presence = self.presence.clone();
        thread::spawn(move || block_on(presence.note()).unwrap())
    }

    /// Whether exchanges may go by memory now.
    pub(crate) fn is_trusted(&self) -> bool {
        self.memory.is_trusted(self.clock.since_boot())
    }

    /// All replicas that are registered.
    pub(crate) fn registered(&self) -> Vec<ReplicaId> {
        let rows = block_on(self.db.read::<_, StoreError>(replicas::all)).unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }

    /// The follower looks once.
    pub(crate) fn follow(&self) {
        let follower = self.follower.lock().unwrap().take();
        let mut follower = follower.unwrap_or_else(|| self.follower());
        follower.step().unwrap();
        *self.follower.lock().unwrap() = Some(follower);
    }

    /// What the feed answers.
    pub(crate) fn feed(&self, after: i64) -> Result<Delta, FeedError> {
        block_on(self.services.feed.request(after).answer())
    }

    /// The follower looks once, on a thread that a pause may stop.
    pub(crate) fn follow_apart(&self) -> JoinHandle<()> {
        let follower = self.follower.lock().unwrap().take();
        let mut follower = follower.unwrap_or_else(|| self.follower());
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
        let handed_in = self.services.credentials.revoke_handed_in(
            self.token.expose_secret(),
            RevocationReason::Holder,
            Source::default(),
        );
        block_on(handed_in).unwrap();
        let entries =
            block_on(self.db.read::<_, StoreError>(|connection| list::entries(connection, 0, i64::MAX))).unwrap();
        let entry = *entries.last().expect("a revocation is on the list");
        assert!(entry.revokes && matches!(entry.target, Target::Credential(_)));
        entry
    }

    /// The same on a thread of its own, for as long as the others have to be waited for.
    pub(crate) fn revoke_apart(&self) -> Apart {
        let (services, token, pauses) = (self.services.clone(), self.token.clone(), self.pauses.clone());
        let answered = Arc::new(AtomicBool::new(false));
        let done = answered.clone();
        let thread = thread::spawn(move || {
            let token = token.expose_secret();
            block_on(services.credentials.revoke_handed_in(token, RevocationReason::Holder, Source::default()))
                .unwrap();
            done.store(true, SeqCst);
            pauses.nudge();
        });
        Apart { thread, answered }
    }

    /// The clock as it is now is trusted: jobs may clean up.
    pub(crate) fn trust_clock(&self) {
        let now = self.clock.now();
        block_on(self.db.write(move |connection| clock::trust(connection, now))).unwrap();
    }

    /// Makes `count` more like the credential with this number, with the numbers that follow.
    pub(crate) fn copy_credential(&self, number: i64, count: i64) {
        let sign = if self.db.url().sqlite_path().is_some() { "x'" } else { "'\\x" };
        for next in number + 1..=number + count {
            self.execute(&format!(
                "CREATE TEMPORARY TABLE copy AS SELECT * FROM credentials WHERE number = {number};
                 UPDATE copy SET number = {next}, id = '0199aaaa-0000-7000-8000-{next:012}', secret_hash = {sign}{next:064}';
                 INSERT INTO credentials SELECT * FROM copy;
                 DROP TABLE copy"
            ));
        }
        self.execute(&format!("UPDATE numbers SET last = {} WHERE name = 'credential'", number + count));
    }

    /// Runs one statement of SQL.
    pub(crate) fn execute(&self, statement: &str) {
        let mut connection = self.db.own_connection().unwrap();
        connection.batch_execute(statement).unwrap();
    }

    /// The id of the credential.
    pub(crate) fn credential_id(&self) -> CredentialId {
        let presented = self.services.core().format.parse(self.token.expose_secret()).unwrap();
        let LookupKey::Id(id) = presented.key else { panic!("an opaque credential has an id") };
        id
    }

    /// Revokes the credential, and is gone as soon as that is committed.
    pub(crate) fn revoke_without_waiting(&self) {
        let (id, at) = (self.credential_id(), self.clock.now());
        let revoke = move |connection: &mut _, Stamp { seq, .. }| {
            let revocation = Revocation { at, by: None, reason: RevocationReason::Holder };
            assert!(credentials::revoke(connection, id, revocation)?);
            let target = Target::Credential(id);
            list::append(connection, Entry { seq, target, revokes: true, created_at: at })
        };
        block_on(self.db.change::<_, StoreError>(self.clock.clone(), revoke)).unwrap();
    }

    /// A change that is about something else.
    pub(crate) fn change_something_else(&self) {
        let session = self.services.sessions.reset_password("ada@acme.example", "a new password 1".into());
        block_on(session).unwrap();
    }
}
