//! Storage: the only place with diesel. One schema, one query text, SQLite and PostgreSQL.
//!
//! Queries are functions of a connection, one file for each aggregate; [`Database`] runs them on blocking threads.

pub mod addresses;
pub mod audit;
pub mod clock;
mod columns;
pub mod compatibility;
mod connection;
pub mod counts;
pub mod credentials;
mod database;
mod error;
pub mod idempotency_keys;
pub mod inspect;
pub mod invitations;
pub mod keys;
pub mod list;
pub mod live;
pub mod mass_changes;
pub mod memberships;
mod migrations;
pub mod notifications;
pub mod numbers;
pub mod organizations;
mod pooler;
mod postgres;
pub mod refusals;
pub mod replicas;
pub mod retention;
mod retry;
pub mod rotations;
mod schema;
pub mod sessions;
pub mod stale;
pub mod standings;
mod statements;
pub mod time;
pub mod token_lists;
mod url;
pub mod usage;
pub mod users;

#[cfg(test)]
mod tests;

pub use connection::DbConnection;
pub use database::{Database, DatabaseSettings, PoolState};
pub use error::StoreError;
pub use url::{DatabaseUrl, NotADatabaseUrl};
