//! The last requests in which each credential was refused. Written in batches, like the counts.

use std::collections::BTreeSet;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::refusals,
};
use crate::domain::{
    clock::Timestamp,
    ids::{CredentialId, RequestId},
    refused::Refused,
    verdict::Refusal,
};

/// How many of each are kept.
const KEPT: i64 = 20;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = refusals)]
struct RefusalRow {
    request_id: RequestId,
    credential_id: CredentialId,
    refused_at: Timestamp,
    reason: Refusal,
    address: Option<String>,
}

impl RefusalRow {
    fn new(credential_id: CredentialId, refused: &Refused) -> Self {
        let Refused { request_id, at, reason, address } = *refused;
        let address = address.map(|address| address.to_canonical().to_string());
        Self { request_id, credential_id, refused_at: at, reason, address }
    }

    fn refused(self) -> (CredentialId, Refused) {
        let Self { request_id, credential_id, refused_at, reason, address } = self;
        let address = address.and_then(|address| address.parse().ok());
        (credential_id, Refused { request_id, at: refused_at, reason, address })
    }
}

/// Adds refusals, and removes of the same credentials what is older than the last few. One that is there already, since it
/// could not be known whether it was written, changes nothing.
pub(super) fn write<'a>(
    connection: &mut DbConnection,
    all: impl Iterator<Item = &'a (CredentialId, Refused)>,
) -> QueryResult<()> {
    let rows: Vec<_> = all.map(|(id, refused)| RefusalRow::new(*id, refused)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let credentials: BTreeSet<_> = rows.iter().map(|row| row.credential_id).collect();
    match connection {
        DbConnection::Postgres(connection) => {
            diesel::insert_into(refusals::table).values(rows).on_conflict_do_nothing().execute(connection)?;
            prune_at_once(connection, &credentials)
        }
        DbConnection::Sqlite(connection) => {
            for row in rows {
                diesel::insert_into(refusals::table).values(row).on_conflict_do_nothing().execute(connection)?;
            }
            credentials.into_iter().try_for_each(|id| prune_one(connection, id))
        }
    }
}

fn prune_one(connection: &mut SqliteConnection, id: CredentialId) -> QueryResult<()> {
    let newest_over: Option<(Timestamp, RequestId)> = refusals::table
        .filter(refusals::credential_id.eq(id))
        .order((refusals::refused_at.desc(), refusals::request_id.desc()))
        .select((refusals::refused_at, refusals::request_id))
        .offset(KEPT)
        .first(connection)
        .optional()?;
    let Some((at, request)) = newest_over else { return Ok(()) };
    let is_older = refusals::refused_at.lt(at);
    let is_of_that_moment = refusals::refused_at.eq(at).and(refusals::request_id.le(request));
    let over = refusals::table.filter(refusals::credential_id.eq(id)).filter(is_older.or(is_of_that_moment));
    diesel::delete(over).execute(connection).map(drop)
}

/// What another server is removing just now is left to it: to wait for each other could go round in a circle.
fn prune_at_once(connection: &mut PgConnection, credentials: &BTreeSet<CredentialId>) -> QueryResult<()> {
    let ids: Vec<_> = credentials.iter().map(ToString::to_string).collect();
    diesel::sql_query(
        "WITH placed AS (SELECT request_id, row_number() OVER \
         (PARTITION BY credential_id ORDER BY refused_at DESC, request_id DESC) AS place \
         FROM refusals WHERE credential_id = ANY($1)), \
         surplus AS (SELECT request_id FROM refusals \
         WHERE request_id IN (SELECT request_id FROM placed WHERE place > $2) FOR UPDATE SKIP LOCKED) \
         DELETE FROM refusals WHERE request_id IN (SELECT request_id FROM surplus)",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<BigInt, _>(KEPT)
    .execute(connection)
    .map(drop)
}

/// The last refusals of a credential, newest first.
///
/// # Errors
/// [`StoreError`].
pub fn of(connection: &mut DbConnection, id: CredentialId) -> Result<Vec<Refused>, StoreError> {
    let rows: QueryResult<Vec<RefusalRow>> = refusals::table
        .filter(refusals::credential_id.eq(id))
        .order((refusals::refused_at.desc(), refusals::request_id.desc()))
        .limit(KEPT)
        .select(RefusalRow::as_select())
        .load(connection);
    Ok(run(rows)?.into_iter().map(|row| row.refused().1).collect())
}

/// The credential that was refused in a request, and how.
///
/// # Errors
/// [`StoreError`].
pub fn in_request(connection: &mut DbConnection, id: RequestId) -> Result<Option<(CredentialId, Refused)>, StoreError> {
    let row = refusals::table.find(id).select(RefusalRow::as_select()).first(connection).optional();
    Ok(run(row)?.map(RefusalRow::refused))
}
