//! The list and its counter.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Integer, Nullable},
};

use super::{
    connection::{DbConnection, run, without_waiting},
    error::StoreError,
    schema::{list_entries, list_head},
    time,
};
use crate::domain::{
    clock::{Clock, Timestamp},
    ids::{CredentialId, OrganizationId, UserId},
    list::{Entry, Head, Target},
};

/// The id of the one counter row.
const HEAD: i32 = 1;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = list_entries)]
struct EntryRow {
    seq: i64,
    credential_id: Option<CredentialId>,
    user_id: Option<UserId>,
    organization_id: Option<OrganizationId>,
    revokes: bool,
    created_at: Timestamp,
}

impl EntryRow {
    fn into_entry(self) -> Entry {
        let target = match (self.credential_id, self.user_id, self.organization_id) {
            (Some(credential), None, None) => Target::Credential(credential),
            (None, Some(user), Some(organization)) => Target::Member(organization, user),
            (None, Some(user), None) => Target::User(user),
            (None, None, Some(organization)) => Target::Organization(organization),
            // Written by a newer patmint.
            _ => Target::Unknown,
        };
        Entry { seq: self.seq, target, revokes: self.revokes, created_at: self.created_at }
    }
}

impl From<Entry> for EntryRow {
    fn from(entry: Entry) -> Self {
        let (credential_id, user_id, organization_id) = match entry.target {
            Target::Credential(credential) => (Some(credential), None, None),
            Target::Member(organization, user) => (None, Some(user), Some(organization)),
            Target::User(user) => (None, Some(user), None),
            Target::Organization(organization) => (None, None, Some(organization)),
            Target::Unknown => (None, None, None),
        };
        let Entry { seq, revokes, created_at, .. } = entry;
        Self { seq, credential_id, user_id, organization_id, revokes, created_at }
    }
}

/// The number of a change, and its moment by the database's clock.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The counter as it was raised for this change.
    pub seq: i64,
    /// When that was.
    pub now: Timestamp,
}

/// Raises the counter by one, and at least to the milliseconds since 1970 by the database's clock; holds the one lock of
/// all changes until the transaction ends.
///
/// A failover may lose the last commits. Without the clock in it the next number would be one that was given out before:
/// whoever saw the first change with that number would take no notice of the second.
///
/// # Errors
/// [`StoreError`].
pub fn raise(connection: &mut DbConnection, clock: &dyn Clock) -> Result<Stamp, StoreError> {
    raise_by(connection, 1, clock)
}

/// The same by `count`, for as many entries.
///
/// # Errors
/// [`StoreError`].
pub fn raise_by(connection: &mut DbConnection, count: i64, clock: &dyn Clock) -> Result<Stamp, StoreError> {
    let row = diesel::update(list_head::table.find(HEAD));
    let injected = clock.instead_of_database();
    let next = list_head::seq + count;
    match connection {
        // One statement asks for the time and goes by it: a change waits for the network as often as before.
        DbConnection::Postgres(c) => {
            let answer = (list_head::seq, time::utc());
            let (seq, said) = run(match injected {
                None => {
                    row.set(list_head::seq.eq(time::greatest(next, time::millis()))).returning(answer).get_result(c)
                }
                Some(now) => {
                    let next = time::greatest(next, now.unix_millis());
                    row.set(list_head::seq.eq(next)).returning(answer).get_result(c)
                }
            })?;
            Ok(Stamp { seq, now: clock.of_database(Some(said)) })
        }
        // The write lock is held already: what the clock says now is not from before somebody else's change.
        DbConnection::Sqlite(c) => {
            let now = clock.of_database(None);
            let next = list_head::seq.eq(time::max(next, now.unix_millis()));
            let seq = run(row.set(next).returning(list_head::seq).get_result(c))?;
            Ok(Stamp { seq, now })
        }
    }
}

/// Raises the counter likewise, on its own, unless a change holds it: that one takes a number above the clock itself.
/// Says whether it was raised.
///
/// # Errors
/// [`StoreError`].
pub fn raise_if_free(connection: &mut DbConnection, clock: &dyn Clock) -> Result<bool, StoreError> {
    let floor = clock.instead_of_database().map(Timestamp::unix_millis);
    let raised = match connection {
        DbConnection::Postgres(c) => run(sql_query(
            "UPDATE list_head
             SET seq = greatest(seq + 1, coalesce($1, int8(float8mul(date_part('epoch', clock_timestamp()), 1000))))
             WHERE id = (SELECT id FROM list_head WHERE id = $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind::<Nullable<BigInt>, _>(floor)
        .bind::<Integer, _>(HEAD)
        .execute(c))?,
        DbConnection::Sqlite(_) => match without_waiting(connection, |c| raise(c, clock)) {
            Ok(_) => 1,
            Err(StoreError::Busy) => 0,
            Err(error) => return Err(error),
        },
    };
    Ok(raised > 0)
}

/// Raises the counter to `floor` if it is lower, and returns it.
///
/// # Errors
/// [`StoreError`].
pub fn raise_to(connection: &mut DbConnection, floor: i64) -> Result<i64, StoreError> {
    run(diesel::update(list_head::table.find(HEAD).filter(list_head::seq.lt(floor)))
        .set(list_head::seq.eq(floor))
        .execute(connection))?;
    head(connection).map(|head| head.seq)
}

/// How the list goes on after its counter went back.
#[derive(Debug)]
pub struct Resumed {
    /// The counter row as it is now.
    pub head: Head,
    /// The whole list, the new entry included.
    pub entries: Vec<Entry>,
}

/// Goes on at `floor` at least, after the counter went back: numbers do not come again. In a transaction of its own. Puts
/// an entry there that makes every other server drop its memory too, for the counter does not go back for those that
/// look only now. `revokes` says, of the whole list, whether that entry also ends all access tokens that are out.
///
/// # Errors
/// [`StoreError`]; then nothing has changed.
pub fn resume_above(
    connection: &mut DbConnection,
    floor: i64,
    clock: &dyn Clock,
    revokes: impl FnOnce(&[Entry]) -> bool,
) -> Result<Resumed, StoreError> {
    connection.write_transaction(|connection| {
        // First, for the lock: no entry comes in between.
        let Stamp { now, .. } = raise(connection, clock)?;
        let mut entries = entries(connection, 0, i64::MAX)?;
        let seq = raise_to(connection, floor)?;
        let all = Entry { seq, target: Target::Unknown, revokes: revokes(&entries), created_at: now };
        append(connection, all)?;
        entries.push(all);
        Ok(Resumed { head: head(connection)?, entries })
    })
}

/// The counter row, and what time it is by the database's clock; `None` on SQLite, since a file has none.
///
/// # Errors
/// [`StoreError`].
pub fn head_and_time(connection: &mut DbConnection) -> Result<(Head, Option<Timestamp>), StoreError> {
    match connection {
        DbConnection::Postgres(c) => {
            let row = list_head::table.find(HEAD);
            let row = row.select((list_head::seq, list_head::pruned_to, list_head::keys_seq, time::utc()));
            let (seq, pruned_to, keys_seq, said) = run(row.get_result::<(i64, i64, i64, Timestamp)>(c))?;
            Ok((Head { seq, pruned_to, keys_seq }, Some(said)))
        }
        DbConnection::Sqlite(_) => head(connection).map(|head| (head, None)),
    }
}

/// The counter row.
///
/// # Errors
/// [`StoreError`].
pub fn head(connection: &mut DbConnection) -> Result<Head, StoreError> {
    let row = list_head::table.find(HEAD).select((list_head::seq, list_head::pruned_to, list_head::keys_seq));
    let (seq, pruned_to, keys_seq) = run(row.get_result::<(i64, i64, i64)>(connection))?;
    Ok(Head { seq, pruned_to, keys_seq })
}

/// Notes that the change `seq`, which is under way, is one of the keys.
///
/// # Errors
/// [`StoreError`].
pub fn note_change_of_keys(connection: &mut DbConnection, seq: i64) -> Result<(), StoreError> {
    let head = diesel::update(list_head::table.find(HEAD));
    run(head.set(list_head::keys_seq.eq(seq)).execute(connection)).map(|_| ())
}

/// Writes an entry, in the transaction that raised the counter to its number.
///
/// # Errors
/// [`StoreError`].
pub fn append(connection: &mut DbConnection, entry: Entry) -> Result<(), StoreError> {
    run(diesel::insert_into(list_entries::table).values(EntryRow::from(entry)).execute(connection)).map(|_| ())
}

/// Writes many entries, likewise.
///
/// # Errors
/// [`StoreError`].
pub fn append_all(connection: &mut DbConnection, entries: Vec<Entry>) -> Result<(), StoreError> {
    let rows: Vec<EntryRow> = entries.into_iter().map(EntryRow::from).collect();
    run(match connection {
        // A statement for each row would wait for the network as often.
        DbConnection::Postgres(connection) => {
            diesel::insert_into(list_entries::table).values(rows).execute(connection).map(drop)
        }
        DbConnection::Sqlite(connection) => rows
            .into_iter()
            .try_for_each(|row| diesel::insert_into(list_entries::table).values(row).execute(connection).map(drop)),
    })
}

/// The entries after `after` up to `upto`, in order.
///
/// # Errors
/// [`StoreError`].
pub fn entries(connection: &mut DbConnection, after: i64, upto: i64) -> Result<Vec<Entry>, StoreError> {
    let rows = list_entries::table
        .filter(list_entries::seq.gt(after).and(list_entries::seq.le(upto)))
        .order(list_entries::seq)
        .select(EntryRow::as_select())
        .load(connection);
    Ok(run(rows)?.into_iter().map(EntryRow::into_entry).collect())
}

/// An entry that names nobody, or names together what this patmint does not put together, is about everybody: the targets
/// that are read as [`Target::Unknown`].
#[diesel::dsl::auto_type]
fn is_about_all() -> _ {
    let names_nobody = list_entries::credential_id
        .is_null()
        .and(list_entries::user_id.is_null())
        .and(list_entries::organization_id.is_null());
    let names_more = list_entries::user_id.is_not_null().or(list_entries::organization_id.is_not_null());
    names_nobody.or(list_entries::credential_id.is_not_null().and(names_more))
}

/// Whether an entry after `after` revokes the access tokens of this credential.
///
/// # Errors
/// [`StoreError`].
pub fn revokes_after(
    connection: &mut DbConnection,
    after: i64,
    credential: CredentialId,
    organization: OrganizationId,
    owner: UserId,
) -> Result<bool, StoreError> {
    let rows = list_entries::table
        .filter(list_entries::seq.gt(after).and(list_entries::revokes.eq(true)))
        .filter(
            list_entries::credential_id
                .eq(credential)
                .or(list_entries::user_id.eq(owner))
                .or(list_entries::organization_id.eq(organization))
                .or(is_about_all()),
        )
        .select(EntryRow::as_select())
        .load(connection);
    Ok(run(rows)?.into_iter().any(|row| row.into_entry().target.matches(credential, organization, owner)))
}

/// How many entries are removed at once: a change waits for it.
const PRUNED_AT_ONCE: i64 = 5_000;

/// Removes the oldest entries from before `before` and notes how far; in a transaction. Says whether there may be more.
///
/// # Errors
/// [`StoreError`].
pub fn prune(connection: &mut DbConnection, before: Timestamp) -> Result<bool, StoreError> {
    let old = list_entries::table.filter(list_entries::created_at.lt(before));
    let numbers = old.order(list_entries::seq).limit(PRUNED_AT_ONCE).select(list_entries::seq).load::<i64>(connection);
    let numbers = run(numbers)?;
    let Some(newest) = numbers.last().copied() else { return Ok(false) };
    // Never lowered: another replica may have gone further meanwhile.
    let behind = list_head::table.find(HEAD).filter(list_head::pruned_to.lt(newest));
    run(diesel::update(behind).set(list_head::pruned_to.eq(newest)).execute(connection))?;
    let gone = list_entries::table.filter(list_entries::created_at.lt(before).and(list_entries::seq.le(newest)));
    run(diesel::delete(gone).execute(connection))?;
    Ok(i64::try_from(numbers.len()).unwrap_or(i64::MAX) == PRUNED_AT_ONCE)
}

/// Sets the counter back, as a restored backup does.
#[cfg(test)]
pub(crate) fn rewind(connection: &mut DbConnection, seq: i64) -> Result<(), StoreError> {
    run(diesel::update(list_head::table.find(HEAD)).set(list_head::seq.eq(seq)).execute(connection)).map(|_| ())
}

/// Removes the entries after `seq`, as a restored backup does.
#[cfg(test)]
pub(crate) fn forget_after(connection: &mut DbConnection, seq: i64) -> Result<(), StoreError> {
    run(diesel::delete(list_entries::table.filter(list_entries::seq.gt(seq))).execute(connection)).map(|_| ())
}
