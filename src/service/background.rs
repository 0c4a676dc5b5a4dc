//! What happens without anybody asking: usage is written every few seconds, what was replaced ends when its successor was
//! used, and memory that sign-ins do not need any more goes back; each minute what is over or long stale is removed, and a
//! new key is made if it is time; the other servers are told how far this one has followed, and
//! whoever waits for a revocation when that cannot be known any more.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{self, MissedTickBehavior},
};

use super::{
    core::Core,
    credentials::{StaleWalk, end_replaced},
    exchange::{Presence, lapse},
    keys::{KeyRingError, Keys, ShownKey},
    passwords::Passwords,
    retention,
    sessions::{IDLE_TTL, MAX_TTL},
    watcher::Watcher,
};
use crate::{
    domain::{idempotency, list::ENTRY_LIFETIME},
    store::{StoreError, idempotency_keys, list, sessions},
};

const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// In flushes: a minute.
const PRUNE_EVERY: u32 = 12;

/// The running work.
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

impl Background {
    pub(crate) fn spawn(core: Arc<Core>, passwords: Arc<Passwords>, presence: Option<Arc<Presence>>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(tidy(core, passwords, stopped.clone()));
        if let Some(presence) = presence {
            let (memory, clock, mut told_to_stop) = (presence.memory.clone(), presence.clock.clone(), stopped.clone());
            tasks.spawn(async move {
                tokio::select! {
                    never = lapse::tell(memory, clock) => match never {},
                    _ = told_to_stop.wait_for(|stop| *stop) => {}
                }
            });
            tasks.spawn(async move { presence.keep(stopped).await });
        }
        Self { stop, tasks: Mutex::new(tasks) }
    }

    /// Ends the work and waits for it.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        // A task that panicked has ended too.
        while self.tasks.lock().await.join_next().await.is_some() {}
    }
}

async fn tidy(core: Arc<Core>, passwords: Arc<Passwords>, mut stopped: watch::Receiver<bool>) {
    let mut ticks = time::interval(FLUSH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut count, mut watcher, mut stale) = (0_u32, Watcher::default(), StaleWalk::default());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => break,
        }
        passwords.give_back_memory();
        if let Err(error) = core.usage.flush_some(&core.db).await {
            tracing::warn!(%error, "cannot write usage; will try again");
        }
        if let Err(error) = end_replaced(&core).await {
            tracing::warn!(%error, "cannot end tokens that were replaced; will try again");
        }
        if count.is_multiple_of(PRUNE_EVERY) {
            each_minute(&core, &mut watcher, &mut stale).await;
        }
        count = count.wrapping_add(1);
    }
}

/// What is done each minute.
pub(crate) async fn each_minute(core: &Arc<Core>, watcher: &mut Watcher, stale: &mut StaleWalk) {
    if let Err(error) = clean_up(core).await {
        tracing::warn!(%error, "cannot remove what is over; will try again");
    }
    if let Err(error) = retention::remove_old(core).await {
        tracing::warn!(%error, "cannot remove what was kept long enough; will try again");
    }
    if let Err(error) = stale.step(core).await {
        tracing::warn!(%error, "cannot end stale tokens; will try again");
    }
    if let Err(error) = watcher.look(core).await {
        tracing::warn!(%error, "cannot look after the other servers; will try again");
    }
    match rotated(core).await {
        Ok(Some(key)) => tracing::info!(kid = key.kid, activates_at = %key.activates_at, "made a new signing key"),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "cannot make a new signing key; will try again"),
    }
}

/// The most steps in which each of the jobs removes what is over in one minute.
const STEPS: usize = 20;

/// Removes entries of the list that no live access token is older than, idempotency keys after a day, and sessions that are
/// over; not while the clock may be wrong.
pub(crate) async fn clean_up(core: &Core) -> Result<(), StoreError> {
    let Some(now) = core.may_clean_up().await? else { return Ok(()) };
    let entries_before = now.plus_seconds(-ENTRY_LIFETIME);
    for _ in 0..STEPS {
        if !core.db.write(move |connection| list::prune(connection, entries_before)).await? {
            break;
        }
    }
    let (idle, begun) = (now.plus_seconds(-IDLE_TTL), now.plus_seconds(-MAX_TTL));
    let keys_before = now.plus_seconds(-idempotency::LIFETIME);
    for _ in 0..STEPS {
        if !core.db.write(move |connection| idempotency_keys::prune(connection, keys_before)).await? {
            break;
        }
    }
    for _ in 0..STEPS {
        if !core.db.write(move |connection| sessions::prune(connection, idle, begun)).await? {
            break;
        }
    }
    Ok(())
}

/// A new key, if it is time and the clock is right: one from the future would never sign.
async fn rotated(core: &Arc<Core>) -> Result<Option<ShownKey>, KeyRingError> {
    if core.may_clean_up().await?.is_none() {
        return Ok(None);
    }
    Keys { core: core.clone() }.rotate_if_due().await
}
