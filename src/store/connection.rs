//! One connection type over both databases. What differs between them is here, in `columns.rs`, in `migrations.rs`,
//! and where the two are told apart: `usage.rs` (upsert), `list.rs` (many rows at once), `standings.rs` (the hot query),
//! `token_lists.rs` (upper and lower case).

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use diesel::{
    Connection, ConnectionError, ConnectionResult, PgConnection, QueryResult, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    r2d2::{ManageConnection, R2D2Connection},
};
use secrecy::ExposeSecret as _;

use super::{
    error::StoreError,
    postgres::{self, Deadlines},
    statements::Statements,
    url::{Backend, DatabaseUrl},
};

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// Compiles one statement once for each database: for what the derived connection lacks (`ON CONFLICT`).
macro_rules! on_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::store::DbConnection::Postgres($c) => $body,
            $crate::store::DbConnection::Sqlite($c) => $body,
        }
    };
}
pub(super) use on_backend;

/// Takes the lock of a row on PostgreSQL (`SELECT … FOR …`), which the derived connection lacks. On SQLite the write
/// transaction holds that of everything.
macro_rules! hold_row {
    ($conn:expr, $query:expr, $id:ty) => {
        match $conn {
            $crate::store::DbConnection::Postgres(c) => run($query.load::<$id>(c)).map(drop),
            $crate::store::DbConnection::Sqlite(_) => Ok(()),
        }
    };
}
pub(super) use hold_row;

/// How long SQLite waits for another process's write.
const SQLITE_BUSY: Duration = Duration::from_secs(5);

/// How much of the file each connection keeps, in KiB: the upper pages of the trees. Leaves are seldom met again, and the
/// system has the file in memory.
const SQLITE_CACHE_KIB: u32 = 1024;

/// How often another connection may be faster in turning on the write-ahead log, or die amid it.
const SQLITE_WAL_TRIES: usize = 10;

impl DbConnection {
    /// Opens a connection for ordinary work.
    pub(super) fn open(url: &DatabaseUrl) -> ConnectionResult<Self> {
        Self::open_with(url, Deadlines::Short)
    }

    /// Opens a connection that may hold a lock for long: for migrations, and for a change that looks at everything.
    pub(super) fn open_patient(url: &DatabaseUrl) -> ConnectionResult<Self> {
        Self::open_with(url, Deadlines::None)
    }

    fn open_with(url: &DatabaseUrl, deadlines: Deadlines) -> ConnectionResult<Self> {
        match url.backend() {
            Backend::Postgres(url) => postgres::open(url.expose_secret(), deadlines).map(Self::Postgres),
            Backend::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path)?;
                prepare_sqlite(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(Self::Sqlite(connection))
            }
        }
    }

    /// Opens a connection that cannot write, and that makes no database.
    pub(super) fn open_to_look(url: &DatabaseUrl) -> ConnectionResult<Self> {
        match url.backend() {
            Backend::Postgres(url) => postgres::open_to_look(url.expose_secret()).map(Self::Postgres),
            Backend::Sqlite(path) => {
                // Not `mode=ro`: what SQLite makes beside the file to read it, such a connection would leave behind.
                // In a `file:` URL these three characters mean something.
                let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
                let mut connection = SqliteConnection::establish(&format!("file:{path}?mode=rw"))?;
                let busy = SQLITE_BUSY.as_millis();
                let prepared =
                    connection.batch_execute(&format!("PRAGMA busy_timeout = {busy}; PRAGMA query_only = ON"));
                prepared.map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(Self::Sqlite(connection))
            }
        }
    }

    /// Asks whether the server still is the primary, on a connection that was opened to it: what a standby says is old. A
    /// file does not change its role.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it is not.
    pub(crate) fn check_primary(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(connection) => postgres::check_writable(connection),
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Runs `f` in a transaction that may write. On SQLite it holds the write lock from its first statement: one that
    /// reads first and writes then would fail whenever another one was faster.
    pub(super) fn write_transaction<T, E: From<StoreError>>(
        &mut self,
        f: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = |connection: &mut Self| match connection {
            Self::Postgres(c) => AnsiTransactionManager::begin_transaction(c),
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        };
        begin(self).map_err(StoreError::from)?;
        match f(self) {
            Ok(value) => {
                <Self as Connection>::TransactionManager::commit_transaction(self).map_err(StoreError::from)?;
                Ok(value)
            }
            Err(error) => {
                // The first error tells more than one of the rollback; a broken connection is not used again.
                let _ = <Self as Connection>::TransactionManager::rollback_transaction(self);
                Err(error)
            }
        }
    }
}

/// Runs `f` on SQLite without the wait for another process's write; what would wait is [`StoreError::Busy`].
pub(super) fn without_waiting<T>(
    connection: &mut DbConnection,
    f: impl FnOnce(&mut DbConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    run(connection.batch_execute("PRAGMA busy_timeout = 0"))?;
    let value = f(connection);
    run(connection.batch_execute(&format!("PRAGMA busy_timeout = {}", SQLITE_BUSY.as_millis())))?;
    value
}

fn prepare_sqlite(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute(&format!("PRAGMA busy_timeout = {}", SQLITE_BUSY.as_millis()))?;
    write_ahead(connection)?;
    connection.batch_execute(&format!(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -{SQLITE_CACHE_KIB}"
    ))
}

/// Turns on the write-ahead log, which then stays on in the file. While another connection to a new file does so,
/// SQLite refuses without the wait of `busy_timeout`; a write transaction does wait, and then it is done already.
fn write_ahead(connection: &mut SqliteConnection) -> QueryResult<()> {
    let turn_on = |connection: &mut SqliteConnection| connection.batch_execute("PRAGMA journal_mode = WAL");
    for _ in 0..SQLITE_WAL_TRIES {
        match turn_on(connection) {
            Err(error) if is_locked(&error) => connection.batch_execute("BEGIN IMMEDIATE; COMMIT")?,
            done => return done,
        }
    }
    turn_on(connection)
}

fn is_locked(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, information) if information.message() == "database is locked")
}

/// Makes connections for the pool.
#[derive(Debug)]
pub(super) struct ConnectionManager {
    pub(super) url: DatabaseUrl,
    pub(super) queries: Arc<AtomicU64>,
}

impl ManageConnection for ConnectionManager {
    type Connection = DbConnection;
    type Error = StoreError;

    fn connect(&self) -> Result<DbConnection, StoreError> {
        let mut connection =
            DbConnection::open(&self.url).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        connection.set_instrumentation(Statements::of(&connection, self.queries.clone()));
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut DbConnection) -> Result<(), StoreError> {
        // Instead of a ping: it costs as much, and tells as well that the server is there.
        connection.check_primary()
    }

    fn has_broken(&self, connection: &mut DbConnection) -> bool {
        // A panic in a transaction leaves it open; a server that refuses writes will not take them again.
        std::thread::panicking() || connection.is_broken() || Statements::is_read_only(connection)
    }
}

/// Runs one query and turns its error into ours.
pub(super) fn run<T>(result: QueryResult<T>) -> Result<T, StoreError> {
    result.map_err(StoreError::from)
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn many_may_open_a_new_sqlite_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let url: DatabaseUrl = format!("sqlite://{}/{round}.db", folder.path().display()).parse().unwrap();
            let start = Barrier::new(4);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        DbConnection::open(&url).map(drop).unwrap();
                    });
                }
            });
        }
    }
}
