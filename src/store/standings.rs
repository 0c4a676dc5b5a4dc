//! Credentials with everything that a verdict goes by, read in one statement.

use std::sync::Arc;

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    credentials::CredentialRow,
    error::StoreError,
    memberships::MembershipRow,
    organizations::OrganizationRow,
    schema::{credentials, memberships, organizations, users},
    users::UserRow,
};
use crate::domain::{
    clock::Timestamp,
    credential::LookupKey,
    digest::SecretHash,
    ids::{CredentialId, OrganizationId, UserId},
    standing::Standing,
};

type Row = (CredentialRow, UserRow, Option<MembershipRow>, OrganizationRow);

fn standing((credential, owner, membership, organization): Row) -> Standing {
    Standing {
        credential: credential.into(),
        owner: owner.into(),
        membership: membership.map(Into::into),
        organization: Arc::new(organization.into()),
    }
}

/// Credentials joined with owner, membership and organization.
#[diesel::dsl::auto_type]
fn joined() -> _ {
    credentials::table.inner_join(users::table).inner_join(organizations::table).left_join(
        memberships::table.on(memberships::organization_id
            .eq(credentials::organization_id)
            .and(memberships::user_id.eq(credentials::owner_id))),
    )
}

macro_rules! columns {
    () => {
        (
            CredentialRow::as_select(),
            UserRow::as_select(),
            Option::<MembershipRow>::as_select(),
            OrganizationRow::as_select(),
        )
    };
}

/// The standing of the credential that `key` finds. A unique key and no LIMIT: SQLite would plan the statement anew
/// each time for a bound one.
///
/// # Errors
/// [`StoreError`].
pub fn by_key(connection: &mut DbConnection, key: LookupKey) -> Result<Option<Standing>, StoreError> {
    let row = match key {
        LookupKey::Id(id) => joined().filter(credentials::id.eq(id)).select(columns!()).get_result::<Row>(connection),
        LookupKey::Hash(hash) => joined()
            .filter(credentials::secret_hash.eq(SecretHash::from_bytes(hash)))
            .select(columns!())
            .get_result::<Row>(connection),
    };
    Ok(run(row.optional())?.map(standing))
}

/// The standing of the credential with this id.
///
/// # Errors
/// [`StoreError`].
pub fn by_id(connection: &mut DbConnection, id: CredentialId) -> Result<Option<Standing>, StoreError> {
    by_key(connection, LookupKey::Id(id))
}

/// The standings of a user's credentials in one organization that are neither revoked nor, by their own expiry, over
/// at `now`. Some more may be dead: that is for the verdict to say.
///
/// # Errors
/// [`StoreError`].
pub fn perhaps_active_of(
    connection: &mut DbConnection,
    organization: OrganizationId,
    owner: UserId,
    now: Timestamp,
) -> Result<Vec<Standing>, StoreError> {
    let rows = joined()
        .filter(credentials::owner_id.eq(owner).and(credentials::organization_id.eq(organization)))
        .filter(credentials::revoked_at.is_null())
        .filter(credentials::expires_at.is_null().or(credentials::expires_at.gt(Some(now))))
        .select(columns!())
        .load::<Row>(connection);
    Ok(run(rows)?.into_iter().map(standing).collect())
}

/// A page of a user's credentials in one organization, newest first: `limit` of those with a number below `before`.
///
/// # Errors
/// [`StoreError`].
pub fn page_of(
    connection: &mut DbConnection,
    organization: OrganizationId,
    owner: UserId,
    before: i64,
    limit: i64,
) -> Result<Vec<Standing>, StoreError> {
    let rows = joined()
        .filter(credentials::owner_id.eq(owner).and(credentials::organization_id.eq(organization)))
        .filter(credentials::number.lt(before))
        .order(credentials::number.desc())
        .limit(limit)
        .select(columns!())
        .load::<Row>(connection);
    Ok(run(rows)?.into_iter().map(standing).collect())
}

/// The standings of the credentials with a number in `from..to`, for a status list.
///
/// # Errors
/// [`StoreError`].
pub fn numbered(connection: &mut DbConnection, from: i64, to: i64) -> Result<Vec<Standing>, StoreError> {
    let rows = joined()
        .filter(credentials::number.ge(from).and(credentials::number.lt(to)))
        .select(columns!())
        .load::<Row>(connection);
    Ok(run(rows)?.into_iter().map(standing).collect())
}
