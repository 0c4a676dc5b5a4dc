//! The last addresses from which each credential was used. Written in batches, like the counts.

use std::{collections::BTreeSet, net::IpAddr};

use diesel::{
    prelude::*,
    sql_types::{self, Array, BigInt, Text},
};

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::usage_addresses,
};
use crate::domain::{clock::Timestamp, ids::CredentialId};

/// How many of each credential are kept.
const KEPT: i64 = 20;

/// How a credential was used from one address.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct AddressOfUse {
    /// The address.
    pub address: String,
    /// When it was first seen, to the batch in which that was written.
    pub first_used_at: Timestamp,
    /// The last time.
    pub last_used_at: Timestamp,
    /// How often the credential was exchanged from there.
    pub exchanges: i64,
}

/// Use of a credential from an address: the last time, and how often it was exchanged.
pub(super) type Used<'a> = (&'a (CredentialId, IpAddr), &'a (Timestamp, i64));

diesel::define_sql_function! {
    /// SQLite's `max` of two.
    #[sql_name = "max"]
    fn later(one: sql_types::Timestamp, other: sql_types::Timestamp) -> sql_types::Timestamp;
}

/// Adds uses to those that are there, and removes of the same credentials what is older than the last few.
pub(super) fn write<'a>(connection: &mut DbConnection, all: impl Iterator<Item = Used<'a>>) -> QueryResult<()> {
    let mut all: Vec<_> = all.collect();
    // In one order, so that servers never wait for each other in a circle.
    all.sort();
    match connection {
        DbConnection::Postgres(_) if all.is_empty() => Ok(()),
        DbConnection::Postgres(connection) => write_at_once(connection, &all),
        DbConnection::Sqlite(connection) => all.into_iter().try_for_each(|used| write_one(connection, used)),
    }
}

fn write_one(connection: &mut SqliteConnection, ((id, address), (at, exchanges)): Used<'_>) -> QueryResult<()> {
    let address = address.to_string();
    let updated = diesel::update(usage_addresses::table.find((*id, &address)))
        .set((
            usage_addresses::last_used_at.eq(later(usage_addresses::last_used_at, *at)),
            usage_addresses::exchanges.eq(usage_addresses::exchanges + *exchanges),
        ))
        .execute(connection)?;
    if updated > 0 {
        return Ok(());
    }
    let new = (
        usage_addresses::credential_id.eq(*id),
        usage_addresses::address.eq(address),
        usage_addresses::first_used_at.eq(*at),
        usage_addresses::last_used_at.eq(*at),
        usage_addresses::exchanges.eq(*exchanges),
    );
    diesel::insert_into(usage_addresses::table).values(new).execute(connection)?;
    prune_one(connection, *id)
}

fn prune_one(connection: &mut SqliteConnection, id: CredentialId) -> QueryResult<()> {
    let newest_over: Option<(Timestamp, String)> = usage_addresses::table
        .filter(usage_addresses::credential_id.eq(id))
        .order((usage_addresses::last_used_at.desc(), usage_addresses::address.desc()))
        .select((usage_addresses::last_used_at, usage_addresses::address))
        .offset(KEPT)
        .first(connection)
        .optional()?;
    let Some((at, address)) = newest_over else { return Ok(()) };
    let is_older = usage_addresses::last_used_at.lt(at);
    let is_of_that_moment = usage_addresses::last_used_at.eq(at).and(usage_addresses::address.le(address));
    let own = usage_addresses::table.filter(usage_addresses::credential_id.eq(id));
    diesel::delete(own.filter(is_older.or(is_of_that_moment))).execute(connection).map(drop)
}

fn write_at_once(connection: &mut PgConnection, all: &[Used<'_>]) -> QueryResult<()> {
    let ids: Vec<_> = all.iter().map(|((id, _), _)| id.to_string()).collect();
    let addresses: Vec<_> = all.iter().map(|((_, address), _)| address.to_string()).collect();
    let times: Vec<_> = all.iter().map(|(_, (at, _))| *at).collect();
    let exchanges: Vec<_> = all.iter().map(|(_, (_, exchanges))| *exchanges).collect();
    diesel::sql_query(
        "INSERT INTO usage_addresses (credential_id, address, first_used_at, last_used_at, exchanges) \
         SELECT id, address, at, at, exchanges \
         FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS used (id, address, at, exchanges, place) ORDER BY place \
         ON CONFLICT (credential_id, address) DO UPDATE SET \
         last_used_at = greatest(usage_addresses.last_used_at, excluded.last_used_at), \
         exchanges = usage_addresses.exchanges + excluded.exchanges",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Text>, _>(addresses)
    .bind::<Array<sql_types::Timestamp>, _>(times)
    .bind::<Array<BigInt>, _>(exchanges)
    .execute(connection)?;
    prune_at_once(connection, &all.iter().map(|((id, _), _)| *id).collect())
}

/// What another server is writing just now is left to it: to wait for each other could go round in a circle.
fn prune_at_once(connection: &mut PgConnection, credentials: &BTreeSet<CredentialId>) -> QueryResult<()> {
    let ids: Vec<_> = credentials.iter().map(ToString::to_string).collect();
    diesel::sql_query(
        "WITH placed AS (SELECT credential_id, address, row_number() OVER \
         (PARTITION BY credential_id ORDER BY last_used_at DESC, address DESC) AS place \
         FROM usage_addresses WHERE credential_id = ANY($1)), \
         surplus AS (SELECT credential_id, address FROM usage_addresses WHERE (credential_id, address) IN \
         (SELECT credential_id, address FROM placed WHERE place > $2) FOR UPDATE SKIP LOCKED) \
         DELETE FROM usage_addresses WHERE (credential_id, address) IN (SELECT credential_id, address FROM surplus)",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<BigInt, _>(KEPT)
    .execute(connection)
    .map(drop)
}

/// The last addresses from which a credential was used, newest first.
///
/// # Errors
/// [`StoreError`].
pub fn of(connection: &mut DbConnection, id: CredentialId) -> Result<Vec<AddressOfUse>, StoreError> {
    run(usage_addresses::table
        .filter(usage_addresses::credential_id.eq(id))
        .order((usage_addresses::last_used_at.desc(), usage_addresses::address.desc()))
        .limit(KEPT)
        .select((
            usage_addresses::address,
            usage_addresses::first_used_at,
            usage_addresses::last_used_at,
            usage_addresses::exchanges,
        ))
        .load(connection))
}
