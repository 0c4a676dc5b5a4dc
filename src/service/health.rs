//! Whether this process can do its work.

use std::sync::Arc;

use thiserror::Error;

use super::{core::Core, exchange::Memory};
use crate::store::StoreError;

/// Why the process should get no requests.
#[derive(Debug, Error)]
pub enum NotReady {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another program's schema.
    #[error("the database's schema is not the one this program was built for: run patmint migrate")]
    Schema,
    /// The list cannot be followed.
    #[error("the revocation list is not being followed")]
    Following,
}

/// Tells how things are.
pub struct Health {
    pub(crate) core: Arc<Core>,
    pub(crate) memory: Arc<Memory>,
}

impl Health {
    /// Whether the process can serve.
    ///
    /// # Errors
    /// See [`NotReady`].
    pub async fn check(&self) -> Result<(), NotReady> {
        if !self.core.db.is_current().await? {
            return Err(NotReady::Schema);
        }
        // With a bound of zero memory is never trusted, and that is as it should be.
        let is_trusted = self.memory.is_trusted(self.core.clock.since_boot());
        if is_trusted || self.core.settings.max_staleness.is_zero() { Ok(()) } else { Err(NotReady::Following) }
    }
}
