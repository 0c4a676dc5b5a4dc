//! What happens without anybody asking: usage is written each second, what is over is removed each minute.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::{self, MissedTickBehavior},
};

use super::{
    core::Core,
    sessions::{IDLE_TTL, MAX_TTL},
};
use crate::{
    domain::list::ENTRY_LIFETIME,
    store::{StoreError, list, sessions},
};

const FLUSH_EVERY: Duration = Duration::from_secs(1);
const PRUNE_EVERY: u32 = 60;

/// The running work.
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Background {
    pub(crate) fn spawn(core: Arc<Core>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut ticks = time::interval(FLUSH_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut count = 0_u32;
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    _ = stopped.wait_for(|stop| *stop) => break,
                }
                if let Err(error) = core.usage.flush(&core.db).await {
                    tracing::warn!(%error, "cannot write usage; will try again");
                }
                if count.is_multiple_of(PRUNE_EVERY)
                    && let Err(error) = prune(&core).await
                {
                    tracing::warn!(%error, "cannot remove what is over; will try again");
                }
                count = count.wrapping_add(1);
            }
        });
        Self { stop, task: Mutex::new(Some(task)) }
    }

    /// Ends the work and waits for it.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.lock().await.take() {
            // A task that panicked has ended too.
            let _ = task.await;
        }
    }
}

/// Removes entries of the list that no live access token is older than, and sessions that are over.
pub(crate) async fn prune(core: &Core) -> Result<(), StoreError> {
    let now = core.clock.now();
    let entries_before = now.plus_seconds(-ENTRY_LIFETIME);
    let (idle, begun) = (now.plus_seconds(-IDLE_TTL), now.plus_seconds(-MAX_TTL));
    while core.db.write(move |connection| list::prune(connection, entries_before)).await? {}
    core.db.write(move |connection| sessions::prune(connection, idle, begun)).await
}
