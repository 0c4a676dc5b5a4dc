//! Removes rows that were kept as long as the operator chose: a few at a time, beside full load and on several servers.
//!
//! No verdict hangs on them, so this takes no part in the change log: what is removed of credentials was refused before, and
//! is unknown afterwards.

use std::time::Duration;

use super::core::Core;
use crate::{
    domain::{clock::Timestamp, retention::Retention},
    store::{
        StoreError,
        retention::{self, Aged},
    },
};

/// How many rows are removed in one transaction: on SQLite every other write waits for it.
fn batch(what: Aged) -> i64 {
    match what {
        Aged::UsageCounts | Aged::Refusals | Aged::Audit | Aged::Invitations => 500,
        // Each with what is kept of its use.
        Aged::Credentials => 100,
    }
}

/// The most transactions for one table in one run. Few in tests, which have few rows.
const MOST_BATCHES: usize = if cfg!(test) { 3 } else { 100 };

/// How long a run may go on removing from one table. With [`MOST_BATCHES`] it bounds what a run can do, however much there is.
const LONGEST: Duration = Duration::from_millis(500);

fn cutoff(settings: &Retention, what: Aged, now: Timestamp) -> Option<Timestamp> {
    let days = match what {
        Aged::UsageCounts | Aged::Refusals => settings.usage,
        Aged::Audit => settings.audit,
        Aged::Invitations => settings.invitations,
        Aged::Credentials => settings.tokens,
    };
    days.cutoff(now)
}

/// Removes what was kept long enough by the database's clock, or a part of it; the next run goes on. Says how many rows. Not
/// while the clock may be wrong.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn remove_old(core: &Core) -> Result<usize, StoreError> {
    let mut all = 0;
    let Some(now) = core.may_clean_up().await? else { return Ok(all) };
    for what in Aged::ALL {
        let Some(before) = cutoff(&core.settings.retention, what, now) else { continue };
        let rows = remove_some(core, what, before).await?;
        all += rows;
        if rows > 0 {
            tracing::info!(table = what.table(), rows, "removed rows that were kept long enough");
        }
    }
    Ok(all)
}

async fn remove_some(core: &Core, what: Aged, before: Timestamp) -> Result<usize, StoreError> {
    let (until, batch, mut rows) = (core.clock.since_boot() + LONGEST, batch(what), 0);
    for _ in 0..MOST_BATCHES {
        let removed = core.db.write_behind(move |c| retention::remove(c, what, before, batch)).await?;
        core.metrics.removed(what, removed);
        rows += removed;
        if i64::try_from(removed).unwrap_or(i64::MAX) < batch || core.clock.since_boot() >= until {
            break;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
