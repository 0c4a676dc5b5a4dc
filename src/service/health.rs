//! Whether this process can do its work.

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tokio::sync::Mutex;

use super::{core::Core, exchange::Memory};
use crate::store::{StoreError, compatibility::Schema};

/// How long a good answer of the database is believed.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Why the process should get no requests.
#[derive(Debug, Error)]
pub enum NotReady {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The schema is one that this program cannot serve.
    #[error("{0}: {advice}", advice = .0.advice())]
    Schema(Schema),
    /// The list cannot be followed.
    #[error("the revocation list is not being followed")]
    Following,
    /// The clocks differ, in milliseconds.
    #[error("the database's clock is {0} ms ahead of this machine's: set the clocks")]
    Skew(i64),
}

/// How far the machine's clock may be from the database's, in milliseconds.
pub(super) const MOST_SKEW: i64 = 60_000;

/// Tells how things are.
pub struct Health {
    core: Arc<Core>,
    memory: Arc<Memory>,
    good_until: Mutex<Duration>,
}

impl Health {
    pub(crate) fn new(core: Arc<Core>, memory: Arc<Memory>) -> Self {
        Self { core, memory, good_until: Mutex::default() }
    }

    /// Whether the process can serve.
    ///
    /// # Errors
    /// See [`NotReady`].
    pub async fn check(&self) -> Result<(), NotReady> {
        self.schema().await?;
        let ahead = self.core.keys.ahead();
        if ahead.abs() > MOST_SKEW {
            return Err(NotReady::Skew(ahead));
        }
        // With a bound of zero memory is never trusted, and that is as it should be.
        let is_trusted = self.memory.is_trusted(self.core.clock.since_boot());
        if is_trusted || self.core.settings.max_staleness.is_zero() { Ok(()) } else { Err(NotReady::Following) }
    }

    /// Asks the database at most once a second, one at a time: anybody may ask this server.
    async fn schema(&self) -> Result<(), NotReady> {
        let now = self.core.clock.since_boot();
        let mut good_until = self.good_until.lock().await;
        if now >= *good_until {
            let schema = self.core.db.schema().await?;
            if !schema.can_be_served() {
                return Err(NotReady::Schema(schema));
            }
            *good_until = now + GOOD_FOR;
        }
        Ok(())
    }
}
