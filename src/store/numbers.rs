//! Numbers for people and old APIs: given out once, in order, never again.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::numbers,
};

/// What is numbered.
#[derive(Clone, Copy, Debug)]
pub enum Numbered {
    /// Organizations.
    Organization,
    /// Users.
    User,
    /// Credentials.
    Credential,
}

/// The next number, under the lock of the change it is part of.
///
/// # Errors
/// [`StoreError`].
pub fn next(connection: &mut DbConnection, what: Numbered) -> Result<i64, StoreError> {
    let name = match what {
        Numbered::Organization => "organization",
        Numbered::User => "user",
        Numbered::Credential => "credential",
    };
    run(diesel::update(numbers::table.find(name))
        .set(numbers::last.eq(numbers::last + 1))
        .returning(numbers::last)
        .get_result(connection))
}
