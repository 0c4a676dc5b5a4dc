//! How the services end.

use std::time::Duration;

use tokio::time;

use super::{core::Core, services::Services};
use crate::store::StoreError;

/// How long each of the last steps may take when the process ends.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

impl Services {
    /// Ends the work in the background, writes what was gathered, and tells the other servers. To be called when nothing
    /// is served any more.
    ///
    /// # Errors
    /// [`StoreError`] if something could not be written.
    pub async fn shut_down(&self) -> Result<(), StoreError> {
        let stopped = async {
            if let Some(background) = &self.background {
                background.stop().await;
            }
            Ok(())
        };
        let stopped = in_time(stopped).await;
        // First: to write what was gathered may take a while, and nobody need wait for this server meanwhile.
        let left = match &self.presence {
            Some(presence) => in_time(presence.leave()).await,
            None => Ok(()),
        };
        // Not beside a batch that still is under way: it would be written twice.
        stopped?;
        self.flush_usage().await?;
        left
    }

    /// Writes what was gathered of usage.
    pub(super) async fn flush_usage(&self) -> Result<(), StoreError> {
        let Core { usage, db, .. } = &*self.core;
        while usage.gather(usize::MAX) {
            while in_time(usage.write_part(db)).await? {}
        }
        Ok(())
    }
}

/// A database that hangs must not keep the process from ending.
async fn in_time<T>(step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let hung = |_| Err(StoreError::Unavailable("it hangs".to_owned()));
    time::timeout(SHUTDOWN_PATIENCE, step).await.unwrap_or_else(hung)
}
