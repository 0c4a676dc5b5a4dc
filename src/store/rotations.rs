//! Credentials that replace others.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::credentials,
};
use crate::domain::{clock::Timestamp, ids::CredentialId};

/// How a credential is replaced.
#[derive(Clone, Copy, Debug)]
pub struct Replacement {
    /// The one that is replaced.
    pub old: CredentialId,
    /// When that one ends, by its own expiry.
    pub old_expires_at: Option<Timestamp>,
    /// The one that replaces it; there already.
    pub new: CredentialId,
    /// When.
    pub at: Timestamp,
    /// Whether the old one ends once the new one has been used.
    pub ends_on_use: bool,
}

/// Notes a replacement.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &mut DbConnection, replacement: Replacement) -> Result<(), StoreError> {
    let Replacement { old, old_expires_at, new, at, ends_on_use } = replacement;
    let replaced = diesel::update(credentials::table.find(old))
        .set((
            credentials::rotated_to.eq(Some(new)),
            credentials::rotated_at.eq(Some(at)),
            credentials::expires_at.eq(old_expires_at),
        ))
        .execute(connection);
    run(replaced)?;
    if ends_on_use {
        set_ends_on_use(connection, new, Some(old))?;
    }
    Ok(())
}

/// Up to `limit` credentials from before `before` that have been used and whose predecessors end by that: (new, old).
///
/// # Errors
/// [`StoreError`].
pub fn used(
    connection: &mut DbConnection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(CredentialId, CredentialId)>, StoreError> {
    let used = credentials::table
        .filter(credentials::ends_on_use.is_not_null().and(credentials::last_used_at.is_not_null()))
        .filter(credentials::created_at.le(before))
        .limit(limit)
        .select((credentials::id, credentials::ends_on_use.assume_not_null()));
    run(used.load(connection))
}

/// Notes that the predecessor of `new` has ended.
///
/// # Errors
/// [`StoreError`].
pub fn finish(connection: &mut DbConnection, new: CredentialId) -> Result<(), StoreError> {
    set_ends_on_use(connection, new, None)
}

fn set_ends_on_use(
    connection: &mut DbConnection,
    new: CredentialId,
    old: Option<CredentialId>,
) -> Result<(), StoreError> {
    let changed =
        diesel::update(credentials::table.find(new)).set(credentials::ends_on_use.eq(old)).execute(connection);
    run(changed).map(|_| ())
}
