//! The running servers, as far as whoever changes something has to know: how much of the list each has applied, and how
//! long it may go by older memory.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::replicas,
};
use crate::domain::ids::ReplicaId;

/// A running server.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = replicas)]
pub struct Replica {
    /// Its id; a new one for each registration.
    pub id: ReplicaId,
    /// How old the state may be that its exchanges go by, in milliseconds.
    pub max_staleness_ms: i64,
    /// Everything up to this number is reflected in its memory.
    pub applied: i64,
    /// Grows with each sign of life.
    pub beat: i64,
}

impl Replica {
    /// How old the state may be that its exchanges go by.
    #[must_use]
    pub fn max_staleness(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.max_staleness_ms).unwrap_or_default())
    }
}

/// Adds a server.
///
/// # Errors
/// [`StoreError`].
pub fn register(connection: &mut DbConnection, replica: Replica) -> Result<(), StoreError> {
    run(diesel::insert_into(replicas::table).values(replica).execute(connection)).map(|_| ())
}

/// Notes how much of the list a server has applied, and that it lives. `false` = it is not registered any more.
///
/// # Errors
/// [`StoreError`].
pub fn note(connection: &mut DbConnection, id: ReplicaId, applied: i64) -> Result<bool, StoreError> {
    let noted = (replicas::applied.eq(applied), replicas::beat.eq(replicas::beat + 1));
    run(diesel::update(replicas::table.find(id)).set(noted).execute(connection)).map(|rows| rows > 0)
}

/// All servers.
///
/// # Errors
/// [`StoreError`].
pub fn all(connection: &mut DbConnection) -> Result<Vec<Replica>, StoreError> {
    run(replicas::table.select(Replica::as_select()).load(connection))
}

/// Removes a server.
///
/// # Errors
/// [`StoreError`].
pub fn remove(connection: &mut DbConnection, id: ReplicaId) -> Result<(), StoreError> {
    run(diesel::delete(replicas::table.find(id)).execute(connection)).map(|_| ())
}

/// Removes a server that has given no sign of life since `beat`. Says whether it did.
///
/// # Errors
/// [`StoreError`].
pub fn remove_still(connection: &mut DbConnection, id: ReplicaId, beat: i64) -> Result<bool, StoreError> {
    let still = replicas::table.find(id).filter(replicas::beat.eq(beat));
    run(diesel::delete(still).execute(connection)).map(|rows| rows > 0)
}

/// Makes every use of the table fail, as a database that refuses does.
#[cfg(test)]
pub(crate) fn lose(connection: &mut DbConnection) -> Result<(), StoreError> {
    run(diesel::sql_query("ALTER TABLE replicas RENAME TO lost").execute(connection)).map(|_| ())
}
