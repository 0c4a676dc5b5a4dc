//! Sessions of people who signed in.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::{sessions, users},
    users::UserRow,
};
use crate::domain::{
    clock::Timestamp,
    digest::SecretHash,
    ids::{SessionId, UserId},
    membership::User,
};

/// A session, without its secret.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// What the presented secret must hash to.
    pub secret_hash: SecretHash,
    /// Who signed in.
    pub user_id: UserId,
    /// When.
    pub created_at: Timestamp,
    /// The last request seen, to the minute.
    pub last_seen_at: Timestamp,
}

/// Adds a session.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &mut DbConnection, session: Session) -> Result<(), StoreError> {
    run(diesel::insert_into(sessions::table).values(session).execute(connection)).map(|_| ())
}

/// The session with this secret, and whose it is.
///
/// # Errors
/// [`StoreError`].
pub fn by_secret(connection: &mut DbConnection, hash: &SecretHash) -> Result<Option<(Session, User)>, StoreError> {
    let row = sessions::table
        .inner_join(users::table)
        .filter(sessions::secret_hash.eq(hash))
        .select((Session::as_select(), UserRow::as_select()))
        .get_result::<(Session, UserRow)>(connection)
        .optional();
    Ok(run(row)?.map(|(session, user)| (session, user.into())))
}

/// Notes that a session was used.
///
/// # Errors
/// [`StoreError`].
pub fn touch(connection: &mut DbConnection, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    run(diesel::update(sessions::table.find(id)).set(sessions::last_seen_at.eq(now)).execute(connection)).map(|_| ())
}

/// Ends a session.
///
/// # Errors
/// [`StoreError`].
pub fn delete(connection: &mut DbConnection, id: SessionId) -> Result<(), StoreError> {
    run(diesel::delete(sessions::table.find(id)).execute(connection)).map(|_| ())
}

/// Ends all sessions of a user.
///
/// # Errors
/// [`StoreError`].
pub fn delete_of(connection: &mut DbConnection, user: UserId) -> Result<(), StoreError> {
    run(diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(connection)).map(|_| ())
}

/// Ends all sessions of a user but one.
///
/// # Errors
/// [`StoreError`].
pub fn delete_others_of(connection: &mut DbConnection, user: UserId, kept: SessionId) -> Result<(), StoreError> {
    let others = sessions::table.filter(sessions::user_id.eq(user).and(sessions::id.ne(kept)));
    run(diesel::delete(others).execute(connection)).map(|_| ())
}

/// Ends all sessions begun before `before`, and says how many.
///
/// # Errors
/// [`StoreError`].
pub fn delete_begun_before(connection: &mut DbConnection, before: Timestamp) -> Result<usize, StoreError> {
    run(diesel::delete(sessions::table.filter(sessions::created_at.lt(before))).execute(connection))
}

/// How many sessions are removed at once: on SQLite every other write waits for it.
const PRUNED_AT_ONCE: usize = 500;

/// Removes some of the sessions that are over: last seen before `idle`, or begun before `begun`. Says whether there may be
/// more.
///
/// # Errors
/// [`StoreError`].
pub fn prune(connection: &mut DbConnection, idle: Timestamp, begun: Timestamp) -> Result<bool, StoreError> {
    let over = sessions::table.filter(sessions::last_seen_at.lt(idle).or(sessions::created_at.lt(begun)));
    let limit = i64::try_from(PRUNED_AT_ONCE).unwrap_or(i64::MAX);
    let ids: Vec<SessionId> = run(over.select(sessions::id).limit(limit).load(connection))?;
    // One that was used meanwhile stays.
    run(diesel::delete(over.filter(sessions::id.eq_any(&ids))).execute(connection))?;
    Ok(ids.len() == PRUNED_AT_ONCE)
}
