//! Keys, sealed.

use std::{fmt, str::FromStr};

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::sealed_keys,
};
use crate::domain::{clock::Timestamp, credential::words, newer_word::NewerWord};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPurpose {
    /// The tags of credentials.
    Tag,
    /// Access tokens.
    Sign,
    /// Something that only a newer patmint does. Such a key is sealed anew with the others, and otherwise left alone.
    Unknown(NewerWord),
}
words!(KeyPurpose { Tag = "tag", Sign = "sign" } or Unknown);

/// A key as it lies in the database: useless without the root key.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sealed_keys)]
pub struct SealedKey {
    /// Its name.
    pub kid: String,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The JWS algorithm (RFC 7518 section 3.1).
    pub algorithm: String,
    /// The key, encrypted under the root key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub activates_at: Timestamp,
    /// The number of the change that made it.
    pub created_seq: i64,
    /// Since when it neither signs nor is published.
    pub withdrawn_at: Option<Timestamp>,
}

impl SealedKey {
    /// Whether it was made more than `seconds` before `now`. One that was made later, when a clock was wrong, is as old as one
    /// likes: to wait until its time comes would be to wait for years.
    #[must_use]
    pub fn is_older_than(&self, seconds: i64, now: Timestamp) -> bool {
        self.created_at.plus_seconds(seconds) <= now || self.is_from_the_future(now)
    }

    /// Whether it was made later than `now`, by more than clocks differ.
    #[must_use]
    pub fn is_from_the_future(&self, now: Timestamp) -> bool {
        self.created_at > now.plus_seconds(CLOCKS_DIFFER)
    }
}

/// How far clocks may differ that nobody would call wrong, in seconds.
const CLOCKS_DIFFER: i64 = 60;

/// All keys, in the order in which they were made.
///
/// # Errors
/// [`StoreError`].
pub fn all(connection: &mut DbConnection) -> Result<Vec<SealedKey>, StoreError> {
    let order = (sealed_keys::created_seq, sealed_keys::created_at, sealed_keys::kid);
    run(sealed_keys::table.order(order).select(SealedKey::as_select()).load(connection))
}

/// Adds a key.
///
/// # Errors
/// [`StoreError::Conflict`] if there is one with this name.
pub fn insert(connection: &mut DbConnection, key: SealedKey) -> Result<(), StoreError> {
    run(diesel::insert_into(sealed_keys::table).values(key).execute(connection)).map(|_| ())
}

/// Withdraws a key.
///
/// # Errors
/// [`StoreError`].
pub fn withdraw(connection: &mut DbConnection, kid: &str, at: Timestamp) -> Result<(), StoreError> {
    let key = diesel::update(sealed_keys::table.find(kid));
    run(key.set(sealed_keys::withdrawn_at.eq(Some(at))).execute(connection)).map(|_| ())
}

/// Replaces what a key is sealed as.
///
/// # Errors
/// [`StoreError`].
pub fn reseal(connection: &mut DbConnection, kid: &str, sealed: &[u8]) -> Result<(), StoreError> {
    let key = diesel::update(sealed_keys::table.find(kid));
    run(key.set(sealed_keys::sealed.eq(sealed)).execute(connection)).map(|_| ())
}
