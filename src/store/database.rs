use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use diesel::{
    Connection as _,
    r2d2::{NopErrorHandler, Pool, PooledConnection},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
    time::{self, Instant},
};

use super::{
    compatibility::{self, Schema},
    connection::{ConnectionManager, DbConnection},
    error::StoreError,
    list::{self, Stamp},
    migrations,
    pooler::{self, OWN_SESSIONS, SHARED_SESSIONS},
    retry,
    statements::Statements,
    url::DatabaseUrl,
};
use crate::{domain::clock::Clock, trace::timed};

/// How long a caller waits for the database in all: for its turn, for a connection, for what it asked. A server that
/// hangs keeps its connections open and says nothing, so the end of patience has to be on this side.
///
/// A write on SQLite waits longer: up to 5 s for its turn in this process ([`TURN_PATIENCE`]), 1 s for a connection, 5 s
/// for other processes' writes (`busy_timeout`), and then for as long as it takes.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many threads read for exchanges on SQLite.
const SQLITE_EXCHANGES: usize = 2;

/// How long a write waits for its turn on SQLite, where they go one after the other; and, on both, one that nobody waits for.
const TURN_PATIENCE: Duration = Duration::from_secs(5);

/// What the operator may choose.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// Which database.
    pub url: DatabaseUrl,
    /// The most connections at once.
    pub connections: u32,
}

/// How a pool of connections is used.
#[derive(Clone, Copy, Debug)]
pub struct PoolState {
    /// Connections that are open.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// The most that there may be.
    pub most: u32,
}

/// The database, for async callers: runs queries on blocking threads, a bounded number at once.
#[derive(Clone)]
pub struct Database {
    pool: Pool<ConnectionManager>,
    url: DatabaseUrl,
    gives_hints: bool,
    queries: Arc<AtomicU64>,
    /// How many connections nothing but exchanges takes.
    exchanges: usize,
    reads: Arc<Semaphore>,
    /// One permit on SQLite: its own queue is unfair and starves a writer for more than a second.
    writes: Arc<Semaphore>,
}

impl Database {
    /// Prepares connections; opens none yet.
    #[must_use]
    pub fn new(settings: &DatabaseSettings) -> Self {
        let queries = Arc::new(AtomicU64::new(0));
        let manager = ConnectionManager { url: settings.url.clone(), queries: queries.clone() };
        let is_sqlite = settings.url.sqlite_path().is_some();
        let pool = Pool::builder()
            .max_size(settings.connections)
            // None before it is asked for: two that open a new SQLite file at once lock each other out of making it WAL.
            .min_idle(Some(0))
            .connection_timeout(PATIENCE)
            // A file cannot hang up; a server can, and its clients should not be the ones to find out.
            .test_on_check_out(!is_sqlite)
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(manager);
        // A quarter each for reads and writes, the rest for exchanges.
        let connections = usize::try_from(settings.connections).unwrap_or(1);
        let quarter = (connections / 4).max(1);
        let rest = connections.saturating_sub(2 * quarter).max(1);
        // To read from a file is work, not waiting: more threads would only take turns.
        let rest = if is_sqlite { rest.min(SQLITE_EXCHANGES) } else { rest };
        Self {
            pool,
            url: settings.url.clone(),
            gives_hints: true,
            queries,
            exchanges: rest,
            reads: Arc::new(Semaphore::new(quarter)),
            writes: Arc::new(Semaphore::new(if is_sqlite { 1 } else { quarter })),
        }
    }

    /// The same, as a database behind a pooler is: nobody is told when the list grows (`notifications.rs`). For tests, since
    /// nothing may depend on it.
    #[must_use]
    pub fn without_hints(self) -> Self {
        Self { gives_hints: false, ..self }
    }

    /// Whether whoever listens is told when the list grows.
    #[must_use]
    pub fn gives_hints(&self) -> bool {
        self.gives_hints
    }

    /// Which database this is.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// How many statements have been sent through the pool so far.
    #[must_use]
    pub fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    /// How the pool is used at this moment.
    #[must_use]
    pub fn pool_state(&self) -> PoolState {
        let state = self.pool.state();
        PoolState { open: state.connections, idle: state.idle_connections, most: self.pool.max_size() }
    }

    /// A connection of the caller's own, outside the pool and not counted: for the follower.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn own_connection(&self) -> Result<DbConnection, StoreError> {
        DbConnection::open(&self.url).map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// Sees to it, on this thread, that each connection has a session of its own, as it does unless a pooler shares them out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it has not, or the database cannot be asked.
    pub fn check_sessions(&self) -> Result<(), StoreError> {
        if pooler::has_own_sessions(&self.url)? {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!("{SHARED_SESSIONS}: {OWN_SESSIONS}")))
    }

    /// Brings the schema up to date, on this thread, and says how it is then. One that is too new for this program is left
    /// as it is.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be reached or a migration fails; then nothing has changed.
    pub fn migrate(&self) -> Result<Schema, StoreError> {
        migrations::migrate(&mut opened_patient(&self.url)?)
    }

    /// How the schema compares with the one that this program was built for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn schema(&self) -> Result<Schema, StoreError> {
        self.read(compatibility::schema).await
    }

    /// Runs queries that only read, each in a snapshot of its own.
    ///
    /// # Errors
    /// What `f` says; [`StoreError::Busy`] if too many wait, [`StoreError::Unavailable`] with no database.
    pub async fn read<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut DbConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        timed("database read", in_time(&self.reads, |permit| self.blocking(permit, f))).await
    }

    /// How many connections are kept for exchanges.
    #[must_use]
    pub fn exchange_connections(&self) -> usize {
        self.exchanges
    }

    /// Runs queries for exchanges, for as long as they take; the caller sees to it that no more of these run at once than
    /// there are [`exchange_connections`](Self::exchange_connections).
    ///
    /// # Errors
    /// What `f` says; [`StoreError::Unavailable`] with no database.
    pub async fn read_for_exchanges(
        &self,
        f: impl FnOnce(&mut DbConnection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.blocking((), f).await
    }

    /// Runs `f` in one transaction that may write: all of it, or nothing. Not a management change (see
    /// [`change`](Self::change)). With a database that hangs nobody can say whether it was done.
    ///
    /// A transaction that PostgreSQL aborts in favour of another one runs again, with a clone of `f`: the values that the
    /// closure moves must be `Clone`, and what it does beside the transaction may happen more than once.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn write<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut DbConnection) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        if self.url.sqlite_path().is_some() {
            // A file does not hang, and a long queue here is work under way.
            return self.write_behind(f).await;
        }
        timed("database write", in_time(&self.writes, |permit| self.transaction(permit, f))).await
    }

    /// The same for what nobody waits for and what must not be done twice: however long it takes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn write_behind<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        f: impl FnOnce(&mut DbConnection) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        let written = async {
            let turn = time::timeout(TURN_PATIENCE, turn(&self.writes)).await;
            let permit = turn.unwrap_or(Err(StoreError::Busy))?;
            self.transaction(permit, f).await
        };
        timed("database write", written).await
    }

    /// Runs a management change: a write transaction that begins by raising the counter of the list, the one lock
    /// that puts all of them in order. `f` is given number and moment; what it reads, it reads under that lock. `clock` is
    /// the machine's, for a database that has none.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn change<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        clock: Arc<dyn Clock>,
        f: impl FnOnce(&mut DbConnection, Stamp) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        self.write(move |connection| stamped(connection, &*clock, f)).await
    }

    /// The same however long it takes, on a connection of its own that no deadline ends. Other changes are refused
    /// meanwhile; what reads does not notice.
    ///
    /// # Errors
    /// What `f` says; [`StoreError::Unavailable`] with no database.
    pub async fn change_at_length<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        clock: Arc<dyn Clock>,
        f: impl FnOnce(&mut DbConnection, Stamp) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        retry::until_decided(|| {
            let (url, clock, f) = (self.url.clone(), clock.clone(), f.clone());
            let job = move |connection: &mut DbConnection| stamped(connection, &*clock, f);
            spawned(move || Ok(retry::attempt(&mut opened_patient(&url)?, job)))
        })
        .await
    }

    /// One transaction on a connection of the pool, again if it is aborted.
    async fn transaction<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        permit: OwnedSemaphorePermit,
        f: impl FnOnce(&mut DbConnection) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        let permit = Arc::new(permit);
        retry::until_decided(|| {
            let f = f.clone();
            self.blocking(permit.clone(), |connection| Ok(retry::attempt(connection, f)))
        })
        .await
    }

    async fn blocking<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        permit: impl Send + 'static,
        f: impl FnOnce(&mut DbConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let pool = self.pool.clone();
        let job = move || {
            // Given back when the work is done, not when its caller lost interest.
            let _permit = permit;
            let mut connection = checked_out(&pool)?;
            f(&mut connection)
        };
        spawned(job).await
    }
}

async fn spawned<T: Send + 'static, E: From<StoreError> + Send + 'static>(
    job: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    task::spawn_blocking(job).await.unwrap_or_else(|panic| Err(StoreError::Query(panic.to_string()).into()))
}

/// Runs `work` when it is its turn at `gate`, and gives up when patience ends. Work on another thread may go on even then.
async fn in_time<T, E: From<StoreError>, W: Future<Output = Result<T, E>>>(
    gate: &Arc<Semaphore>,
    work: impl FnOnce(OwnedSemaphorePermit) -> W,
) -> Result<T, E> {
    let deadline = Instant::now() + PATIENCE;
    let permit = time::timeout_at(deadline, turn(gate)).await.unwrap_or(Err(StoreError::Busy))?;
    let hangs = |_| Err(StoreError::Unavailable("no answer in time".to_owned()).into());
    time::timeout_at(deadline, work(permit)).await.unwrap_or_else(hangs)
}

fn opened_patient(url: &DatabaseUrl) -> Result<DbConnection, StoreError> {
    let mut connection = DbConnection::open_patient(url).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    // Not through the pool, so its statements are not counted.
    connection.set_instrumentation(Statements::of(&connection, Arc::default()));
    Ok(connection)
}

/// Runs `f` with the next number of the list, under its lock.
fn stamped<T, E: From<StoreError>>(
    connection: &mut DbConnection,
    clock: &dyn Clock,
    f: impl FnOnce(&mut DbConnection, Stamp) -> Result<T, E>,
) -> Result<T, E> {
    let stamp = list::raise(connection, clock)?;
    f(connection, stamp)
}

async fn turn(gate: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    // The gates are never closed.
    gate.clone().acquire_owned().await.map_err(|_| StoreError::Busy)
}

fn checked_out(pool: &Pool<ConnectionManager>) -> Result<PooledConnection<ConnectionManager>, StoreError> {
    pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))
}
