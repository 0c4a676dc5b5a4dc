//! How much there is of something, for whoever watches the server.

use diesel::{
    dsl::{count_star, sql},
    prelude::*,
    sql_types::BigInt,
};

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::{credentials, sessions},
};
use crate::domain::clock::Timestamp;

/// How many credentials end after `from` and not after `to`, and are not revoked before.
///
/// # Errors
/// [`StoreError`].
pub fn expiring(connection: &mut DbConnection, from: Timestamp, to: Timestamp) -> Result<i64, StoreError> {
    let ends = credentials::expires_at.gt(Some(from)).and(credentials::expires_at.le(Some(to)));
    let rows = credentials::table.filter(credentials::revoked_at.is_null()).filter(ends);
    run(rows.select(count_star()).get_result(connection))
}

/// How many sessions there are.
///
/// # Errors
/// [`StoreError`].
pub fn sessions(connection: &mut DbConnection) -> Result<i64, StoreError> {
    run(sessions::table.select(count_star()).get_result(connection))
}

/// How many bytes the database takes, its log left out.
///
/// # Errors
/// [`StoreError`].
pub fn database_size(connection: &mut DbConnection) -> Result<i64, StoreError> {
    let size = match connection {
        DbConnection::Postgres(_) => "pg_database_size(current_database())",
        DbConnection::Sqlite(_) => "(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)",
    };
    run(diesel::select(sql::<BigInt>(size)).get_result(connection))
}

/// How many rows `table` has.
#[cfg(test)]
pub(crate) fn rows(connection: &mut DbConnection, table: &str) -> Result<i64, StoreError> {
    run(diesel::select(sql::<BigInt>(&format!("(SELECT count(*) FROM {table})"))).get_result(connection))
}
