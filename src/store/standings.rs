//! Credentials with everything that a verdict goes by, read in one statement; for those who manage them, with all else.

use std::{ops::RangeInclusive, sync::Arc};

use diesel::prelude::*;

use super::{
    connection::{DbConnection, on_backend, run},
    credentials::CredentialRow,
    error::StoreError,
    memberships::MembershipRow,
    organizations::{OrganizationRow, Organizations, UnreadOrganization},
    schema::{credentials, memberships, organizations, users},
    users::UserRow,
};
use crate::domain::{
    clock::Timestamp,
    credential::{Audiences, Credential, CredentialKind, LookupKey, Permission},
    digest::SecretHash,
    ids::{CredentialId, OrganizationId, UserId},
    membership::{Groups, Membership, Role, User, UserKind},
    organization::Organization,
    scope::Scopes,
    standing::{Owner, Record, Standing},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = credentials)]
struct JudgedCredential {
    id: CredentialId,
    number: i64,
    owner_id: UserId,
    kind: CredentialKind,
    permission: Permission,
    scopes: Option<Scopes>,
    audiences: Option<Audiences>,
    secret_hash: SecretHash,
    created_at: Timestamp,
    created_seq: i64,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

/// See [`Owner::from_parts`].
type JudgedUser = (Option<Timestamp>, i64, UserKind);
type JudgedMembership = (Option<Timestamp>, i64, Option<Groups>, Role);
type JudgedRow<O> = (JudgedCredential, JudgedUser, Option<JudgedMembership>, O);
type SucceededRow = (JudgedCredential, JudgedUser, Option<JudgedMembership>, UnreadOrganization, Option<CredentialId>);

fn standing((credential, user, membership, organization): JudgedRow<Arc<Organization>>) -> Standing {
    Standing {
        credential: Credential {
            id: credential.id,
            number: credential.number,
            owner_id: credential.owner_id,
            kind: credential.kind,
            permission: credential.permission,
            scopes: credential.scopes,
            audiences: credential.audiences,
            secret_hash: credential.secret_hash,
            created_at: credential.created_at,
            created_seq: credential.created_seq,
            expires_at: credential.expires_at,
            is_revoked: credential.revoked_at.is_some(),
            last_used_at: credential.last_used_at,
        },
        owner: Owner::from_parts(user, membership),
        organization,
    }
}

fn standings(rows: Vec<JudgedRow<UnreadOrganization>>) -> Result<Vec<Standing>, StoreError> {
    let mut organizations = Organizations::default();
    let read = |(credential, user, membership, organization)| {
        Ok(standing((credential, user, membership, organizations.read(organization)?)))
    };
    rows.into_iter().map(read).collect()
}

type RecordRow = (CredentialRow, UserRow, Option<MembershipRow>, OrganizationRow);

/// What the rows say together.
pub(super) fn record(
    credential: CredentialRow,
    owner: UserRow,
    membership: Option<MembershipRow>,
    organization: Arc<Organization>,
) -> Record {
    let (credential, description) = credential.into();
    let (owner, membership) = (User::from(owner), membership.map(Membership::from));
    let judged = Owner::new(&owner, membership.as_ref());
    let standing = Standing { credential, owner: judged, organization };
    Record { standing, description, owner, membership }
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

/// The columns of a [`JudgedRow`], and perhaps more after them.
macro_rules! judged {
    ($organization:ty $(, $more:expr)?) => {
        (
            JudgedCredential::as_select(),
            (users::disabled_at, users::revoked_seq, users::kind),
            (memberships::ended_at, memberships::revoked_seq, memberships::member_groups, memberships::role).nullable(),
            <$organization>::as_select(),
            $($more,)?
        )
    };
}

/// The columns of a [`RecordRow`].
macro_rules! all {
    () => {
        (
            CredentialRow::as_select(),
            UserRow::as_select(),
            Option::<MembershipRow>::as_select(),
            OrganizationRow::as_select(),
        )
    };
}

/// Runs `$query` with the filter that finds the one credential of `$key`. A unique key and no LIMIT: SQLite would plan
/// the statement anew each time for a bound one.
macro_rules! get {
    ($connection:expr, $key:expr, $columns:expr) => {
        match $key {
            LookupKey::Id(id) => joined().filter(credentials::id.eq(id)).select($columns).get_result($connection),
            LookupKey::Hash(hash) => joined()
                .filter(credentials::secret_hash.eq(SecretHash::from_bytes(hash)))
                .select($columns)
                .get_result($connection),
        }
        .optional()
    };
}

/// The standing of the credential that `key` finds.
///
/// # Errors
/// [`StoreError`].
pub fn by_key(connection: &mut DbConnection, key: LookupKey) -> Result<Option<Standing>, StoreError> {
    // On the connection itself: the derived one would put the statement's text together at each call.
    let row: QueryResult<Option<JudgedRow<OrganizationRow>>> =
        on_backend!(connection, |c| get!(c, key, judged!(OrganizationRow)));
    Ok(run(row)?.map(|(credential, user, membership, organization)| {
        standing((credential, user, membership, Arc::new(organization.into())))
    }))
}

/// The record of the credential that `key` finds.
///
/// # Errors
/// [`StoreError`].
pub fn record_by_key(connection: &mut DbConnection, key: LookupKey) -> Result<Option<Record>, StoreError> {
    let row: Option<RecordRow> = run(get!(connection, key, all!()))?;
    Ok(row.map(|(credential, owner, membership, organization)| {
        record(credential, owner, membership, Arc::new(organization.into()))
    }))
}

/// The record of the credential with this id.
///
/// # Errors
/// [`StoreError`].
pub fn record_by_id(connection: &mut DbConnection, id: CredentialId) -> Result<Option<Record>, StoreError> {
    record_by_key(connection, LookupKey::Id(id))
}

/// A user's credentials in one organization.
#[derive(Clone, Copy, Debug)]
pub struct OwnedIn {
    /// The organization.
    pub organization: OrganizationId,
    /// The user.
    pub owner: UserId,
    /// Those created under a smaller number of the change log are revoked.
    pub bulk_seq: i64,
}

/// Neither revoked nor, by their own expiry, over at `$now`. Some more may be dead: that is for the verdict to say.
macro_rules! perhaps_active {
    ($owned:expr, $now:expr) => {
        credentials::owner_id
            .eq($owned.owner)
            .and(credentials::organization_id.eq($owned.organization))
            .and(credentials::revoked_at.is_null())
            .and(credentials::created_seq.ge($owned.bulk_seq))
            .and(credentials::expires_at.is_null().or(credentials::expires_at.gt(Some($now))))
    };
}

/// How many of these credentials may be active at `now`.
///
/// # Errors
/// [`StoreError`].
pub fn count_perhaps_active(
    connection: &mut DbConnection,
    owned: OwnedIn,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let count: i64 = run(credentials::table.filter(perhaps_active!(owned, now)).count().get_result(connection))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// The standings of those of these credentials that may be active at `now`, each with its successor if it was rotated.
///
/// # Errors
/// [`StoreError`].
pub fn perhaps_active(
    connection: &mut DbConnection,
    owned: OwnedIn,
    now: Timestamp,
) -> Result<Vec<(Standing, Option<CredentialId>)>, StoreError> {
    let rows = joined()
        .filter(perhaps_active!(owned, now))
        .select(judged!(UnreadOrganization, credentials::rotated_to))
        .load(connection);
    let apart = |(credential, user, membership, organization, successor): SucceededRow| {
        ((credential, user, membership, organization), successor)
    };
    let (rows, successors): (Vec<_>, Vec<_>) = run(rows)?.into_iter().map(apart).unzip();
    Ok(standings(rows)?.into_iter().zip(successors).collect())
}

/// The standings of the credentials with a number in `from..to`, for a status list.
///
/// # Errors
/// [`StoreError`].
pub fn numbered(connection: &mut DbConnection, from: i64, to: i64) -> Result<Vec<Standing>, StoreError> {
    let rows = joined()
        .filter(credentials::number.ge(from).and(credentials::number.lt(to)))
        .select(judged!(UnreadOrganization))
        .load(connection);
    standings(run(rows)?)
}

/// Whether there is a credential with a number in `from..to`.
///
/// # Errors
/// [`StoreError`].
pub fn is_any_numbered(connection: &mut DbConnection, from: i64, to: i64) -> Result<bool, StoreError> {
    let some = credentials::table.filter(credentials::number.ge(from).and(credentials::number.lt(to)));
    run(diesel::select(diesel::dsl::exists(some.select(credentials::id))).get_result(connection))
}

/// The standings of the credentials with a number in `numbers` that are not revoked and were neither used nor made at
/// `since` or later; oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn unused(
    connection: &mut DbConnection,
    numbers: RangeInclusive<i64>,
    since: Timestamp,
) -> Result<Vec<Standing>, StoreError> {
    let rows = joined()
        .filter(credentials::number.between(*numbers.start(), *numbers.end()))
        .filter(credentials::revoked_at.is_null().and(credentials::created_at.lt(since)))
        .filter(credentials::last_used_at.is_null().or(credentials::last_used_at.lt(Some(since))))
        .order(credentials::number)
        .select(judged!(UnreadOrganization))
        .load(connection);
    standings(run(rows)?)
}
