//! What `patmint doctor` wants to know of a database, asked on a connection that cannot write.

use diesel::{
    QueryableByName, RunQueryDsl as _, sql_query,
    sql_types::{BigInt, Bool, Integer, Text},
};

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    url::DatabaseUrl,
};

/// A connection for looking only, past the pool; nothing is made that is not there.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub fn connection(url: &DatabaseUrl) -> Result<DbConnection, StoreError> {
    DbConnection::open_to_look(url).map_err(|error| StoreError::Unavailable(error.to_string()))
}

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

/// What SQLite finds wrong with the file; `None` if nothing, or if this is PostgreSQL. Reads all of it.
///
/// # Errors
/// [`StoreError`].
pub fn damage(connection: &mut DbConnection) -> Result<Option<String>, StoreError> {
    let said: Said = match connection {
        DbConnection::Postgres(_) => return Ok(None),
        DbConnection::Sqlite(c) => run(sql_query("PRAGMA quick_check(1)").get_result(c))?,
    };
    Ok(Some(said.quick_check).filter(|said| said != "ok"))
}

/// A PostgreSQL server, as the role sees it that patmint uses.
#[derive(Clone, Debug, QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "what the server says, one answer for each question")]
pub struct Postgres {
    /// Its version, such as `15.13`.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// The most connections that this role may have to this database.
    #[diesel(sql_type = Integer)]
    pub connections: i32,
    /// Whether the server is a standby, or writes are off by default.
    #[diesel(sql_type = Bool)]
    pub is_read_only: bool,
    /// Whether a commit and the file system survive a power cut (`fsync`, `full_page_writes`).
    #[diesel(sql_type = Bool)]
    pub is_durable: bool,
    /// How many standbys and the like stream from it.
    #[diesel(sql_type = BigInt)]
    pub standbys: i64,
    /// Whether commits wait for one of them.
    #[diesel(sql_type = Bool)]
    pub waits_for_standby: bool,
    /// The encoding of the database, such as `UTF8`.
    #[diesel(sql_type = Text)]
    pub encoding: String,
    /// Whether the role may do everything.
    #[diesel(sql_type = Bool)]
    pub is_superuser: bool,
    /// Whether others on the network between cannot read along: encrypted, or the same machine.
    #[diesel(sql_type = Bool)]
    pub is_private: bool,
}

/// The server of this database; `None` on SQLite.
///
/// # Errors
/// [`StoreError`].
pub fn postgres(connection: &mut DbConnection) -> Result<Option<Postgres>, StoreError> {
    match connection {
        DbConnection::Postgres(c) => run(sql_query(POSTGRES).get_result(c)).map(Some),
        DbConnection::Sqlite(_) => Ok(None),
    }
}

const POSTGRES: &str = "
    SELECT current_setting('server_version') AS version,
        least(
            current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true)::int, 0),
            (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
            (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
        ) AS connections,
        -- What holds for others: this connection has turned writes off itself.
        pg_is_in_recovery() OR (SELECT reset_val = 'on' FROM pg_settings
            WHERE name = 'default_transaction_read_only') AS is_read_only,
        current_setting('fsync')::bool AND current_setting('full_page_writes')::bool AS is_durable,
        (SELECT count(*) FROM pg_stat_replication) AS standbys,
        current_setting('synchronous_standby_names') <> '' AS waits_for_standby,
        current_setting('server_encoding') AS encoding,
        (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
        inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr()
            OR coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_private";
