//! Wakes the follower as soon as some server has put something on the list. Only a hint: without it the follower notices at
//! its next look, and the guarantee is the same.

use std::{
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use crate::store::{Database, StoreError, notifications::Listener};

/// How often it is looked whether something has arrived: a look at the connection in this process, not at the database.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the end of the thread is waited for. It may be connecting to a database that hangs, and then it ends later.
const END_PATIENCE: Duration = Duration::from_millis(100);

/// A running listener; ends when dropped.
#[derive(Debug)]
pub(crate) struct Hints {
    /// Says nothing, and hangs up when the listener is to end.
    stop: Option<Sender<()>>,
    /// Likewise, when the thread has ended.
    ended: Mutex<Receiver<()>>,
}

impl Hints {
    /// Listens on a thread and a connection of its own, and calls `wake` whenever there may be something new.
    pub(crate) fn spawn(db: Database, wake: impl Fn() + Send + 'static) -> Self {
        let (stop, stopped) = mpsc::channel();
        let (alive, ended) = mpsc::channel::<()>();
        thread::spawn(move || {
            let _alive = alive;
            let mut failing = false;
            while let Err(error) = listen(&db, &wake, &stopped) {
                if !failing {
                    tracing::info!(%error, "cannot listen for changes; they are looked for as often as ever");
                }
                failing = true;
                if !passes(AGAIN, &stopped) {
                    break;
                }
            }
        });
        Self { stop: Some(stop), ended: Mutex::new(ended) }
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.stop = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(END_PATIENCE);
    }
}

/// Until it is to end, or there is nothing to listen to.
fn listen(db: &Database, wake: &impl Fn(), stopped: &Receiver<()>) -> Result<(), StoreError> {
    let Some(mut listener) = Listener::on(db.own_connection()?)? else { return Ok(()) };
    // What came before it listened was told to nobody.
    wake();
    while passes(LOOK_EVERY, stopped) {
        if listener.was_told()? {
            wake();
        }
    }
    Ok(())
}

/// Waits for so long; `false` = the listener is to end.
fn passes(time: Duration, stopped: &Receiver<()>) -> bool {
    stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;
    use crate::service::testing::Replica;

    /// Longer than any test is let run.
    const PATIENCE: Duration = Duration::from_mins(1);

    #[test]
    fn it_wakes_when_a_change_is_committed_and_also_after_its_connection_broke() {
        let replica = Replica::new();
        let (woke, wakes) = mpsc::channel();
        let hints = Hints::spawn(replica.db.clone(), move || {
            let _ = woke.send(());
        });
        if replica.db.url().sqlite_path().is_some() {
            assert_eq!(wakes.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected), "nothing to listen to");
            return;
        }
        wakes.recv_timeout(PATIENCE).expect("it listens");
        replica.revoke();
        wakes.recv_timeout(PATIENCE).expect("told of the change");
        replica.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND query LIKE 'LISTEN %'",
        );
        wakes.recv_timeout(PATIENCE).expect("it listens again");
        drop(hints);
        let last = iter::repeat_with(|| wakes.recv_timeout(PATIENCE)).find(Result::is_err);
        assert_eq!(last, Some(Err(RecvTimeoutError::Disconnected)), "it has ended");
    }
}
