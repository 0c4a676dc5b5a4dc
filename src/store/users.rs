//! Users.

use diesel::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    connection::{DbConnection, MultiBackend, hold_row, run},
    error::StoreError,
    schema::users,
};
use crate::domain::{
    clock::Timestamp,
    email::Email,
    ids::UserId,
    membership::{User, UserKind},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
pub(super) struct UserRow {
    id: UserId,
    number: i64,
    email: Option<Email>,
    name: String,
    kind: UserKind,
    operator_since: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
    revoked_seq: i64,
    created_at: Timestamp,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, number, email, name, kind, operator_since, disabled_at, revoked_seq, created_at } = row;
        Self { id, number, email, name, kind, operator_since, disabled_at, revoked_seq, created_at }
    }
}

/// Adds a user. `password_hash` is an argon2 hash in PHC text.
///
/// # Errors
/// [`StoreError::Conflict`] if the e-mail address is taken.
pub fn insert(
    connection: &mut DbConnection,
    user: User,
    password_hash: Option<&SecretString>,
) -> Result<(), StoreError> {
    let User { id, number, email, name, kind, operator_since, disabled_at, revoked_seq, created_at } = user;
    let row = UserRow { id, number, email, name, kind, operator_since, disabled_at, revoked_seq, created_at };
    let hash = password_hash.map(|hash| hash.expose_secret().to_owned());
    run(diesel::insert_into(users::table).values((row, users::password_hash.eq(hash))).execute(connection)).map(|_| ())
}

/// Whether there is any user at all.
///
/// # Errors
/// [`StoreError`].
pub fn any(connection: &mut DbConnection) -> Result<bool, StoreError> {
    run(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(connection))
}

/// The user with this e-mail address and the password's hash, if there is one, in whatever form the address is stored.
///
/// # Errors
/// [`StoreError`].
pub fn by_email(
    connection: &mut DbConnection,
    email: &Email,
) -> Result<Option<(User, Option<SecretString>)>, StoreError> {
    let forms = email.stored_forms();
    let [typed, canonical, decomposed] = &forms;
    let rows = users::table
        .filter(users::email.eq(typed).or(users::email.eq(canonical)).or(users::email.eq(decomposed)))
        .select((UserRow::as_select(), users::password_hash))
        .load::<(UserRow, Option<String>)>(connection);
    // More than one only if an older server took them for different: then the one that is stored as it was typed.
    let rank = |(user, _): &(UserRow, Option<String>)| {
        let [stored, ..] = user.email.as_ref().map(Email::stored_forms).unwrap_or_default();
        forms.iter().position(|form| *form == stored)
    };
    let found = run(rows)?.into_iter().min_by_key(rank);
    Ok(found.map(|(user, hash)| (user.into(), hash.map(SecretString::from))))
}

/// The user with this id and the password's hash.
///
/// # Errors
/// [`StoreError`].
pub fn by_id_with_password(
    connection: &mut DbConnection,
    id: UserId,
) -> Result<Option<(User, Option<SecretString>)>, StoreError> {
    let row = users::table
        .find(id)
        .select((UserRow::as_select(), users::password_hash))
        .get_result::<(UserRow, Option<String>)>(connection)
        .optional();
    Ok(run(row)?.map(|(user, hash)| (user.into(), hash.map(SecretString::from))))
}

/// Up to `limit` of the users with a number below `before`, newest first; with an address only whoever has it.
///
/// # Errors
/// [`StoreError`].
pub fn page(
    connection: &mut DbConnection,
    email: Option<Email>,
    (before, limit): (i64, i64),
) -> Result<Vec<User>, StoreError> {
    let mut query = users::table
        .filter(users::number.lt(before))
        .order(users::number.desc())
        .limit(limit)
        .select(UserRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(email) = email {
        let [typed, canonical, decomposed] = email.stored_forms();
        query = query.filter(users::email.eq(typed).or(users::email.eq(canonical)).or(users::email.eq(decomposed)));
    }
    let rows = run(query.load::<UserRow>(connection))?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// How many operators there are besides this user, who can sign in.
///
/// # Errors
/// [`StoreError`].
pub fn other_operators(connection: &mut DbConnection, user: UserId) -> Result<i64, StoreError> {
    let others = users::table
        .filter(users::id.ne(user).and(users::operator_since.is_not_null()))
        .filter(users::disabled_at.is_null());
    run(others.count().get_result(connection))
}

/// Holds the user's row until the transaction ends, together with others that only read it: what is read of it from here
/// on stays so.
///
/// # Errors
/// [`StoreError`].
pub fn hold(connection: &mut DbConnection, id: UserId) -> Result<(), StoreError> {
    hold_row!(connection, users::table.find(id).select(users::id).for_share(), UserId)
}

/// The same for whoever is going to change it, one at a time.
///
/// # Errors
/// [`StoreError`].
pub fn hold_to_change(connection: &mut DbConnection, id: UserId) -> Result<(), StoreError> {
    hold_row!(connection, users::table.find(id).select(users::id).for_no_key_update(), UserId)
}

/// Gives a user another name.
///
/// # Errors
/// [`StoreError`].
pub fn rename(connection: &mut DbConnection, id: UserId, name: &str) -> Result<(), StoreError> {
    run(diesel::update(users::table.find(id)).set(users::name.eq(name)).execute(connection)).map(|_| ())
}

/// Sets a user's password hash.
///
/// # Errors
/// [`StoreError`].
pub fn set_password(connection: &mut DbConnection, id: UserId, hash: &SecretString) -> Result<(), StoreError> {
    run(diesel::update(users::table.find(id))
        .set(users::password_hash.eq(Some(hash.expose_secret())))
        .execute(connection))
    .map(|_| ())
}

/// Sets or takes away the time at which a user was disabled.
///
/// # Errors
/// [`StoreError`].
pub fn set_disabled(connection: &mut DbConnection, id: UserId, at: Option<Timestamp>) -> Result<(), StoreError> {
    run(diesel::update(users::table.find(id)).set(users::disabled_at.eq(at)).execute(connection)).map(|_| ())
}

/// The first user, who was made by `bootstrap`.
///
/// # Errors
/// [`StoreError`].
pub fn first(connection: &mut DbConnection) -> Result<Option<User>, StoreError> {
    let row = users::table.filter(users::number.eq(1)).select(UserRow::as_select()).get_result(connection).optional();
    Ok(run(row)?.map(User::from))
}
