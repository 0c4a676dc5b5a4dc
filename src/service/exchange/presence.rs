//! This server's row among the replicas: whoever changes something waits until it says that the change is applied here.
//! Written apart from the follower, whose looks must never wait for a write.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time};

use super::{
    memory::Memory,
    pause::{Pauses, Point},
};
use crate::{
    domain::{clock::Clock, ids::ReplicaId, random::Randomness},
    store::{
        Database, StoreError,
        replicas::{self, Replica},
    },
};

/// How often the row shows that this server lives, at least.
pub(crate) const BEAT_EVERY: Duration = Duration::from_secs(10);

/// How long memory is believed after a sign of life, counted from before it was written. Far less than a row may stand
/// still before another server removes it (`watcher.rs`).
pub(crate) const BEAT_LASTS: Duration = Duration::from_secs(30);

/// How often it is looked whether a beat is due, and how soon one that failed is tried again. By the clock that counts
/// the machine's sleep, which timers do not.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The row as this process knows it.
#[derive(Clone, Copy, Debug)]
struct Row {
    id: ReplicaId,
    /// Otherwise it was tried, and nobody knows how that ended.
    is_there: bool,
}

/// Writes this server's row.
pub(crate) struct Presence {
    pub(crate) db: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Randomness>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) max_staleness: Duration,
    pub(crate) pauses: Pauses,
    row: Mutex<Option<Row>>,
}

impl Presence {
    /// A server that is not registered yet.
    pub(crate) fn new(
        db: Database,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
        memory: Arc<Memory>,
        max_staleness: Duration,
        pauses: Pauses,
    ) -> Self {
        Self { db, clock, random, memory, max_staleness, pauses, row: Mutex::default() }
    }

    fn row(&self) -> MutexGuard<'_, Option<Row>> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the row.
    pub(crate) fn id(&self) -> Option<ReplicaId> {
        self.row().map(|row| row.id)
    }

    /// Makes the row. Only what is looked at afterwards is believed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn register(&self) -> Result<(), StoreError> {
        let begun = self.clock.since_boot();
        // A new id each time: a watcher that knows the former one must not take this row for it.
        let id = ReplicaId::generate(self.clock.now(), &*self.random);
        let former = self.row().replace(Row { id, is_there: false });
        let max_staleness_ms = i64::try_from(self.max_staleness.as_millis()).unwrap_or(i64::MAX);
        let replica = Replica { id, max_staleness_ms, applied: self.memory.applied(), beat: 0 };
        let write = move |connection: &mut _| {
            // One whose commit was not confirmed may be there all the same, and would be waited for.
            former.map_or(Ok(()), |former| replicas::remove(connection, former.id))?;
            replicas::register(connection, replica)
        };
        self.db.write(write).await?;
        *self.row() = Some(Row { id, is_there: true });
        self.memory.trust.registered(begun + BEAT_LASTS);
        Ok(())
    }

    /// Says how much of the list is applied here, and that this server lives; registers anew if the row is gone.
    ///
    /// # Errors
    /// [`StoreError`]; then trust in memory runs out.
    pub(crate) async fn note(&self) -> Result<(), StoreError> {
        let begun = self.clock.since_boot();
        let row = *self.row();
        if let Some(Row { id, is_there: true }) = row {
            let applied = self.memory.applied();
            if self.db.write(move |connection| replicas::note(connection, id, applied)).await? {
                self.memory.trust.beaten(begun + BEAT_LASTS);
                return Ok(());
            }
            tracing::warn!("another server took this one for dead; registering anew");
            // Nobody waits for this server any more.
            self.memory.trust.end();
            *self.row() = None;
            self.pauses.at(Point::RowGone);
        }
        self.register().await
    }

    /// Notes whatever the follower applies, and beats, until told to stop.
    pub(crate) async fn keep(&self, mut stopped: watch::Receiver<bool>) {
        let mut applied = self.memory.applied_signal();
        let (mut failing, mut due) = (false, Duration::ZERO);
        // What the first look applied has not been noted.
        applied.mark_changed();
        loop {
            tokio::select! {
                // After a failure only as often as a beat is tried: whatever comes is noted together.
                _ = applied.changed(), if !failing => {}
                () = time::sleep(LOOK_EVERY) => if self.clock.since_boot() < due { continue },
                _ = stopped.wait_for(|stop| *stop) => return,
            }
            let begun = self.clock.since_boot();
            let result = self.note().await;
            match &result {
                Ok(()) if failing => tracing::info!("known to the other servers again"),
                Err(error) if !failing => tracing::warn!(%error, "cannot tell other servers that this one lives"),
                Ok(()) | Err(_) => {}
            }
            failing = result.is_err();
            due = if failing { begun } else { begun + BEAT_EVERY };
        }
    }

    /// Removes the row: nobody needs to wait for this server any more.
    ///
    /// # Errors
    /// [`StoreError`]; then another server removes it.
    pub(crate) async fn leave(&self) -> Result<(), StoreError> {
        // First, since afterwards nobody waits.
        self.memory.trust.end();
        let row = self.row().take();
        match row {
            Some(Row { id, .. }) => self.db.write(move |connection| replicas::remove(connection, id)).await,
            None => Ok(()),
        }
    }
}
