//! Memberships of users in organizations.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    organizations::OrganizationRow,
    schema::{memberships, organizations},
};
use crate::domain::{
    clock::Timestamp,
    ids::{OrganizationId, UserId},
    membership::{Groups, Membership, Role},
    organization::Organization,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = memberships)]
pub(super) struct MembershipRow {
    organization_id: OrganizationId,
    user_id: UserId,
    role: Role,
    member_groups: Option<Groups>,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
    revoked_seq: i64,
}

impl From<MembershipRow> for Membership {
    fn from(row: MembershipRow) -> Self {
        let MembershipRow { organization_id, user_id, role, member_groups, created_at, ended_at, revoked_seq } = row;
        Self { organization_id, user_id, role, groups: member_groups, created_at, ended_at, revoked_seq }
    }
}

/// Adds a membership.
///
/// # Errors
/// [`StoreError::Conflict`] if there is one.
pub fn insert(connection: &mut DbConnection, membership: Membership) -> Result<(), StoreError> {
    let Membership { organization_id, user_id, role, groups, created_at, ended_at, revoked_seq } = membership;
    let row =
        MembershipRow { organization_id, user_id, role, member_groups: groups, created_at, ended_at, revoked_seq };
    run(diesel::insert_into(memberships::table).values(row).execute(connection)).map(|_| ())
}

/// Ends the memberships in an organization that have not ended.
///
/// # Errors
/// [`StoreError`].
pub fn end_all(connection: &mut DbConnection, organization: OrganizationId, at: Timestamp) -> Result<(), StoreError> {
    let current =
        memberships::table.filter(memberships::organization_id.eq(organization).and(memberships::ended_at.is_null()));
    run(diesel::update(current).set(memberships::ended_at.eq(Some(at))).execute(connection)).map(|_| ())
}

/// The memberships of a user that have not ended, with their organizations; oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn current_of(connection: &mut DbConnection, user: UserId) -> Result<Vec<(Membership, Organization)>, StoreError> {
    let rows = memberships::table
        .inner_join(organizations::table)
        .filter(memberships::user_id.eq(user).and(memberships::ended_at.is_null()))
        .order(organizations::number)
        .select((MembershipRow::as_select(), OrganizationRow::as_select()))
        .load::<(MembershipRow, OrganizationRow)>(connection);
    Ok(run(rows)?.into_iter().map(|(membership, organization)| (membership.into(), organization.into())).collect())
}
