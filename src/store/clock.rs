//! The last moment at which a server had no doubt about the clock.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::clock,
};
use crate::domain::clock::Timestamp;

/// The id of the one row.
const ROW: i32 = 1;

/// When it was; `None` = never yet.
///
/// # Errors
/// [`StoreError`].
pub fn trusted_at(connection: &mut DbConnection) -> Result<Option<Timestamp>, StoreError> {
    run(clock::table.find(ROW).select(clock::trusted_at).get_result(connection))
}

/// Notes that there is no doubt at `now`.
///
/// # Errors
/// [`StoreError`].
pub fn trust(connection: &mut DbConnection, now: Timestamp) -> Result<(), StoreError> {
    run(diesel::update(clock::table.find(ROW)).set(clock::trusted_at.eq(Some(now))).execute(connection)).map(|_| ())
}
