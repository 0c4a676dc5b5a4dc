use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use patmint::{
    domain::{jws::SigningAlgorithm, random::SystemRandomness},
    http::{App, HttpSettings, Server, TrustedProxies},
    service::{Bootstrapped, Environment, Services, Settings},
    store::{Database, DatabaseSettings, DbConnection, StoreError},
};
use secrecy::ExposeSecret as _;
use tokio::{
    runtime::{self, Runtime},
    sync::oneshot,
};
use ureq::Agent;

use super::{
    client::{self, Request},
    clock::ManualClock,
    database::TestDatabase,
    people::{Credential, Person},
};

/// A running patmint: organization Acme, its owner Ada, nobody else.
pub struct TestApp {
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    pub ada: Person,
    /// The two credentials that `bootstrap` made for Ada.
    pub pat: Credential,
    pub jwt: Credential,
    pub organization_id: String,
    /// The server's own connections: what it asks the database shows here.
    pub db: Database,
    agent: Agent,
    runtime: Runtime,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Last, so that the database outlives the server.
    database: Arc<TestDatabase>,
}

/// How one test's server differs from others.
pub struct Options {
    pub token_prefix: &'static str,
    pub max_staleness: Duration,
    pub max_feed_waiters: usize,
    pub feed_token: Option<&'static str>,
    pub proxies: TrustedProxies,
    pub max_connections: usize,
    pub silence: Duration,
    pub metrics_networks: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token_prefix: "patmint_",
            max_staleness: Duration::from_secs(1),
            max_feed_waiters: 100,
            feed_token: None,
            proxies: TrustedProxies::default(),
            max_connections: 1000,
            silence: Duration::from_secs(150),
            metrics_networks: "127.0.0.1/32",
        }
    }
}

struct Started {
    made: Option<Bootstrapped>,
    db: Database,
}

struct Launched {
    address: SocketAddr,
    made: Option<Bootstrapped>,
    db: Database,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl TestApp {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let database = Arc::new(TestDatabase::new());
        let clock = Arc::new(ManualClock::default());
        let Launched { address, made, db, stop, thread } = launch(&database, &clock, options, true);
        let made = made.expect("a bootstrapped database");
        let ada = Person {
            id: made.user_id.to_string(),
            email: made.email.to_string(),
            password: made.password.as_ref().unwrap().expose_secret().to_owned(),
        };
        Self {
            clock,
            address,
            ada,
            pat: Credential::of_text(made.token.expose_secret()),
            jwt: Credential::of_text(made.refresh_jwt.expose_secret()),
            organization_id: made.organization_id.to_string(),
            db,
            agent: client::agent(),
            runtime: runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
            database,
        }
    }

    /// Another server on the same database, with the same clock.
    pub fn beside(&self) -> Self {
        let Launched { address, db, stop, thread, .. } = launch(&self.database, &self.clock, Options::default(), false);
        Self {
            clock: self.clock.clone(),
            address,
            ada: self.ada.clone(),
            pat: self.pat.clone(),
            jwt: self.jwt.clone(),
            organization_id: self.organization_id.clone(),
            db,
            agent: client::agent(),
            runtime: runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
            database: self.database.clone(),
        }
    }

    /// Ends the server and starts one that differs, on the same database and at another address.
    pub fn restart(&mut self, options: Options) {
        self.stop();
        let Launched { address, db, stop, thread, .. } = launch(&self.database, &self.clock, options, false);
        (self.address, self.db) = (address, db);
        (self.stop, self.thread) = (Some(stop), Some(thread));
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.agent, self.address, method, path)
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    /// The address as `iss` and default `aud`.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Reads from the database what no endpoint shows.
    pub fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut DbConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.db.read(f)).expect("the database answers")
    }

    /// Makes a change that no endpoint offers, the way the services do: with its number. However long it takes, since a test
    /// may ask for thousands of rows.
    pub fn change<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut DbConnection, i64) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.db.change_at_length(f)).expect("the database takes the change")
    }

    /// The same however long it takes.
    pub fn change_at_length<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut DbConnection, i64) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.db.change_at_length(f)).expect("the database takes the change")
    }

    /// Waits for something that the services do on their own, without the server.
    pub fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The services that a command has beside the running server.
    pub fn command(&self) -> Services {
        let settings = Settings {
            issuer: self.issuer(),
            token_prefix: "patmint_".to_owned(),
            max_staleness: Duration::from_secs(1),
            cache_capacity: 1,
            key_lead: 900,
            key_rotation: 0,
            signing_algorithm: SigningAlgorithm::default(),
        };
        let db = Database::new(&DatabaseSettings { url: self.database.url().parse().unwrap(), connections: 1 });
        let outside = Environment { clock: self.clock.clone(), random: Arc::new(SystemRandomness::default()), db };
        let keys = self.database.folder().join("keys");
        self.wait_for(Services::for_command(settings, &keys, outside)).expect("services")
    }

    /// Ends the server as SIGTERM does.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends well");
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
        }
    }
}

/// Starts a server on a thread and a port of its own; on an empty database, makes what `bootstrap` makes.
fn launch(database: &TestDatabase, clock: &Arc<ManualClock>, options: Options, is_empty: bool) -> Launched {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().unwrap();
    let (started, wait) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let (url, keys, clock) = (database.url(), database.folder().join("keys"), clock.clone());
    let thread = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let (server, start) = start(&url, keys, clock, listener, &options, is_empty).await;
            started.send(start).unwrap();
            let told = async { stopped.await.unwrap_or_default() };
            server.run(told).await.expect("a clean end");
        });
    });
    let Started { made, db } = wait.recv().expect("the server starts");
    Launched { address, made, db, stop, thread }
}

async fn start(
    url: &str,
    keys: PathBuf,
    clock: Arc<ManualClock>,
    listener: TcpListener,
    options: &Options,
    is_empty: bool,
) -> (Server, Started) {
    let db = Database::new(&DatabaseSettings { url: url.parse().unwrap(), connections: 8 });
    db.migrate().expect("migrations");
    let settings = Settings {
        issuer: format!("http://{}", listener.local_addr().unwrap()),
        token_prefix: options.token_prefix.to_owned(),
        max_staleness: options.max_staleness,
        cache_capacity: 1000,
        key_lead: 900,
        key_rotation: 0,
        signing_algorithm: SigningAlgorithm::default(),
    };
    let outside = Environment { clock, random: Arc::new(SystemRandomness::default()), db: db.clone() };
    let services = Services::for_server(settings, &keys, outside).await.expect("services");
    let mut made = None;
    if is_empty {
        made = Some(services.bootstrap.run("Acme", "ada@acme.example", None).await.expect("an empty database"));
    }
    let http = HttpSettings {
        jwks_max_age: 300,
        max_feed_waiters: options.max_feed_waiters,
        feed_token: options.feed_token.map(Into::into),
        proxies: options.proxies.clone(),
        max_connections: options.max_connections,
        silence: options.silence,
        metrics_networks: vec![options.metrics_networks.parse().unwrap()],
    };
    let server = Server::new(listener, App::new(services, http));
    (server, Started { made, db })
}
