//! Memberships of users in organizations.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, MultiBackend, run},
    error::StoreError,
    organizations::OrganizationRow,
    schema::{memberships, organizations, users},
    users::UserRow,
};
use crate::domain::{
    clock::Timestamp,
    ids::{OrganizationId, UserId},
    membership::{Groups, Membership, Role, User, UserKind},
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

/// Which members of an organization a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// Only those who are this.
    pub role: Option<Role>,
    /// Only people, or only service accounts.
    pub kind: Option<UserKind>,
    /// Only those who are members now, or only those who were.
    pub is_current: Option<bool>,
}

/// The membership of a user in an organization, ended or not.
///
/// # Errors
/// [`StoreError`].
pub fn of(
    connection: &mut DbConnection,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<(Membership, User)>, StoreError> {
    let row = memberships::table
        .inner_join(users::table)
        .filter(memberships::organization_id.eq(organization).and(memberships::user_id.eq(user)))
        .select((MembershipRow::as_select(), UserRow::as_select()))
        .get_result::<(MembershipRow, UserRow)>(connection)
        .optional();
    Ok(run(row)?.map(|(membership, user)| (membership.into(), user.into())))
}

/// Up to `limit` of the members of an organization whose user number is below `before`, newest users first.
///
/// # Errors
/// [`StoreError`].
pub fn page(
    connection: &mut DbConnection,
    organization: OrganizationId,
    filter: MemberFilter,
    (before, limit): (i64, i64),
) -> Result<Vec<(Membership, User)>, StoreError> {
    let mut query = memberships::table
        .inner_join(users::table)
        .filter(memberships::organization_id.eq(organization).and(users::number.lt(before)))
        .order(users::number.desc())
        .limit(limit)
        .select((MembershipRow::as_select(), UserRow::as_select()))
        .into_boxed::<MultiBackend>();
    if let Some(role) = filter.role {
        query = query.filter(memberships::role.eq(role));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(users::kind.eq(kind));
    }
    match filter.is_current {
        Some(true) => query = query.filter(memberships::ended_at.is_null()),
        Some(false) => query = query.filter(memberships::ended_at.is_not_null()),
        None => {}
    }
    let rows = run(query.load::<(MembershipRow, UserRow)>(connection))?;
    Ok(rows.into_iter().map(|(membership, user)| (membership.into(), user.into())).collect())
}

/// How many owners the organization has besides this user, who can sign in.
///
/// # Errors
/// [`StoreError`].
pub fn other_owners(
    connection: &mut DbConnection,
    organization: OrganizationId,
    user: UserId,
) -> Result<i64, StoreError> {
    let others = memberships::table
        .inner_join(users::table)
        .filter(memberships::organization_id.eq(organization).and(memberships::user_id.ne(user)))
        .filter(memberships::role.eq(Role::Owner).and(memberships::ended_at.is_null()))
        .filter(users::disabled_at.is_null());
    run(others.count().get_result(connection))
}

/// Puts role, groups and end in place of those that a membership has.
///
/// # Errors
/// [`StoreError`].
pub fn edit(connection: &mut DbConnection, edited: &Membership) -> Result<(), StoreError> {
    let changed = diesel::update(memberships::table.find((edited.organization_id, edited.user_id)))
        .set((
            memberships::role.eq(edited.role),
            memberships::member_groups.eq(edited.groups.clone()),
            memberships::ended_at.eq(edited.ended_at),
        ))
        .execute(connection);
    run(changed).map(|_| ())
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

/// Whether the user is or was a member of the organization.
///
/// # Errors
/// [`StoreError`].
pub fn is_known(connection: &mut DbConnection, organization: OrganizationId, user: UserId) -> Result<bool, StoreError> {
    let row = memberships::table.find((organization, user)).select(memberships::user_id);
    run(diesel::select(diesel::dsl::exists(row)).get_result(connection))
}

/// Revokes all credentials of a member that were created up to the number `last`. What was revoked so before stays so.
///
/// # Errors
/// [`StoreError`].
pub fn revoke_up_to(
    connection: &mut DbConnection,
    member: (OrganizationId, UserId),
    last: i64,
) -> Result<(), StoreError> {
    // Revoked is what was created under a smaller number.
    let bulk = last + 1;
    let behind = memberships::table.find(member).filter(memberships::revoked_seq.lt(bulk));
    run(diesel::update(behind).set(memberships::revoked_seq.eq(bulk)).execute(connection)).map(|_| ())
}
