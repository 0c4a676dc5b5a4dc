//! Credentials that nobody has used for long: found in ranges of their numbers, so that looking costs little at a time.

use std::ops::RangeInclusive;

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::credentials,
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
