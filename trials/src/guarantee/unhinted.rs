//! Servers that the database tells of nothing: whoever listens for changes is cut off, as soon as it is seen.

use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use diesel::{Connection as _, PgConnection, RunQueryDsl as _};

use crate::{Failure, say};

/// How often it is looked for listeners, which come back a second after they were cut off.
const LOOK_EVERY: Duration = Duration::from_millis(20);

const CUT_OFF: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE datname = current_database() AND query LIKE 'LISTEN %'";

/// Cuts listeners off until it is told to stop.
pub(super) struct Unhinted {
    stop: Sender<()>,
    thread: JoinHandle<Result<usize, Failure>>,
}

impl Unhinted {
    /// # Errors
    /// If the database does not let itself be reached.
    pub(super) fn start(database_url: &str) -> Result<Self, Failure> {
        let mut connection = PgConnection::establish(database_url)?;
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let mut count = 0;
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                count += diesel::sql_query(CUT_OFF).execute(&mut connection)?;
            }
            Ok(count)
        });
        Ok(Self { stop, thread })
    }

    /// # Errors
    /// If it could not go on, or found nobody.
    pub(super) fn end(self) -> Result<(), Failure> {
        drop(self.stop);
        let count = self.thread.join().map_err(|_| "the thread panicked")??;
        say(&format!("{count} times a listener was cut off"));
        if count > 0 { Ok(()) } else { Err("nobody listened".into()) }
    }
}
