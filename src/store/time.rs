//! The database's clock, which all servers share.

use diesel::{
    dsl::auto_type,
    prelude::*,
    sql_types::{BigInt, Double, Text, Timestamp as SqlTimestamp, Timestamptz},
};

use super::{
    connection::{DbConnection, run},
    error::StoreError,
};
use crate::domain::clock::Timestamp;

// Functions rather than SQL text: diesel does not keep statements with such text, and would prepare them anew each time.
diesel::define_sql_function! {
    /// The time at which PostgreSQL comes here, not that of the transaction's beginning.
    fn clock_timestamp() -> Timestamptz;
}
diesel::define_sql_function! {
    /// `AT TIME ZONE`.
    fn timezone(zone: Text, at: Timestamptz) -> SqlTimestamp;
}
diesel::define_sql_function! {
    /// `extract`.
    fn date_part(part: Text, of: Timestamptz) -> Double;
}
diesel::define_sql_function! {
    /// `*`.
    fn float8mul(one: Double, other: Double) -> Double;
}
diesel::define_sql_function! {
    /// A cast.
    fn int8(number: Double) -> BigInt;
}
diesel::define_sql_function! {
    /// The greater of two, on PostgreSQL.
    fn greatest(one: BigInt, other: BigInt) -> BigInt;
}
diesel::define_sql_function! {
    /// The greater of two, on SQLite.
    fn max(one: BigInt, other: BigInt) -> BigInt;
}

/// What the clock of PostgreSQL says.
#[auto_type]
pub(super) fn utc() -> _ {
    timezone("UTC", clock_timestamp())
}

/// The same in milliseconds since 1970.
#[auto_type]
pub(super) fn millis() -> _ {
    let seconds: date_part<&'static str, clock_timestamp> = date_part("epoch", clock_timestamp());
    let thousand: f64 = 1000.0;
    int8(float8mul(seconds, thousand))
}

/// What the database's clock says; `None` on SQLite, since a file has none.
///
/// # Errors
/// [`StoreError`].
pub fn now(connection: &mut DbConnection) -> Result<Option<Timestamp>, StoreError> {
    match connection {
        DbConnection::Postgres(c) => run(diesel::select(utc()).get_result(c)).map(Some),
        DbConnection::Sqlite(_) => Ok(None),
    }
}
