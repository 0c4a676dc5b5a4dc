//! Credentials that nobody has used for long: found in ranges of their numbers, so that looking costs little at a time.

use std::ops::RangeInclusive;

use diesel::prelude::*;

use super::{
    addresses,
    connection::{DbConnection, run},
    error::StoreError,
    refusals,
    schema::{credentials, usage_counts},
};
use crate::domain::{
    clock::Timestamp,
    credential::RevocationReason,
    ids::{CredentialId, OrganizationId},
};

/// A credential that can be removed.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Over {
    /// Which.
    pub id: CredentialId,
    /// Its number.
    pub number: i64,
    /// Where it counted.
    pub organization_id: OrganizationId,
}

/// Up to `limit` of those with a number in `numbers` that were revoked as stale before `before`; oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn over(
    connection: &mut DbConnection,
    numbers: RangeInclusive<i64>,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Over>, StoreError> {
    let rows = credentials::table
        .filter(credentials::number.between(*numbers.start(), *numbers.end()))
        .filter(credentials::revoked_reason.eq(Some(RevocationReason::Stale)))
        .filter(credentials::revoked_at.lt(Some(before)))
        .order(credentials::number)
        .limit(limit)
        .select((credentials::id, credentials::number, credentials::organization_id))
        .load(connection);
    run(rows)
}

/// Removes a credential with all that is kept of its use. What replaced it says no longer what it came from.
///
/// # Errors
/// [`StoreError`].
pub fn remove(connection: &mut DbConnection, id: CredentialId) -> Result<(), StoreError> {
    let successors = credentials::table.filter(credentials::rotated_from.eq(Some(id)));
    let none: Option<CredentialId> = None;
    run(diesel::update(successors).set(credentials::rotated_from.eq(none)).execute(connection))?;
    run(diesel::delete(usage_counts::table.filter(usage_counts::credential_id.eq(id))).execute(connection))?;
    refusals::remove(connection, id)?;
    addresses::remove(connection, id)?;
    run(diesel::delete(credentials::table.find(id)).execute(connection)).map(|_| ())
}
