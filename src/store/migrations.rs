use diesel::{
    backend::Backend, connection::SimpleConnection, migration::MigrationSource, pg::Pg, prelude::*, sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{
    compatibility::{self, Schema},
    connection::{DbConnection, run},
    error::StoreError,
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number, but the same in every patmint: servers that start together migrate one after the other.
const POSTGRES_LOCK: i64 = 0x0070_6174_6d69_6e74;

/// Brings the database up to date: all that is pending in one transaction, or nothing. Says how the schema is then; one
/// that is too new for this program is left as it is.
pub(super) fn migrate(connection: &mut DbConnection) -> Result<Schema, StoreError> {
    connection.write_transaction(|connection| {
        lock(connection)?;
        let before = compatibility::schema(connection)?;
        if matches!(before, Schema::TooNew(_)) {
            return Ok(before);
        }
        let done = match connection {
            DbConnection::Postgres(c) => c.run_pending_migrations(POSTGRES).map(|_| ()),
            DbConnection::Sqlite(c) => c.run_pending_migrations(SQLITE).map(|_| ()),
        };
        done.map_err(|error| StoreError::Query(error.to_string()))?;
        compatibility::schema(connection)
    })
}

diesel::table! {
    /// diesel's own. Read here by hand: diesel would first make it if it were not there.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// The versions of the migrations that have been run, and of those that this program knows, each in order.
pub(super) fn run_and_known(connection: &mut DbConnection) -> Result<(Vec<String>, Vec<String>), StoreError> {
    use __diesel_schema_migrations::{table, version};
    let run_before = run(table.select(version).order(version).load(connection))?;
    let known = match connection {
        DbConnection::Postgres(_) => versions::<Pg>(&POSTGRES),
        DbConnection::Sqlite(_) => versions::<Sqlite>(&SQLITE),
    };
    Ok((run_before, known?))
}

fn versions<DB: Backend>(source: &impl MigrationSource<DB>) -> Result<Vec<String>, StoreError> {
    let all = source.migrations().map_err(|error| StoreError::Query(error.to_string()))?;
    let mut versions: Vec<String> = all.iter().map(|migration| migration.name().version().to_string()).collect();
    versions.sort();
    Ok(versions)
}

/// Takes everything back, newest first.
#[cfg(test)]
pub(super) fn revert(connection: &mut DbConnection) {
    match connection {
        DbConnection::Postgres(c) => c.revert_all_migrations(POSTGRES),
        DbConnection::Sqlite(c) => c.revert_all_migrations(SQLITE),
    }
    .unwrap();
}

fn lock(connection: &mut DbConnection) -> Result<(), StoreError> {
    match connection {
        DbConnection::Postgres(c) => run(c.batch_execute(&format!("SELECT pg_advisory_xact_lock({POSTGRES_LOCK})"))),
        // The transaction holds the write lock already.
        DbConnection::Sqlite(_) => Ok(()),
    }
}
