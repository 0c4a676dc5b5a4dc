//! Requests with an `Idempotency-Key`.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::idempotency_keys,
};
use crate::domain::{clock::Timestamp, digest::SecretHash};

/// A request that was carried out.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys)]
pub struct Fulfilled {
    /// The hash of its key with its caller; unique.
    pub key_hash: SecretHash,
    /// The hash of what was asked.
    pub request_hash: SecretHash,
    /// The id of what it created.
    pub created_id: String,
    /// When.
    pub created_at: Timestamp,
}

/// The request with this key.
///
/// # Errors
/// [`StoreError`].
pub fn find(connection: &mut DbConnection, key: &SecretHash) -> Result<Option<Fulfilled>, StoreError> {
    let row = idempotency_keys::table
        .filter(idempotency_keys::key_hash.eq(key))
        .select(Fulfilled::as_select())
        .get_result(connection)
        .optional();
    run(row)
}

/// Notes a request.
///
/// # Errors
/// [`StoreError::Conflict`] if there is one with this key.
pub fn insert(connection: &mut DbConnection, fulfilled: Fulfilled) -> Result<(), StoreError> {
    run(diesel::insert_into(idempotency_keys::table).values(fulfilled).execute(connection)).map(|_| ())
}

/// Forgets a request.
///
/// # Errors
/// [`StoreError`].
pub fn remove(connection: &mut DbConnection, key: &SecretHash) -> Result<(), StoreError> {
    let this = idempotency_keys::table.filter(idempotency_keys::key_hash.eq(key));
    run(diesel::delete(this).execute(connection)).map(|_| ())
}

/// How many are forgotten at once: other writes wait for it.
const PRUNED_AT_ONCE: i64 = 1_000;

/// Forgets the oldest from before `before`. Says whether there may be more.
///
/// # Errors
/// [`StoreError`].
pub fn prune(connection: &mut DbConnection, before: Timestamp) -> Result<bool, StoreError> {
    let old = idempotency_keys::table
        .filter(idempotency_keys::created_at.lt(before))
        .order(idempotency_keys::created_at)
        .limit(PRUNED_AT_ONCE)
        .select(idempotency_keys::key_hash)
        .load::<SecretHash>(connection);
    let old = run(old)?;
    let gone = idempotency_keys::table.filter(idempotency_keys::key_hash.eq_any(&old));
    run(diesel::delete(gone).execute(connection))?;
    Ok(i64::try_from(old.len()).unwrap_or(i64::MAX) == PRUNED_AT_ONCE)
}
