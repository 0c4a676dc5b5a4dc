//! Credentials.

use diesel::{
    dsl::{count_star, max},
    prelude::*,
};

use super::{
    connection::{DbConnection, hold_row, run},
    error::StoreError,
    schema::{credentials, organizations},
};
use crate::domain::{
    clock::Timestamp,
    credential::{Audiences, Credential, CredentialKind, Description, Permission, Revocation, RevocationReason},
    digest::SecretHash,
    ids::{CredentialId, OrganizationId, UserId},
    scope::Scopes,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = credentials)]
pub(super) struct CredentialRow {
    id: CredentialId,
    number: i64,
    organization_id: OrganizationId,
    owner_id: UserId,
    name: String,
    kind: CredentialKind,
    permission: Permission,
    scopes: Option<Scopes>,
    audiences: Option<Audiences>,
    secret_hash: SecretHash,
    created_at: Timestamp,
    created_seq: i64,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    revoked_by: Option<UserId>,
    revoked_reason: Option<RevocationReason>,
    rotated_from: Option<CredentialId>,
    last_used_at: Option<Timestamp>,
    last_used_from: Option<String>,
    rotated_to: Option<CredentialId>,
    rotated_at: Option<Timestamp>,
}

impl From<CredentialRow> for (Credential, Description) {
    fn from(row: CredentialRow) -> Self {
        let revoked = row.revoked_at.map(|at| Revocation {
            at,
            by: row.revoked_by,
            reason: row.revoked_reason.unwrap_or(RevocationReason::Requested),
        });
        let credential = Credential {
            id: row.id,
            number: row.number,
            owner_id: row.owner_id,
            kind: row.kind,
            permission: row.permission,
            scopes: row.scopes,
            audiences: row.audiences,
            secret_hash: row.secret_hash,
            created_at: row.created_at,
            created_seq: row.created_seq,
            expires_at: row.expires_at,
            is_revoked: revoked.is_some(),
            last_used_at: row.last_used_at,
        };
        let rotated_to = row.rotated_to.zip(row.rotated_at);
        let CredentialRow { name, rotated_from, last_used_from, .. } = row;
        (credential, Description { name, revoked, rotated_from, rotated_to, last_used_from })
    }
}

impl CredentialRow {
    fn new(credential: Credential, description: Description, organization_id: OrganizationId) -> Self {
        Self {
            id: credential.id,
            number: credential.number,
            organization_id,
            owner_id: credential.owner_id,
            name: description.name,
            kind: credential.kind,
            permission: credential.permission,
            scopes: credential.scopes,
            audiences: credential.audiences,
            secret_hash: credential.secret_hash,
            created_at: credential.created_at,
            created_seq: credential.created_seq,
            expires_at: credential.expires_at,
            revoked_at: description.revoked.map(|revoked| revoked.at),
            revoked_by: description.revoked.and_then(|revoked| revoked.by),
            revoked_reason: description.revoked.map(|revoked| revoked.reason),
            rotated_from: description.rotated_from,
            last_used_at: credential.last_used_at,
            last_used_from: description.last_used_from,
            rotated_to: description.rotated_to.map(|(to, _)| to),
            rotated_at: description.rotated_to.map(|(_, at)| at),
        }
    }
}

/// Adds a credential of an organization; `by` is the user who made it.
///
/// # Errors
/// [`StoreError::Conflict`] if the owner was never a member of the organization.
pub fn insert(
    connection: &mut DbConnection,
    (credential, description): (Credential, Description),
    organization: OrganizationId,
    by: Option<UserId>,
) -> Result<(), StoreError> {
    let row = CredentialRow::new(credential, description, organization);
    run(diesel::insert_into(credentials::table).values((row, credentials::created_by.eq(by))).execute(connection))
        .map(|_| ())
}

/// The credentials of one organization that were created before a moment and are not revoked, neither alone nor with all
/// others there.
#[derive(Debug, Queryable)]
pub struct LiveBefore {
    /// The organization.
    pub organization: OrganizationId,
    /// The greatest number under which one of them was created.
    pub last: i64,
    /// How many there are.
    pub count: i64,
}

/// What is live of what was created before `before`, for each organization that has some. Looks at every credential, once:
/// with millions of them it takes longer than a statement usually may.
///
/// # Errors
/// [`StoreError`].
pub fn live_before(connection: &mut DbConnection, before: Timestamp) -> Result<Vec<LiveBefore>, StoreError> {
    let rows = credentials::table
        .inner_join(organizations::table)
        .filter(credentials::created_at.lt(before).and(credentials::revoked_at.is_null()))
        .filter(credentials::created_seq.ge(organizations::revoked_seq))
        .group_by(credentials::organization_id)
        .select((credentials::organization_id, max(credentials::created_seq).assume_not_null(), count_star()))
        .load(connection);
    run(rows)
}

/// How many of these credentials the organization has.
///
/// # Errors
/// [`StoreError`].
pub fn count_in(
    connection: &mut DbConnection,
    organization: OrganizationId,
    ids: &[CredentialId],
) -> Result<usize, StoreError> {
    let found = credentials::table
        .filter(credentials::organization_id.eq(organization).and(credentials::id.eq_any(ids)))
        .count();
    let count: i64 = run(found.get_result(connection))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Puts name, permission, scopes, audiences and expiry in place of those that the credential has; says whether it is
/// there still.
///
/// # Errors
/// [`StoreError`].
pub fn edit(connection: &mut DbConnection, edited: &Credential, name: &str) -> Result<bool, StoreError> {
    let changed = diesel::update(credentials::table.find(edited.id))
        .set((
            credentials::name.eq(name),
            credentials::permission.eq(edited.permission),
            credentials::scopes.eq(edited.scopes.as_ref()),
            credentials::audiences.eq(edited.audiences.clone()),
            credentials::expires_at.eq(edited.expires_at),
        ))
        .execute(connection);
    Ok(run(changed)? == 1)
}

/// Puts another secret in place of the one that a credential has.
///
/// # Errors
/// [`StoreError`].
pub fn set_secret(connection: &mut DbConnection, id: CredentialId, hash: SecretHash) -> Result<(), StoreError> {
    run(diesel::update(credentials::table.find(id)).set(credentials::secret_hash.eq(hash)).execute(connection))
        .map(|_| ())
}

/// Holds the credential's row until the transaction ends: what is read of it from here on stays so.
///
/// # Errors
/// [`StoreError`].
pub fn hold(connection: &mut DbConnection, id: CredentialId) -> Result<(), StoreError> {
    hold_row!(connection, credentials::table.find(id).select(credentials::id).for_no_key_update(), CredentialId)
}

/// Gives a credential another name.
///
/// # Errors
/// [`StoreError`].
pub fn rename(connection: &mut DbConnection, id: CredentialId, name: &str) -> Result<(), StoreError> {
    run(diesel::update(credentials::table.find(id)).set(credentials::name.eq(name)).execute(connection)).map(|_| ())
}

/// Revokes a credential; says whether it was not revoked yet.
///
/// # Errors
/// [`StoreError`].
pub fn revoke(connection: &mut DbConnection, id: CredentialId, revocation: Revocation) -> Result<bool, StoreError> {
    let live = credentials::table.find(id).filter(credentials::revoked_at.is_null());
    let changed = diesel::update(live)
        .set((
            credentials::revoked_at.eq(Some(revocation.at)),
            credentials::revoked_by.eq(revocation.by),
            credentials::revoked_reason.eq(Some(revocation.reason)),
        ))
        .execute(connection);
    Ok(run(changed)? == 1)
}

/// Revokes credentials; says which of them were not revoked yet.
///
/// # Errors
/// [`StoreError`].
pub fn revoke_these(
    connection: &mut DbConnection,
    ids: &[CredentialId],
    revocation: Revocation,
) -> Result<Vec<CredentialId>, StoreError> {
    let live = credentials::table.filter(credentials::id.eq_any(ids).and(credentials::revoked_at.is_null()));
    let changed = diesel::update(live)
        .set((
            credentials::revoked_at.eq(Some(revocation.at)),
            credentials::revoked_by.eq(revocation.by),
            credentials::revoked_reason.eq(Some(revocation.reason)),
        ))
        .returning(credentials::id)
        .get_results(connection);
    run(changed)
}
