//! The follower: reads the list again and again on a connection of its own and brings memory up to it.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    hint::Hints,
    memory::Memory,
    pause::{Pauses, Point},
};
use crate::{
    domain::{
        clock::Clock as _,
        list::{Entry, Head},
    },
    service::{
        database_clock::DatabaseClock,
        keys::{KeyRing, KeyRingError},
    },
    store::{Database, DbConnection, StoreError, list},
};

#[cfg(test)]
mod tests;

/// How often the counter is read when nobody asks for it.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long the end of the follower is waited for.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Wakes the follower, and ends it.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    condvar: Condvar,
    stopping: AtomicBool,
}

impl Bell {
    fn rung(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the follower look at once.
    pub(crate) fn ring(&self) {
        *self.rung() = true;
        self.condvar.notify_all();
    }

    fn stop(&self) {
        self.stopping.store(true, SeqCst);
        self.ring();
    }

    /// Waits for a ring or the interval; `false` = the end.
    fn wait(&self) -> bool {
        let waited = self.condvar.wait_timeout_while(self.rung(), INTERVAL, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung = false;
        !self.stopping.load(SeqCst)
    }
}

/// What follows the list.
pub(crate) struct Follower {
    pub(crate) db: Database,
    pub(crate) clock: Arc<DatabaseClock>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) keys: Arc<KeyRing>,
    /// How old the state may be that an exchange goes by.
    pub(crate) max_staleness: Duration,
    pub(crate) pauses: Pauses,
    connection: Option<DbConnection>,
    /// Whether the counter is above the clock since this connection was made.
    is_above_clock: bool,
    /// The last entry of the list that memory reflects.
    last_read: Option<Entry>,
}

impl Follower {
    /// A follower that has not looked yet.
    pub(crate) fn new(
        db: Database,
        memory: Arc<Memory>,
        keys: Arc<KeyRing>,
        max_staleness: Duration,
        pauses: Pauses,
    ) -> Self {
        let clock = keys.clock().clone();
        Self {
            db,
            clock,
            memory,
            keys,
            max_staleness,
            pauses,
            connection: None,
            is_above_clock: false,
            last_read: None,
        }
    }

    /// Looks once. The order of the lines is rule R1.
    ///
    /// # Errors
    /// See [`KeyRingError`]; then memory is as it was, and trust in it runs out.
    pub(crate) fn step(&mut self) -> Result<(), KeyRingError> {
        let look = self.memory.feed.begin(self.clock.since_boot());
        let registration = self.memory.trust.registration();
        let asked_at = self.clock.since_boot();
        let result = self.apply();
        match result {
            // The trust counts from before the counter was read: what was committed since is not in it.
            Ok(()) => {
                self.memory.trust.looked(registration, asked_at + self.max_staleness.mul_f64(0.8));
                self.memory.feed.succeed(look);
            }
            // A connection that failed once is not asked again.
            Err(_) => self.connection = None,
        }
        result
    }

    fn apply(&mut self) -> Result<(), KeyRingError> {
        let (mut connection, has_lost) = self.connected()?;
        // What a standby says is old, however lately it was asked.
        connection.check_primary()?;
        let Self { memory, pauses, .. } = &*self;
        let (memory, pauses, applied) = (memory.clone(), pauses.clone(), memory.applied());
        let asking = self.clock.asking();
        let (head, said) = list::head_and_time(&mut connection)?;
        self.clock.told(asking, said);
        let now = self.clock.now();
        let seen = memory.seen();
        let has_lost = has_lost || head.seq < seen;
        // Before `applied`, and after a restore in any case.
        if head.keys_seq != self.keys.seq() || has_lost {
            self.keys.renew(&mut connection)?;
        }
        if has_lost {
            // A restored backup or a failover lost what we saw. Numbers must not come again for something else.
            let resumed = list::resume_above(&mut connection, seen + 1, &*self.clock, |entries| {
                // Services that know the lost numbers do not ask for what came under them: all access tokens die.
                let known = entries.partition_point(|entry| entry.seq <= seen);
                memory.feed.lacks_any_of(entries.get(..known).unwrap_or_default(), now)
            })?;
            (self.last_read, self.is_above_clock) = (resumed.entries.last().copied(), true);
            memory.raise_seen(resumed.head.seq);
            memory.forget_all();
            memory.feed.take(&resumed.entries, resumed.head, self.keys.withdrawn(), now);
            memory.publish(resumed.head.seq);
        } else if head.seq != applied {
            pauses.at(Point::CounterRead);
            let entries = list::entries(&mut connection, applied, head.seq)?;
            // Read again, since entries may have been removed between the two reads.
            let pruned_to = list::head(&mut connection)?.pruned_to;
            pauses.at(Point::ListRead);
            memory.raise_seen(head.seq);
            pauses.at(Point::SeenRaised);
            if pruned_to > applied {
                memory.forget_all();
            } else {
                // What a change of the keys puts there is about tokens only.
                let about_memory: Vec<_> = entries.iter().copied().filter(|entry| entry.seq != head.keys_seq).collect();
                memory.forget(&about_memory);
            }
            pauses.at(Point::Forgotten);
            // Before `applied`: who is answered by it finds the entry in the feed. A follower that fell behind so far
            // that entries were removed meanwhile lacks none that counts: they are removed when they are over.
            memory.feed.take(&entries, Head { pruned_to, ..head }, self.keys.withdrawn(), now);
            pauses.at(Point::Listed);
            memory.publish(head.seq);
            self.last_read = entries.last().copied().or(self.last_read);
        } else {
            pauses.at(Point::ListRead);
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// The connection, and whether what was read from the list is lost, as by a failover. Otherwise a new one first goes on
    /// above the clock: others may have lost what feed readers know, who take no answer that is below, and without a change
    /// there would be none above.
    fn connected(&mut self) -> Result<(DbConnection, bool), StoreError> {
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            self.is_above_clock = false;
            self.db.own_connection()?
        };
        // Before the counter is raised, which would hide it.
        let has_lost = !self.is_above_clock && self.has_lost(&mut connection)?;
        if !self.is_above_clock && !has_lost {
            let raised = list::raise_if_free(&mut connection, &*self.clock);
            if let Err(error) = &raised {
                // To look is worth more: what cannot be written now may be read.
                tracing::debug!(%error, "cannot raise the counter of the list; will try again");
            }
            self.is_above_clock = raised.unwrap_or(false);
        }
        Ok((connection, has_lost))
    }

    /// Whether memory reflects what is not in the database any more. What is lost are the last commits: the last entry is
    /// among them, or else another one has a number up to which memory took the list for read. The counter does not tell, once
    /// somebody else has raised it.
    fn has_lost(&self, connection: &mut DbConnection) -> Result<bool, StoreError> {
        if list::head(connection)?.seq < self.memory.seen() {
            return Ok(true);
        }
        let before = self.last_read.map_or(0, |last| last.seq - 1);
        let found = list::entries(connection, before, self.memory.applied())?;
        if found == self.last_read.into_iter().collect::<Vec<_>>() {
            return Ok(false);
        }
        // Read after them: the last one may be gone because it was old.
        let pruned_to = list::head(connection)?.pruned_to;
        Ok(!(found.is_empty() && self.last_read.is_some_and(|last| last.seq <= pruned_to)))
    }

    /// Breaks the connection.
    #[cfg(test)]
    pub(crate) fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Follows the list on a thread of its own until the returned value is dropped.
    pub(crate) fn spawn(mut self) -> Following {
        let bell = Arc::new(Bell::default());
        let (own_bell, rung) = (bell.clone(), bell.clone());
        let hints = self.db.gives_hints().then(|| Hints::spawn(self.db.clone(), move || rung.ring()));
        let (alive, ended) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let _alive = alive;
            let mut failing = false;
            loop {
                let result = self.step();
                match &result {
                    Ok(()) if failing => tracing::info!("following the list again"),
                    Err(error) if !failing => tracing::warn!(%error, "cannot follow the list"),
                    Ok(()) | Err(_) => {}
                }
                failing = result.is_err();
                if !own_bell.wait() {
                    break;
                }
            }
        });
        Following { bell, ended: Mutex::new(ended), thread: Some(thread), _hints: hints }
    }
}

/// A running follower; ends it when dropped.
#[derive(Debug)]
pub(crate) struct Following {
    bell: Arc<Bell>,
    /// Says nothing, and hangs up when the thread ends.
    ended: Mutex<mpsc::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
    /// Last, so that they end last: nobody waits for them.
    _hints: Option<Hints>,
}

impl Following {
    /// What wakes it.
    pub(crate) fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.bell.stop();
        // With a database that hangs it would be waited for in vain; the process ends without it.
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let has_ended = ended.recv_timeout(END_PATIENCE) == Err(mpsc::RecvTimeoutError::Disconnected);
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            // A follower that panicked has nothing more to do.
            let _ = thread.join();
        }
    }
}
