//! What whoever watches the server is told: what was counted, and how things are at this moment.

use std::{sync::Arc, time::Duration};

use tokio::sync::Mutex;

use super::{
    core::Core,
    exchange::Memory,
    metrics::{Counted, Durations},
};
use crate::store::{PoolState, counts, mass_changes};

/// For how long what is counted in the database is good: people look often, and it changes slowly.
const GOOD_FOR: Duration = Duration::from_mins(10);

/// What ends within so many seconds is worth knowing: a week.
pub const EXPIRING_WITHIN: i64 = 7 * 86_400;

/// What is counted in the database.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Credentials that are not revoked and end within [`EXPIRING_WITHIN`].
    pub expiring: i64,
    /// Sessions.
    pub sessions: i64,
    /// Credentials that jobs would end or remove, but that are so many at once that it waits for a second look.
    pub held_back: i64,
    /// Bytes that the database takes, without its log.
    pub database_size: i64,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// How exchanges ended.
    pub exchanges: Counted,
    /// How long they took.
    pub durations: Durations,
    /// Where they found the credential.
    pub lookups: Counted,
    /// How sign-ins ended.
    pub sign_ins: Counted,
    /// Rows removed by age, by table.
    pub rows_removed: Counted,
    /// Credentials in memory.
    pub remembered: usize,
    /// The most there may be.
    pub capacity: usize,
    /// The connections to the database.
    pub pool: PoolState,
    /// Statements sent to it.
    pub statements: u64,
    /// The number up to which memory reflects the list.
    pub head: i64,
    /// How long ago the last look at the list began that went well.
    pub age: Duration,
    /// Whether exchanges go by memory.
    pub is_trusted: bool,
    /// Whether jobs may remove what is old: not while the clock may be wrong.
    pub may_clean_up: bool,
    /// How far the database's clock is ahead of this machine's, in milliseconds.
    pub clock_ahead: i64,
    /// Up to ten minutes old; `None` if the database does not say.
    pub rows: Option<Rows>,
}

/// Tells how things are.
pub struct Monitor {
    core: Arc<Core>,
    memory: Arc<Memory>,
    rows: Mutex<Option<(Duration, Rows)>>,
}

impl Monitor {
    pub(crate) fn new(core: Arc<Core>, memory: Arc<Memory>) -> Self {
        Self { core, memory, rows: Mutex::default() }
    }

    /// How things are.
    pub async fn snapshot(&self) -> Snapshot {
        let rows = self.rows().await;
        let Core { metrics, clock, db, settings, .. } = &*self.core;
        let now = clock.since_boot();
        Snapshot {
            exchanges: metrics.exchanges(),
            durations: metrics.durations(),
            lookups: metrics.lookups(),
            sign_ins: metrics.sign_ins(),
            rows_removed: metrics.rows_removed(),
            remembered: self.memory.len(),
            capacity: settings.cache_capacity,
            pool: db.pool_state(),
            statements: db.queries(),
            head: self.memory.applied(),
            age: now.saturating_sub(self.memory.feed.last_look().begun_at),
            is_trusted: self.memory.is_trusted(now),
            may_clean_up: self.core.housekeeping.is_allowed(),
            clock_ahead: self.core.keys.clock().ahead(),
            rows,
        }
    }

    /// Asks the database seldom, one at a time; not again for what it did not say in time, until somebody looks again.
    async fn rows(&self) -> Option<Rows> {
        let mut known = self.rows.lock().await;
        let now = self.core.clock.since_boot();
        if let Some((_, rows)) = known.filter(|(good_until, _)| now < *good_until) {
            return Some(rows);
        }
        let from = self.core.clock.now();
        let count = move |connection: &mut _| {
            let expiring = counts::expiring(connection, from, from.plus_seconds(EXPIRING_WITHIN))?;
            let held_back = mass_changes::all(connection)?.iter().map(|change| change.affected).sum();
            let (sessions, database_size) = (counts::sessions(connection)?, counts::database_size(connection)?);
            Ok(Rows { expiring, sessions, held_back, database_size })
        };
        match self.core.db.read(count).await {
            Ok(rows) => {
                *known = Some((now + GOOD_FOR, rows));
                Some(rows)
            }
            Err::<_, crate::store::StoreError>(error) => {
                tracing::warn!(%error, "cannot count for the metrics");
                *known = None;
                None
            }
        }
    }
}
