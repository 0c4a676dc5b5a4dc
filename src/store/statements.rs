//! What happens at each statement of the pool's connections: it is counted, and on SQLite the thread gives way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::connection::{Instrumentation, InstrumentationEvent as Event};

use super::connection::DbConnection;

/// For how long a transaction works before it gives way.
const STRETCH: Duration = Duration::from_micros(100);

/// By how much it may have given away more time than it worked: it holds the lock of all writes.
const GRACE: Duration = Duration::from_millis(1);

/// Counts statements, and lets others have the core between those of a transaction on SQLite.
pub(super) struct Statements {
    queries: Arc<AtomicU64>,
    is_sqlite: bool,
    stint: Option<Stint>,
}

impl Statements {
    pub(super) fn of(connection: &DbConnection, queries: Arc<AtomicU64>) -> Self {
        Self { queries, is_sqlite: matches!(connection, DbConnection::Sqlite(_)), stint: None }
    }
}

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: Event<'_>) {
        if matches!(event, Event::StartQuery { .. }) {
            self.queries.fetch_add(1, Ordering::Relaxed);
        }
        if self.is_sqlite && matches!(event, Event::BeginTransaction { .. }) {
            self.stint = Some(Stint::new(Instant::now()));
        }
        if let (Some(stint), Event::StartQuery { .. } | Event::CommitTransaction { .. }) = (&mut self.stint, &event) {
            stint.give_way();
        }
        let ends = matches!(event, Event::CommitTransaction { .. } | Event::RollbackTransaction { .. });
        // One that could not begin has no other end.
        if ends || matches!(event, Event::FinishQuery { error: Some(_), .. }) {
            self.stint = None;
        }
    }
}

/// What a thread does in a transaction on SQLite. It works itself, for a millisecond in a change and for a hundred in a
/// batch of usage. Linux does not interrupt it within its slice (1.4 to 4 ms) for a thread with exchanges that wakes on
/// the same core, nor moves that one to a core that only has work behind everything (`SCHED_IDLE`): exchanges would wait
/// for a database that they do not need. In return it may hold the lock for at most about twice as long.
#[derive(Debug)]
struct Stint {
    began: Instant,
    /// When it last gave way.
    since: Instant,
    /// How much time others took when it did.
    given: Duration,
}

impl Stint {
    fn new(now: Instant) -> Self {
        Self { began: now, since: now, given: Duration::ZERO }
    }

    fn give_way(&mut self) {
        let asked = Instant::now();
        if self.is_due(asked) {
            thread::yield_now();
            self.has_given_way(asked, Instant::now());
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let worked = now.duration_since(self.began).saturating_sub(self.given);
        now >= self.since + STRETCH && self.given <= worked + GRACE
    }

    fn has_given_way(&mut self, asked: Instant, back: Instant) {
        self.given += back.duration_since(asked);
        self.since = back;
    }
}

#[cfg(test)]
mod tests {
    use diesel::{Connection as _, connection::SimpleConnection as _};

    use super::*;
    use crate::store::StoreError;

    #[test]
    fn it_gives_way_again_and_again() {
        let began = Instant::now();
        let mut stint = Stint::new(began);
        assert!(!stint.is_due(began + STRETCH / 2));
        assert!(stint.is_due(began + STRETCH));
        let back = began + STRETCH + GRACE;
        stint.has_given_way(began + STRETCH, back);
        assert!(!stint.is_due(back + STRETCH / 2));
        assert!(stint.is_due(back + STRETCH));
    }

    #[test]
    fn it_gives_away_no_more_than_it_works() {
        let began = Instant::now();
        let mut stint = Stint::new(began);
        let back = began + 10 * GRACE;
        stint.has_given_way(began, back);
        assert!(!stint.is_due(back + 8 * GRACE));
        assert!(stint.is_due(back + 9 * GRACE), "others had 10, it had 9 and a grace of 1");
    }

    /// Whether the connection's next statement may give way.
    fn gives_way(connection: &mut DbConnection) -> bool {
        let statements = connection.instrumentation().downcast_ref::<Statements>();
        statements.expect("those that were set").stint.is_some()
    }

    #[test]
    fn only_transactions_give_way() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("db").display()).parse().unwrap();
        let open = || {
            let mut connection = DbConnection::open(&url).unwrap();
            connection.batch_execute("PRAGMA busy_timeout = 0").unwrap();
            connection.set_instrumentation(Statements::of(&connection, Arc::default()));
            connection
        };
        let (mut one, mut other) = (open(), open());
        assert!(!gives_way(&mut one));
        let outcome = one.write_transaction(|one| {
            assert!(gives_way(one));
            let refused = other.write_transaction(|_| Ok::<_, StoreError>(()));
            assert!(refused.is_err(), "there is one lock");
            assert!(!gives_way(&mut other), "it did not begin");
            Ok::<_, StoreError>(())
        });
        assert!(outcome.is_ok());
        assert!(!gives_way(&mut one));
        assert!(one.write_transaction(|_| Err::<(), _>(StoreError::Busy)).is_err());
        assert!(!gives_way(&mut one));
    }
}
