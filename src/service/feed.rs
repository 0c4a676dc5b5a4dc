//! The feed: what was revoked, for services that verify access tokens on their own.

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tokio::time;

use super::{
    core::Core,
    exchange::{Bell, FeedPage, Look, Memory},
};
use crate::domain::clock::Timestamp;

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
    /// The moment of the answer, by the database's clock, as the entries' ends are.
    pub now: Timestamp,
    /// How long ago it was confirmed that there was nothing else.
    pub age: Duration,
    /// How long the request was held. It ends at the same moment as `age`, so that the reader can count back from it.
    pub held: Duration,
}

/// Tells what was revoked.
pub struct Feed {
    core: Arc<Core>,
    memory: Arc<Memory>,
    /// Absent where nothing is followed: on the command line.
    bell: Option<Arc<Bell>>,
}

/// A request of a reader that knows the list up to a number.
pub struct FeedRequest<'a> {
    feed: &'a Feed,
    after: i64,
    /// Since boot.
    asked_at: Duration,
}

impl Feed {
    pub(crate) fn new(core: Arc<Core>, memory: Arc<Memory>, bell: Option<Arc<Bell>>) -> Self {
        Self { core, memory, bell }
    }

    /// A request, as of now, for what came after the number `after`.
    #[must_use]
    pub fn request(&self, after: i64) -> FeedRequest<'_> {
        FeedRequest { feed: self, after, asked_at: self.core.clock.since_boot() }
    }

    /// Lets all who wait have their answers, and nobody wait from now on: the server stops.
    pub fn close(&self) {
        self.memory.feed.close();
    }

    /// Waits until what this server goes by is confirmed as of now, where nobody who changes something waits for it: a server
    /// that reads the database each time is in no list of servers.
    ///
    /// # Errors
    /// See [`FeedError`].
    pub(super) async fn confirm(&self) -> Result<(), FeedError> {
        if self.looks_each_time() {
            self.look().await?;
        }
        Ok(())
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

impl FeedRequest<'_> {
    /// What there is now, a page of it.
    ///
    /// # Errors
    /// See [`FeedError`].
    pub async fn answer(&self) -> Result<Delta, FeedError> {
        let clock = &self.feed.core.clock;
        let look = self.feed.look().await?;
        let now = clock.now();
        // After the look was chosen: whatever it saw is in the page. The age is measured after the page, never before.
        let page = self.feed.memory.feed.page(self.after, now);
        let end = clock.since_boot();
        let (age, held) = (end.saturating_sub(look.begun_at), end.saturating_sub(self.asked_at));
        Ok(Delta { page, now, age, held })
    }

    /// Waits until there is news, or `longest` is over, or the server stops, or memory may not be believed any more (even
    /// while a look hangs). A server that does not know the list as far as the reader waits until it does and has news.
    pub async fn wait(&self, longest: Duration) {
        let log = &self.feed.memory.feed;
        let mut signal = log.signal();
        let something = async {
            while !*signal.borrow_and_update() && !log.has_news(self.after) && self.feed.is_following() {
                // The sender outlives us.
                let _ = signal.changed().await;
            }
        };
        // Over or not: what is known then is the answer.
        let _ = time::timeout(longest, something).await;
    }
}
