//! The database's clock, which all servers share.

use diesel::{dsl::sql, prelude::*, sql_types::Timestamp as SqlTimestamp};

use super::{
    connection::{DbConnection, run},
    error::StoreError,
};
use crate::domain::clock::Timestamp;

/// What the database's clock says; `None` on SQLite, since a file has none.
///
/// # Errors
/// [`StoreError`].
pub fn now(connection: &mut DbConnection) -> Result<Option<Timestamp>, StoreError> {
    match connection {
        DbConnection::Postgres(c) => {
            let now = sql::<SqlTimestamp>("clock_timestamp() AT TIME ZONE 'UTC'");
            run(diesel::select(now).get_result::<Timestamp>(c)).map(Some)
        }
        DbConnection::Sqlite(_) => Ok(None),
    }
}
