//! Last use and counts, written in batches. They take no part in the list: no verdict hangs on a count.

use std::{collections::HashMap, hash::Hash, net::IpAddr};

use diesel::{
    dsl,
    prelude::*,
    sql_types::{self, Array, Nullable, Text},
    upsert::excluded,
};

use super::{
    addresses,
    connection::{DbConnection, run},
    error::StoreError,
    refusals,
    schema::{credentials, usage_counts},
};
use crate::domain::{
    clock::Timestamp,
    ids::{CredentialId, RequestId},
    refused::Refused,
};

/// What was gathered since the last batch.
#[derive(Clone, Debug, Default)]
pub struct UsageBatch {
    /// The last exchange of each credential: when, and from which address.
    pub last_used: HashMap<CredentialId, (Timestamp, Option<String>)>,
    /// How often each credential had each outcome on each day (`YYYY-MM-DD`).
    pub counts: HashMap<(CredentialId, String, &'static str), i64>,
    /// From where each credential was used: the last time, and how often it was exchanged from there.
    pub addresses: HashMap<(CredentialId, IpAddr), (Timestamp, i64)>,
    /// Whom each request was refused, and how.
    pub refusals: HashMap<RequestId, (CredentialId, Refused)>,
}

/// Some entries of a map.
fn some<K: Clone + Eq + Hash, V: Clone>(map: &HashMap<K, V>, count: usize) -> HashMap<K, V> {
    map.iter().take(count).map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl UsageBatch {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// How many rows it takes, of whichever kind takes most.
    #[must_use]
    pub fn rows(&self) -> usize {
        let Self { last_used, counts, addresses, refusals } = self;
        last_used.len().max(counts.len()).max(addresses.len()).max(refusals.len())
    }

    /// At most `rows` rows of it, of one kind.
    #[must_use]
    pub fn part(&self, rows: usize) -> Self {
        if !self.last_used.is_empty() {
            Self { last_used: some(&self.last_used, rows), ..Self::default() }
        } else if !self.counts.is_empty() {
            Self { counts: some(&self.counts, rows), ..Self::default() }
        } else if !self.addresses.is_empty() {
            Self { addresses: some(&self.addresses, rows), ..Self::default() }
        } else {
            Self { refusals: some(&self.refusals, rows), ..Self::default() }
        }
    }

    /// Takes out what is in `written`; a later use stays.
    pub fn subtract(&mut self, written: &Self) {
        for (id, (at, _)) in &written.last_used {
            if self.last_used.get(id).is_some_and(|(known_at, _)| known_at <= at) {
                self.last_used.remove(id);
            }
        }
        for (key, count) in &written.counts {
            let left = self.counts.get(key).map_or(0, |known| known - count);
            if left > 0 {
                self.counts.insert(key.clone(), left);
            } else {
                self.counts.remove(key);
            }
        }
        for (key, (at, exchanges)) in &written.addresses {
            match self.addresses.get_mut(key) {
                Some((last, count)) if *last > *at || *count > *exchanges => *count -= exchanges,
                Some(_) | None => drop(self.addresses.remove(key)),
            }
        }
        self.refusals.retain(|request, _| !written.refusals.contains_key(request));
    }
}

/// Writes a batch. A use that is older than the one stored changes nothing, so replicas may write in any order; and all go
/// through the rows in one order, so that they never wait for each other in a circle.
///
/// # Errors
/// [`StoreError`].
pub fn write(connection: &mut DbConnection, batch: &UsageBatch) -> Result<(), StoreError> {
    let mut uses: Vec<_> = batch.last_used.iter().collect();
    uses.sort_by_key(|(id, _)| **id);
    let mut counts: Vec<_> = batch.counts.iter().collect();
    counts.sort();
    let counts: Vec<_> = counts.into_iter().map(count_row).collect();
    run(match connection {
        // A statement for each row would wait for the network a thousand times.
        DbConnection::Postgres(connection) => write_at_once(connection, &uses, &counts),
        DbConnection::Sqlite(connection) => write_one_by_one(connection, &uses, counts),
    })?;
    run(addresses::write(connection, batch.addresses.iter()))?;
    run(refusals::write(connection, batch.refusals.values()))
}

type UseRow<'a> = (&'a CredentialId, &'a (Timestamp, Option<String>));

type CountRow<'a> = (
    dsl::Eq<usage_counts::credential_id, CredentialId>,
    dsl::Eq<usage_counts::day, &'a str>,
    dsl::Eq<usage_counts::outcome, &'static str>,
    dsl::Eq<usage_counts::count, i64>,
);

fn count_row<'a>(((id, day, outcome), count): (&'a (CredentialId, String, &'static str), &i64)) -> CountRow<'a> {
    (
        usage_counts::credential_id.eq(*id),
        usage_counts::day.eq(day.as_str()),
        usage_counts::outcome.eq(*outcome),
        usage_counts::count.eq(*count),
    )
}

/// Puts rows of counts in, or adds them to those that are there.
macro_rules! add {
    ($rows:expr) => {
        diesel::insert_into(usage_counts::table)
            .values($rows)
            .on_conflict((usage_counts::credential_id, usage_counts::day, usage_counts::outcome))
            .do_update()
            .set(usage_counts::count.eq(usage_counts::count + excluded(usage_counts::count)))
    };
}

fn write_one_by_one(
    connection: &mut SqliteConnection,
    uses: &[UseRow<'_>],
    counts: Vec<CountRow<'_>>,
) -> QueryResult<()> {
    for (id, (at, from)) in uses {
        let older = credentials::table
            .find(id)
            .filter(credentials::last_used_at.is_null().or(credentials::last_used_at.lt(Some(at))));
        diesel::update(older)
            .set((credentials::last_used_at.eq(Some(at)), credentials::last_used_from.eq(from.as_deref())))
            .execute(connection)?;
    }
    for row in counts {
        add!(row).execute(connection)?;
    }
    Ok(())
}

fn write_at_once(connection: &mut PgConnection, uses: &[UseRow<'_>], counts: &Vec<CountRow<'_>>) -> QueryResult<()> {
    let ids: Vec<_> = uses.iter().map(|(id, _)| id.to_string()).collect();
    let times: Vec<_> = uses.iter().map(|(_, (at, _))| *at).collect();
    let addresses: Vec<_> = uses.iter().map(|(_, (_, from))| from.as_deref()).collect();
    diesel::sql_query(
        "WITH used AS (SELECT * FROM unnest($1, $2, $3) AS used (id, at, address)), \
         locked AS (SELECT id FROM credentials WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE) \
         UPDATE credentials SET last_used_at = used.at, last_used_from = used.address \
         FROM locked JOIN used ON used.id = locked.id \
         WHERE credentials.id = locked.id AND (last_used_at IS NULL OR last_used_at < used.at)",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<sql_types::Timestamp>, _>(times)
    .bind::<Array<Nullable<Text>>, _>(addresses)
    .execute(connection)?;
    add!(counts).execute(connection).map(drop)
}

/// The counts of a credential by day and outcome from the day `since` (`YYYY-MM-DD`) on, newest day first.
///
/// # Errors
/// [`StoreError`].
pub fn counts_of(
    connection: &mut DbConnection,
    id: CredentialId,
    since: &str,
) -> Result<Vec<(String, String, i64)>, StoreError> {
    run(usage_counts::table
        .filter(usage_counts::credential_id.eq(id).and(usage_counts::day.ge(since)))
        .order((usage_counts::day.desc(), usage_counts::outcome))
        .select((usage_counts::day, usage_counts::outcome, usage_counts::count))
        .load(connection))
}
