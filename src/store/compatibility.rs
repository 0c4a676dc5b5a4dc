//! Whether this program can serve the schema that a database has. Servers of two versions run side by side during an
//! upgrade: so a schema may be newer than the program, as long as it says that the program can work with it.

use std::fmt;

use diesel::{QueryableByName, RunQueryDsl as _, prelude::*, sql_query, sql_types::Bool};

use super::{
    connection::{DbConnection, on_backend, run},
    error::StoreError,
    migrations,
    schema::compatibility,
};

/// The migration that makes the table `compatibility`. A schema without it is older than this program.
const FIRST: &str = "20261128000003";

/// How a database's schema compares with the one that this program was built for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Exactly that one.
    Current,
    /// The database is empty.
    Missing,
    /// So many migrations have not been run.
    Behind(usize),
    /// So many migrations have been run that this program does not know. It can serve the schema all the same.
    Ahead(usize),
    /// This program does not know the migration that a program has to know to serve the schema.
    TooNew(String),
}

impl Schema {
    /// Whether this program can serve the schema.
    #[must_use]
    pub fn can_be_served(&self) -> bool {
        match self {
            Self::Current | Self::Ahead(_) => true,
            Self::Missing | Self::Behind(_) | Self::TooNew(_) => false,
        }
    }

    /// What the operator can do if this program cannot serve the schema.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Current | Self::Ahead(_) => "nothing has to be done",
            Self::Missing => "run patmint migrate, or start without no_migrate",
            Self::Behind(_) => "run patmint migrate",
            Self::TooNew(_) => {
                "use the newer patmint that migrated the database; to go back to this one, restore a backup from before"
            }
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("the schema is the one that this program was built for"),
            Self::Missing => f.write_str("the database is empty"),
            Self::Behind(count) => write!(f, "{count} migrations have not been run"),
            Self::Ahead(count) => {
                write!(
                    f,
                    "the schema is ahead by {count} migrations that this program does not know, and can be served"
                )
            }
            Self::TooNew(required) => {
                write!(f, "the schema is too new: it requires a patmint that knows migration {required}")
            }
        }
    }
}

/// The schema of this database.
///
/// # Errors
/// [`StoreError`].
pub fn schema(connection: &mut DbConnection) -> Result<Schema, StoreError> {
    if !has_migrations(connection)? {
        return Ok(Schema::Missing);
    }
    let (run_before, known) = migrations::run_and_known(connection)?;
    if run_before.is_empty() {
        return Ok(Schema::Missing);
    }
    if run_before.iter().any(|version| version == FIRST) {
        let required = required_migration(connection)?;
        if !known.contains(&required) {
            return Ok(Schema::TooNew(required));
        }
    }
    let missing_from = |versions: &[String], all: &[String]| all.iter().filter(|one| !versions.contains(one)).count();
    Ok(match (missing_from(&run_before, &known), missing_from(&known, &run_before)) {
        (0, 0) => Schema::Current,
        (0, ahead) => Schema::Ahead(ahead),
        (behind, _) => Schema::Behind(behind),
    })
}

fn required_migration(connection: &mut DbConnection) -> Result<String, StoreError> {
    run(compatibility::table.find(1).select(compatibility::required_migration).get_result(connection))
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    is_so: bool,
}

/// Whether any migration has ever been run.
fn has_migrations(connection: &mut DbConnection) -> Result<bool, StoreError> {
    let is_there = match connection {
        DbConnection::Postgres(_) => "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS is_so",
        DbConnection::Sqlite(_) => {
            "SELECT count(*) > 0 AS is_so FROM sqlite_master WHERE name = '__diesel_schema_migrations'"
        }
    };
    let answer: Answer = on_backend!(connection, |c| run(sql_query(is_there).get_result(c)))?;
    Ok(answer.is_so)
}
