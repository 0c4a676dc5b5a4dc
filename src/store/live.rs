//! Counts the credentials that a bulk revocation would end, batch by batch: an organization may have millions.

use diesel::{
    dsl::{count_star, max},
    prelude::*,
};

use super::{
    connection::{DbConnection, MultiBackend, run},
    error::StoreError,
    schema::{credentials, memberships, organizations, users},
};
use crate::domain::{
    clock::Timestamp,
    ids::{OrganizationId, UserId},
};

/// The most credentials that one batch looks at: some milliseconds on both databases. Few in tests, which have few.
const BATCH: i64 = if cfg!(test) { 3 } else { 2_000 };

/// Which credentials a bulk revocation means.
#[derive(Clone, Copy, Debug)]
pub struct BulkScope {
    /// Where they count.
    pub organization: OrganizationId,
    /// Whose they are; `None` = everybody's.
    pub owner: Option<UserId>,
    /// Before which moment they were created; `None` = whenever.
    pub before: Option<Timestamp>,
}

/// The live credentials among those looked at so far: revoked neither alone nor with others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Live {
    /// How many there are.
    pub count: usize,
    /// The greatest number of the change log under which one of them was created.
    pub last_seq: Option<i64>,
    /// The number of the last credential that was looked at.
    pub upto: i64,
    /// Whether there may be more behind it.
    pub has_more: bool,
}

impl Live {
    /// These, and those of the batch behind them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn with_next_batch(self, connection: &mut DbConnection, scope: BulkScope) -> Result<Self, StoreError> {
        let (upto, has_more) = end_of_batch(connection, scope, self.upto)?;
        let (count, last_seq) = counted(connection, scope, self.upto, upto)?;
        let count = self.count + usize::try_from(count).unwrap_or_default();
        Ok(Self { count, last_seq: self.last_seq.max(last_seq), upto, has_more })
    }
}

/// The number of the last credential in the batch after `after`, and whether the batch is full.
fn end_of_batch(connection: &mut DbConnection, scope: BulkScope, after: i64) -> Result<(i64, bool), StoreError> {
    let numbers = || {
        let BulkScope { organization, owner, .. } = scope;
        let query = credentials::table
            // Not `=`: PostgreSQL would then go through the numbers of all organizations.
            .filter(credentials::organization_id.between(organization, organization))
            .filter(credentials::number.gt(after))
            .select(credentials::number)
            .into_boxed::<MultiBackend>();
        match owner {
            Some(owner) => query.filter(credentials::owner_id.eq(owner)),
            None => query,
        }
    };
    let full = numbers()
        .order((credentials::organization_id, credentials::number))
        .offset(BATCH - 1)
        .first::<i64>(connection)
        .optional();
    if let Some(last) = run(full)? {
        return Ok((last, true));
    }
    let newest = numbers()
        .order((credentials::organization_id.desc(), credentials::number.desc()))
        .first::<i64>(connection)
        .optional();
    Ok((run(newest)?.unwrap_or(after), false))
}

/// How many with a number above `after`, up to `upto`, are live, and the greatest number under which one was created.
fn counted(
    connection: &mut DbConnection,
    scope: BulkScope,
    after: i64,
    upto: i64,
) -> Result<(i64, Option<i64>), StoreError> {
    let membership = memberships::organization_id
        .eq(credentials::organization_id)
        .and(memberships::user_id.eq(credentials::owner_id));
    let mut query = credentials::table
        .inner_join(organizations::table)
        .inner_join(users::table)
        .inner_join(memberships::table.on(membership))
        .filter(credentials::organization_id.eq(scope.organization).and(credentials::revoked_at.is_null()))
        .filter(credentials::number.gt(after).and(credentials::number.le(upto)))
        .filter(credentials::created_seq.ge(organizations::revoked_seq))
        .filter(credentials::created_seq.ge(users::revoked_seq))
        .filter(credentials::created_seq.ge(memberships::revoked_seq))
        .select((count_star(), max(credentials::created_seq)))
        .into_boxed::<MultiBackend>();
    if let Some(owner) = scope.owner {
        query = query.filter(credentials::owner_id.eq(owner));
    }
    if let Some(before) = scope.before {
        query = query.filter(credentials::created_at.lt(before));
    }
    run(query.get_result(connection))
}
