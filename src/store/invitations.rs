//! Invitations.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    organizations::OrganizationRow,
    schema::{invitations, memberships, organizations, users},
};
use crate::domain::{
    clock::Timestamp,
    digest::SecretHash,
    email::Email,
    ids::{InvitationId, OrganizationId, UserId},
    invitation::Invitation,
    membership::{Groups, Role},
    organization::Organization,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations)]
struct InvitationRow {
    id: InvitationId,
    organization_id: OrganizationId,
    email: Email,
    role: Role,
    member_groups: Option<Groups>,
    created_at: Timestamp,
    created_seq: i64,
    created_by: UserId,
    expires_at: Timestamp,
    accepted_at: Option<Timestamp>,
    accepted_by: Option<UserId>,
    withdrawn_at: Option<Timestamp>,
}

impl From<InvitationRow> for Invitation {
    fn from(row: InvitationRow) -> Self {
        Self {
            id: row.id,
            organization_id: row.organization_id,
            email: row.email,
            role: row.role,
            groups: row.member_groups,
            created_at: row.created_at,
            created_seq: row.created_seq,
            created_by: row.created_by,
            expires_at: row.expires_at,
            accepted_at: row.accepted_at,
            accepted_by: row.accepted_by,
            withdrawn_at: row.withdrawn_at,
        }
    }
}

impl From<Invitation> for InvitationRow {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            organization_id: invitation.organization_id,
            email: invitation.email,
            role: invitation.role,
            member_groups: invitation.groups,
            created_at: invitation.created_at,
            created_seq: invitation.created_seq,
            created_by: invitation.created_by,
            expires_at: invitation.expires_at,
            accepted_at: invitation.accepted_at,
            accepted_by: invitation.accepted_by,
            withdrawn_at: invitation.withdrawn_at,
        }
    }
}

/// Adds an invitation; `secret` is what the presented secret must hash to.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &mut DbConnection, invitation: Invitation, secret: SecretHash) -> Result<(), StoreError> {
    let values = (InvitationRow::from(invitation), invitations::secret_hash.eq(secret));
    run(diesel::insert_into(invitations::table).values(values).execute(connection)).map(|_| ())
}

/// Invitations joined with their organization, with the inviter and with the inviter's membership there.
#[diesel::dsl::auto_type]
fn joined() -> _ {
    invitations::table
        .inner_join(organizations::table)
        .inner_join(users::table.on(users::id.eq(invitations::created_by)))
        .left_join(
            memberships::table.on(memberships::organization_id
                .eq(invitations::organization_id)
                .and(memberships::user_id.eq(invitations::created_by))),
        )
}

/// When the inviter was disabled; when the inviter's membership ended, and the role in it.
type InviterColumns = (Option<Timestamp>, Option<(Option<Timestamp>, Role)>);

/// The columns of [`InviterColumns`].
macro_rules! inviter_columns {
    () => {
        (users::disabled_at, (memberships::ended_at, memberships::role).nullable())
    };
}

/// The role that an inviter has now; `None` for one who is disabled or no member any more.
fn inviter((disabled_at, membership): InviterColumns) -> Option<Role> {
    membership.filter(|(ended_at, _)| disabled_at.is_none() && ended_at.is_none()).map(|(_, role)| role)
}

/// The invitation with this secret, whereto, and the role that the inviter has there now.
///
/// # Errors
/// [`StoreError`].
pub fn by_secret(
    connection: &mut DbConnection,
    secret: &SecretHash,
) -> Result<Option<(Invitation, Organization, Option<Role>)>, StoreError> {
    let row = joined()
        .filter(invitations::secret_hash.eq(secret))
        .select((InvitationRow::as_select(), OrganizationRow::as_select(), inviter_columns!()))
        .get_result::<(InvitationRow, OrganizationRow, InviterColumns)>(connection)
        .optional();
    Ok(run(row)?.map(|(invitation, organization, by)| (invitation.into(), organization.into(), inviter(by))))
}

/// The invitation with this id into this organization, and the role that the inviter has there now.
///
/// # Errors
/// [`StoreError`].
pub fn by_id(
    connection: &mut DbConnection,
    organization: OrganizationId,
    id: InvitationId,
) -> Result<Option<(Invitation, Option<Role>)>, StoreError> {
    let row = joined()
        .filter(invitations::id.eq(id).and(invitations::organization_id.eq(organization)))
        .select((InvitationRow::as_select(), inviter_columns!()))
        .get_result::<(InvitationRow, InviterColumns)>(connection)
        .optional();
    Ok(run(row)?.map(|(invitation, by)| (invitation.into(), inviter(by))))
}

/// Up to `limit` of the invitations into an organization that were made under a number below `before`, newest first, each
/// with the role that its inviter has there now.
///
/// # Errors
/// [`StoreError`].
pub fn page(
    connection: &mut DbConnection,
    organization: OrganizationId,
    (before, limit): (i64, i64),
) -> Result<Vec<(Invitation, Option<Role>)>, StoreError> {
    let rows = joined()
        .filter(invitations::organization_id.eq(organization).and(invitations::created_seq.lt(before)))
        .order(invitations::created_seq.desc())
        .limit(limit)
        .select((InvitationRow::as_select(), inviter_columns!()))
        .load::<(InvitationRow, InviterColumns)>(connection);
    Ok(run(rows)?.into_iter().map(|(invitation, by)| (invitation.into(), inviter(by))).collect())
}

/// Puts another secret in place of the one that an invitation has.
///
/// # Errors
/// [`StoreError`].
pub fn set_secret(connection: &mut DbConnection, id: InvitationId, secret: SecretHash) -> Result<(), StoreError> {
    run(diesel::update(invitations::table.find(id)).set(invitations::secret_hash.eq(secret)).execute(connection))
        .map(|_| ())
}

/// Notes that it was accepted.
///
/// # Errors
/// [`StoreError`].
pub fn accept(connection: &mut DbConnection, id: InvitationId, by: UserId, at: Timestamp) -> Result<(), StoreError> {
    let changed = diesel::update(invitations::table.find(id))
        .set((invitations::accepted_at.eq(Some(at)), invitations::accepted_by.eq(Some(by))))
        .execute(connection);
    run(changed).map(|_| ())
}

/// Notes that it was taken back.
///
/// # Errors
/// [`StoreError`].
pub fn withdraw(connection: &mut DbConnection, id: InvitationId, at: Timestamp) -> Result<(), StoreError> {
    run(diesel::update(invitations::table.find(id)).set(invitations::withdrawn_at.eq(Some(at))).execute(connection))
        .map(|_| ())
}
