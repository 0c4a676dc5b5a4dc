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
    /// Whether there is nothing to write.
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

impl UsageBatch {
    /// The batch in parts of at most `rows` rows, in one order everywhere: so two replicas never wait for each other in
    /// a circle.
    #[must_use]
    pub fn parts(self, rows: usize) -> Vec<Self> {
        let mut last_used: Vec<_> = self.last_used.into_iter().collect();
        last_used.sort_by_key(|(id, _)| *id);
        let mut counts: Vec<_> = self.counts.into_iter().collect();
        counts.sort();
        let uses =
            last_used.chunks(rows).map(|part| Self { last_used: part.iter().cloned().collect(), ..Self::default() });
        let counts = counts.chunks(rows).map(|part| Self { counts: part.iter().cloned().collect(), ..Self::default() });
        uses.chain(counts).collect()
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
    }
}

/// Writes a batch. A use that is older than the one stored changes nothing, so replicas may write in any order.
///
/// # Errors
/// [`StoreError`].
pub fn write(connection: &mut DbConnection, batch: &UsageBatch) -> Result<(), StoreError> {
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
