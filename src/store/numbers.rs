//! Numbers for people and old APIs: given out once, in order, never again.

use std::ops::RangeInclusive;

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
    raised(connection, what, 1)
}

/// The next `count` numbers, likewise.
///
/// # Errors
/// [`StoreError`].
pub fn block(connection: &mut DbConnection, what: Numbered, count: usize) -> Result<RangeInclusive<i64>, StoreError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    raised(connection, what, count).map(|last| last - count + 1..=last)
}

fn raised(connection: &mut DbConnection, what: Numbered, by: i64) -> Result<i64, StoreError> {
    run(diesel::update(numbers::table.find(what.name()))
        .set(numbers::last.eq(numbers::last + by))
        .returning(numbers::last)
        .get_result(connection))
}
