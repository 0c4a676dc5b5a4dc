//! Removes the rows of servers that ended without doing so themselves: whoever changes something would wait for them.

use std::{collections::HashMap, time::Duration};

use super::core::Core;
use crate::{
    domain::ids::ReplicaId,
    store::{StoreError, replicas},
};

/// How long a row may stand still. Whoever it belongs to trusts its memory for half of that at most
/// (`exchange/presence.rs`).
pub(crate) const STILL_FOR: Duration = Duration::from_mins(1);

/// Which beat each row was at, and since when by this process's own clock.
#[derive(Debug, Default)]
pub(crate) struct Watcher(HashMap<ReplicaId, (i64, Duration)>);

impl Watcher {
    /// Looks at all rows, and removes those that have stood still for too long.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn look(&mut self, core: &Core) -> Result<(), StoreError> {
        let rows = core.db.read::<_, StoreError>(replicas::all).await?;
        // After the reading: what was read is at least as old.
        let now = core.clock.since_boot();
        let mut still = HashMap::new();
        for row in rows {
            let known = self.0.get(&row.id).filter(|(beat, _)| *beat == row.beat);
            still.insert(row.id, *known.unwrap_or(&(row.beat, now)));
        }
        self.0 = still;
        for (id, (beat, since)) in self.0.clone() {
            let is_over = now >= since + STILL_FOR;
            if is_over && core.db.write(move |connection| replicas::remove_still(connection, id, beat)).await? {
                tracing::warn!(replica = %id, "a server has given no sign of life; not waiting for it any more");
                self.0.remove(&id);
            }
        }
        Ok(())
    }
}
