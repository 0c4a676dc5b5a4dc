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

impl Numbered {
    fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::User => "user",
            Self::Credential => "credential",
        }
    }
}

/// The last number that was given out; 0 = none.
///
/// # Errors
/// [`StoreError`].
pub fn last(connection: &mut DbConnection, what: Numbered) -> Result<i64, StoreError> {
    run(numbers::table.find(what.name()).select(numbers::last).get_result(connection))
}

/// The next number, under the lock of the change it is part of.
///
/// # Errors
/// [`StoreError`].
pub fn next(connection: &mut DbConnection, what: Numbered) -> Result<i64, StoreError> {
    run(diesel::update(numbers::table.find(what.name()))
        .set(numbers::last.eq(numbers::last + 1))
        .returning(numbers::last)
        .get_result(connection))
}
