//! The feed: what was revoked, for services that verify access tokens on their own.

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tokio::time;

use super::{
    core::Core,
    exchange::{Bell, FeedPage, Look, Memory},
};

/// How long a look at the list may take where each answer needs one of its own.
const LOOK_PATIENCE: Duration = Duration::from_secs(1);

/// Why there is no answer. An empty one would say that nothing was revoked.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The list cannot be followed.
    #[error("the revocation list is not being followed")]
    Following,
}

/// A part of the list and how recent it is.
#[derive(Clone, Debug)]
pub struct Delta {
    /// The part.
    pub page: FeedPage,
    /// How long ago it was confirmed that there was nothing else.
    pub age: Duration,
}

/// Tells what was revoked.
pub struct Feed {
    core: Arc<Core>,
    memory: Arc<Memory>,
    /// Absent where nothing is followed: on the command line.
    bell: Option<Arc<Bell>>,
}

impl Feed {
    pub(crate) fn new(core: Arc<Core>, memory: Arc<Memory>, bell: Option<Arc<Bell>>) -> Self {
        Self { core, memory, bell }
    }

    /// What came after the number `after`, a page of it.
    ///
    /// # Errors
    /// See [`FeedError`].
    pub async fn read(&self, after: i64) -> Result<Delta, FeedError> {
        let look = self.look().await?;
        // After the look was chosen: whatever it saw is in the page.
        let page = self.memory.feed.page(after, self.core.clock.now());
        let age = self.core.clock.since_boot().saturating_sub(look.begun_at);
        Ok(Delta { page, age })
    }

    /// The same as soon as something comes after `after`, or when `wait` is over, or when the server stops.
    ///
    /// # Errors
    /// See [`FeedError`]; also as soon as memory may not be believed any more, even while a look hangs.
    pub async fn read_within(&self, after: i64, wait: Duration) -> Result<Delta, FeedError> {
        let mut signal = self.memory.feed.signal();
        let something = async {
            while !*signal.borrow_and_update() && !self.has_news(after) && self.is_following() {
                // The sender outlives us.
                let _ = signal.changed().await;
            }
        };
        // Over or not: what is known then is the answer.
        let _ = time::timeout(wait, something).await;
        self.read(after).await
    }

    /// Whether whoever knows the list up to `after` need not wait.
    #[must_use]
    pub fn has_news(&self, after: i64) -> bool {
        self.memory.feed.has_news(after)
    }

    /// Lets all who wait have their answers, and nobody wait from now on: the server stops.
    pub fn close(&self) {
        self.memory.feed.close();
    }

    /// A server that reads the database each time never trusts its memory; it looks anew before each answer.
    fn looks_each_time(&self) -> bool {
        self.core.settings.max_staleness.is_zero()
    }

    fn is_following(&self) -> bool {
        self.looks_each_time() || self.memory.is_trusted(self.core.clock.since_boot())
    }

    /// The look at the list that an answer goes by.
    async fn look(&self) -> Result<Look, FeedError> {
        if !self.is_following() {
            return Err(FeedError::Following);
        }
        if !self.looks_each_time() {
            return Ok(self.memory.feed.last_look());
        }
        let bell = self.bell.as_ref().ok_or(FeedError::Following)?;
        // One look serves all who wait for it.
        let look = self.memory.feed.next_look(|| bell.ring());
        time::timeout(LOOK_PATIENCE, look).await.map_err(|_| FeedError::Following)
    }
}
