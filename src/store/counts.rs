//! How much there is of something, for whoever watches the server.

use diesel::{dsl::count_star, prelude::*};

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
