//! What jobs would do to so many credentials at once that it waits for a second look.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::{credentials, mass_changes},
};
use crate::domain::clock::Timestamp;

/// A change of many that waits, or is under way.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = mass_changes)]
pub struct MassChange {
    /// The job that would make it.
    pub job: String,
    /// When it was noticed first.
    pub noticed_at: Timestamp,
    /// How many credentials it would end or remove, or more.
    pub affected: i64,
    /// How many were active then, about.
    pub active: i64,
}

/// All of them.
///
/// # Errors
/// [`StoreError`].
pub fn all(connection: &mut DbConnection) -> Result<Vec<MassChange>, StoreError> {
    run(mass_changes::table.order(mass_changes::job).select(MassChange::as_select()).load(connection))
}

/// Notes that `change` was noticed, and says since when; in a transaction.
///
/// # Errors
/// [`StoreError`].
pub fn notice(connection: &mut DbConnection, change: MassChange) -> Result<Timestamp, StoreError> {
    let known = mass_changes::table.find(change.job.clone()).select(mass_changes::noticed_at);
    let known: Option<Timestamp> = run(known.get_result(connection).optional())?;
    // Not by a clock that was ahead then.
    let noticed_at = known.filter(|known| *known <= change.noticed_at).unwrap_or(change.noticed_at);
    forget(connection, &change.job)?;
    let row = MassChange { noticed_at, ..change };
    run(diesel::insert_into(mass_changes::table).values(row).execute(connection))?;
    Ok(noticed_at)
}

/// Notes that this job has no such change to make any more.
///
/// # Errors
/// [`StoreError`].
pub fn forget(connection: &mut DbConnection, job: &str) -> Result<(), StoreError> {
    run(diesel::delete(mass_changes::table.find(job)).execute(connection)).map(|_| ())
}

/// How many of the credentials with a number in `from..=to` are not revoked.
///
/// # Errors
/// [`StoreError`].
pub fn active(connection: &mut DbConnection, (from, to): (i64, i64)) -> Result<i64, StoreError> {
    let rows = credentials::table.filter(credentials::number.between(from, to));
    run(rows.filter(credentials::revoked_at.is_null()).count().get_result(connection))
}
