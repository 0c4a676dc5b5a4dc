use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use patmint::{
    domain::random::SystemRandomness,
    http::{App, HttpSettings, Server},
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
    database: TestDatabase,
}

/// How one test's server differs from others.
pub struct Options {
    pub token_prefix: &'static str,
    pub max_staleness: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { token_prefix: "patmint_", max_staleness: Duration::from_secs(1) }
    }
}

struct Started {
    made: Bootstrapped,
    db: Database,
}

impl TestApp {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let database = TestDatabase::new();
        let clock = Arc::new(ManualClock::default());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().unwrap();
        let (started, wait) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let (url, keys, own_clock) = (database.url(), database.folder().join("keys"), clock.clone());
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let (server, start) = start(&url, keys, own_clock, listener, &options).await;
                started.send(start).unwrap();
                let told = async { stopped.await.unwrap_or_default() };
                server.run(told).await.expect("a clean end");
            });
        });
        let Started { made, db } = wait.recv().expect("the server starts");
        let agent = client::agent();
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
            agent,
            runtime: runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
            database,
        }
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

    /// Makes a change that no endpoint offers, the way the services do: with its number.
    pub fn change<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut DbConnection, i64) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.db.change(f)).expect("the database takes the change")
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

async fn start(
    url: &str,
    keys: PathBuf,
    clock: Arc<ManualClock>,
    listener: TcpListener,
    options: &Options,
) -> (Server, Started) {
    let db = Database::new(&DatabaseSettings { url: url.parse().unwrap(), connections: 8 });
    db.migrate().expect("migrations");
    let settings = Settings {
        issuer: format!("http://{}", listener.local_addr().unwrap()),
        token_prefix: options.token_prefix.to_owned(),
        max_staleness: options.max_staleness,
        cache_capacity: 1000,
    };
    let outside = Environment { clock, random: Arc::new(SystemRandomness::default()), db: db.clone() };
    let services = Services::for_server(settings, &keys, outside).await.expect("services");
    let made = services.bootstrap.run("Acme", "ada@acme.example", None).await.expect("an empty database");
    let server = Server::new(listener, App::new(services, HttpSettings { jwks_max_age: 300 }));
    (server, Started { made, db })
}
