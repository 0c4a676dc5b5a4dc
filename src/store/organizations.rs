//! Organizations and their policy.

mod unread;

use diesel::prelude::*;

pub(super) use self::unread::{Organizations, UnreadOrganization};
use super::{
    connection::{DbConnection, hold_row, run},
    error::StoreError,
    schema::organizations,
};
use crate::domain::{
    clock::Timestamp,
    ids::OrganizationId,
    organization::{self, Organization},
    policy::Policy,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = organizations)]
pub(super) struct OrganizationRow {
    id: OrganizationId,
    number: i64,
    slug: String,
    name: String,
    policy: Policy,
    policy_seq: i64,
    revoked_seq: i64,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl From<OrganizationRow> for Organization {
    fn from(row: OrganizationRow) -> Self {
        let OrganizationRow { id, number, slug, name, policy, policy_seq, revoked_seq, created_at, ended_at } = row;
        Self { id, number, slug, name, policy, policy_seq, revoked_seq, created_at, ended_at }
    }
}

/// Adds an organization.
///
/// # Errors
/// [`StoreError::Conflict`] if the slug is taken.
pub fn insert(connection: &mut DbConnection, organization: Organization) -> Result<(), StoreError> {
    let Organization { id, number, slug, name, policy, policy_seq, revoked_seq, created_at, ended_at } = organization;
    let row = OrganizationRow { id, number, slug, name, policy, policy_seq, revoked_seq, created_at, ended_at };
    run(diesel::insert_into(organizations::table).values(row).execute(connection)).map(|_| ())
}

/// The organization with this id or slug, ended or not.
///
/// # Errors
/// [`StoreError`].
pub fn by_name(connection: &mut DbConnection, name: &str) -> Result<Option<Organization>, StoreError> {
    let columns = OrganizationRow::as_select();
    let row: QueryResult<OrganizationRow> = match name.parse::<OrganizationId>() {
        Ok(id) => organizations::table.find(id).select(columns).get_result(connection),
        // PostgreSQL refuses a text with a NUL in it.
        Err(_) if !organization::is_slug(name) => return Ok(None),
        Err(_) => organizations::table.filter(organizations::slug.eq(name)).select(columns).get_result(connection),
    };
    Ok(run(row.optional())?.map(Organization::from))
}

/// Up to `limit` of the organizations with a number below `before`, newest first; ended ones too.
///
/// # Errors
/// [`StoreError`].
pub fn page(connection: &mut DbConnection, before: i64, limit: i64) -> Result<Vec<Organization>, StoreError> {
    let rows = organizations::table
        .filter(organizations::number.lt(before))
        .order(organizations::number.desc())
        .limit(limit)
        .select(OrganizationRow::as_select())
        .load(connection);
    Ok(run(rows)?.into_iter().map(Organization::from).collect())
}

/// Holds the organization's row until the transaction ends: what is read of it from here on stays so.
///
/// # Errors
/// [`StoreError`].
pub fn hold(connection: &mut DbConnection, id: OrganizationId) -> Result<(), StoreError> {
    let row = organizations::table.find(id).select(organizations::id).for_no_key_update();
    hold_row!(connection, row, OrganizationId)
}

/// Gives it another name.
///
/// # Errors
/// [`StoreError`].
pub fn rename(connection: &mut DbConnection, id: OrganizationId, name: &str) -> Result<(), StoreError> {
    run(diesel::update(organizations::table.find(id)).set(organizations::name.eq(name)).execute(connection)).map(|_| ())
}

/// Notes that it has ended.
///
/// # Errors
/// [`StoreError`].
pub fn end(connection: &mut DbConnection, id: OrganizationId, at: Timestamp) -> Result<(), StoreError> {
    run(diesel::update(organizations::table.find(id)).set(organizations::ended_at.eq(Some(at))).execute(connection))
        .map(|_| ())
}

/// Sets the policy; `seq` is its new version.
///
/// # Errors
/// [`StoreError`].
pub fn set_policy(
    connection: &mut DbConnection,
    id: OrganizationId,
    policy: &Policy,
    seq: i64,
) -> Result<(), StoreError> {
    run(diesel::update(organizations::table.find(id))
        .set((organizations::policy.eq(policy), organizations::policy_seq.eq(seq)))
        .execute(connection))
    .map(|_| ())
}

/// Revokes all credentials of an organization that were created up to the number `last`. What was revoked so before stays
/// so.
///
/// # Errors
/// [`StoreError`].
pub fn revoke_up_to(connection: &mut DbConnection, id: OrganizationId, last: i64) -> Result<(), StoreError> {
    // Revoked is what was created under a smaller number.
    let bulk = last + 1;
    let behind = organizations::table.find(id).filter(organizations::revoked_seq.lt(bulk));
    run(diesel::update(behind).set(organizations::revoked_seq.eq(bulk)).execute(connection)).map(|_| ())
}
