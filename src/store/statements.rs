//! What happens at each statement of the pool's connections: it is counted, on SQLite the thread gives way, and on
//! PostgreSQL an error is noted that says more of the transaction or the server than of the statement.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{
    Connection as _,
    connection::{Instrumentation, InstrumentationEvent as Event},
    result::{DatabaseErrorInformation, DatabaseErrorKind, Error},
};

use super::connection::DbConnection;

/// For how long a transaction works before it gives way.
const STRETCH: Duration = Duration::from_micros(100);

/// By how much it may have given away more time than it worked: it holds the lock of all writes.
const GRACE: Duration = Duration::from_millis(1);

/// Counts statements, lets others have the core between those of a transaction on SQLite, and notes what PostgreSQL says.
pub(super) struct Statements {
    queries: Arc<AtomicU64>,
    is_sqlite: bool,
    stint: Option<Stint>,
    is_aborted: bool,
    is_read_only: bool,
}

impl Statements {
    pub(super) fn of(connection: &DbConnection, queries: Arc<AtomicU64>) -> Self {
        let is_sqlite = matches!(connection, DbConnection::Sqlite(_));
        Self { queries, is_sqlite, stint: None, is_aborted: false, is_read_only: false }
    }

    /// Whether PostgreSQL aborted the connection's last transaction in favour of another one (SQLSTATE 40001 or 40P01).
    pub(super) fn is_aborted(connection: &mut DbConnection) -> bool {
        Self::on(connection).is_some_and(|statements| statements.is_aborted)
    }

    /// Whether the connection's server has refused a write because it is read-only (SQLSTATE 25006): it was demoted.
    pub(super) fn is_read_only(connection: &mut DbConnection) -> bool {
        Self::on(connection).is_some_and(|statements| statements.is_read_only)
    }

    fn on(connection: &mut DbConnection) -> Option<&Self> {
        connection.instrumentation().downcast_ref()
    }

    fn note(&mut self, error: &Error) {
        let Error::DatabaseError(kind, information) = error else { return };
        let is_deadlock = matches!(kind, DatabaseErrorKind::Unknown) && is_deadlock(&**information);
        self.is_aborted |= matches!(kind, DatabaseErrorKind::SerializationFailure) || is_deadlock;
        self.is_read_only |= matches!(kind, DatabaseErrorKind::ReadOnlyTransaction);
    }
}

/// diesel has no kind for a deadlock and does not pass on the SQLSTATE, and the message is in the server's language. By its
/// form it stands alone: a hint, and a detail with a line for each process, about no table and no place in the statement.
fn is_deadlock(information: &dyn DatabaseErrorInformation) -> bool {
    information.hint().is_some()
        && information.details().is_some_and(|details| details.lines().count() > 1)
        && information.table_name().is_none()
        && information.statement_position().is_none()
}

impl Instrumentation for Statements {
    fn on_connection_event(&mut self, event: Event<'_>) {
        if matches!(event, Event::StartQuery { .. }) {
            self.queries.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(event, Event::BeginTransaction { .. }) {
            self.is_aborted = false;
            self.stint = self.is_sqlite.then(|| Stint::new(Instant::now()));
        }
        if let (Some(stint), Event::StartQuery { .. } | Event::CommitTransaction { .. }) = (&mut self.stint, &event) {
            stint.give_way();
        }
        let ends = matches!(event, Event::CommitTransaction { .. } | Event::RollbackTransaction { .. });
        if let (false, Event::FinishQuery { error: Some(error), .. }) = (self.is_sqlite, &event) {
            self.note(error);
        }
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
