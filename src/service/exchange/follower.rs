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
    domain::{clock::Clock, list::Head},
    service::keys::{KeyRing, KeyRingError},
    store::{Database, DbConnection, list},
};

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
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) keys: Arc<KeyRing>,
    /// How old the state may be that an exchange goes by.
    pub(crate) max_staleness: Duration,
    pub(crate) pauses: Pauses,
    connection: Option<DbConnection>,
}

impl Follower {
    /// A follower that has not looked yet.
    pub(crate) fn new(
        db: Database,
        clock: Arc<dyn Clock>,
        memory: Arc<Memory>,
        keys: Arc<KeyRing>,
        max_staleness: Duration,
        pauses: Pauses,
    ) -> Self {
        Self { db, clock, memory, keys, max_staleness, pauses, connection: None }
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
        let Self { memory, pauses, .. } = &*self;
        let (memory, pauses, applied) = (memory.clone(), pauses.clone(), memory.applied());
        let now = self.clock.now();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.db.own_connection()?,
        };
        let head = list::head(&mut connection)?;
        // Before `applied`, and after a restore in any case.
        if head.keys_seq != self.keys.seq() || head.seq < memory.seen() {
            self.keys.renew(&mut connection)?;
        }
        if head.seq < memory.seen() {
            // A restored backup or a failover lost what we saw. Numbers must not come again for something else.
            let floor = memory.seen().max(now.unix_millis()) + 1;
            let resumed = list::resume_above(&mut connection, floor, now, |entries| {
                // Services that know the lost numbers do not ask for what came under them: all access tokens die.
                memory.feed.lacks_any_of(entries, now)
            })?;
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
        } else {
            pauses.at(Point::ListRead);
        }
        self.connection = Some(connection);
        Ok(())
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
