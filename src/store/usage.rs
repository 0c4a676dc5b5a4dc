//! Last use and counts, written in batches. They take no part in the list: no verdict hangs on a count.

use std::collections::HashMap;

use diesel::{prelude::*, upsert::excluded};

use super::{
    connection::{DbConnection, on_backend, run},
    error::StoreError,
    schema::{credentials, usage_counts},
};
use crate::domain::{clock::Timestamp, ids::CredentialId};

/// What was gathered since the last batch.
#[derive(Clone, Debug, Default)]
pub struct UsageBatch {
    /// The last exchange of each credential: when, and from which address.
    pub last_used: HashMap<CredentialId, (Timestamp, Option<String>)>,
    /// How often each credential had each outcome on each day (`YYYY-MM-DD`).
    pub counts: HashMap<(CredentialId, String, &'static str), i64>,
}

impl UsageBatch {
    /// Whether nothing was gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last_used.is_empty() && self.counts.is_empty()
    }

    /// Puts what another batch gathered into this one; the later use counts.
    pub fn absorb(&mut self, other: Self) {
        for (id, (at, from)) in other.last_used {
            let known = self.last_used.entry(id).or_insert_with(|| (at, from.clone()));
            if known.0 < at {
                *known = (at, from);
            }
        }
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
    }
}

/// Writes a batch. A use that is older than the one stored changes nothing, so replicas may write in any order.
///
/// # Errors
/// [`StoreError`].
pub fn write(connection: &mut DbConnection, batch: &UsageBatch) -> Result<(), StoreError> {
    // In one order everywhere, so that two replicas never wait for each other in a circle.
    let mut last_used: Vec<_> = batch.last_used.iter().collect();
    last_used.sort_by_key(|(id, _)| **id);
    for (id, (at, from)) in last_used {
        let older = credentials::table
            .find(id)
            .filter(credentials::last_used_at.is_null().or(credentials::last_used_at.lt(Some(at))));
        run(diesel::update(older)
            .set((credentials::last_used_at.eq(Some(at)), credentials::last_used_from.eq(from.as_deref())))
            .execute(connection))?;
    }
    let mut counts: Vec<_> = batch.counts.iter().collect();
    counts.sort();
    for ((id, day, outcome), count) in counts {
        add(connection, *id, day, outcome, *count)?;
    }
    Ok(())
}

fn add(
    connection: &mut DbConnection,
    id: CredentialId,
    day: &str,
    outcome: &str,
    count: i64,
) -> Result<(), StoreError> {
    let row = (
        usage_counts::credential_id.eq(id),
        usage_counts::day.eq(day),
        usage_counts::outcome.eq(outcome),
        usage_counts::count.eq(count),
    );
    run(on_backend!(connection, |c| {
        diesel::insert_into(usage_counts::table)
            .values(row)
            .on_conflict((usage_counts::credential_id, usage_counts::day, usage_counts::outcome))
            .do_update()
            .set(usage_counts::count.eq(usage_counts::count + excluded(usage_counts::count)))
            .execute(c)
    }))
    .map(|_| ())
}

/// The counts of a credential by day and outcome, newest day first.
///
/// # Errors
/// [`StoreError`].
pub fn counts_of(connection: &mut DbConnection, id: CredentialId) -> Result<Vec<(String, String, i64)>, StoreError> {
    run(usage_counts::table
        .filter(usage_counts::credential_id.eq(id))
        .order((usage_counts::day.desc(), usage_counts::outcome))
        .select((usage_counts::day, usage_counts::outcome, usage_counts::count))
        .load(connection))
}
