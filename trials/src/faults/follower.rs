//! A client that follows the feed as a service does, whatever becomes of the server meanwhile. That it is always the same
//! issuer it does not check: a server has another address after each start, and takes its name from that.

use std::{
    collections::{BTreeMap, btree_map::Entry as MapEntry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{
    asked::{Meanwhile, pass},
    ensure,
    http::Caller,
    moving::Whereabouts,
};
use crate::Failure;

/// How long it waits at the feed, in seconds.
const WAIT: u64 = 1;

/// A wait that was shorter had no place, or was ended.
const WAIT_MS: u64 = 1000 * WAIT;

/// How soon it asks again that had no answer.
const AGAIN: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) seq: i64,
    /// Absent where the entry revokes by another name, or everything.
    pub(super) credential: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    head: i64,
    more: bool,
    held_ms: u64,
    entries: Vec<Entry>,
}

/// What it knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// In the order in which they came.
    pub(super) entries: Vec<Entry>,
    pub(super) heard_at: BTreeMap<String, Instant>,
    head: i64,
    /// How often a credential was heard of once more.
    pub(super) repeated: usize,
    /// How often no answer came.
    pub(super) unanswered: usize,
    /// How often the server could not vouch for its answer (503).
    pub(super) refused: usize,
    /// How often the server was behind what is known, and its answer was dropped.
    pub(super) behind: usize,
}

/// How to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// There may be more.
    AtOnce,
    /// Nothing new came.
    AfterAPause,
}

impl Known {
    /// # Errors
    /// If an entry is not one that was to come.
    fn take(&mut self, page: Page) -> Result<Next, Failure> {
        if page.head < self.head {
            ensure(page.entries.is_empty(), || format!("entries of a server that knows the list up to {}", page.head))?;
            self.behind += 1;
            return Ok(Next::AfterAPause);
        }
        let has_news = page.more || !page.entries.is_empty();
        let mut last = self.head;
        for entry in page.entries {
            ensure(entry.seq > last && entry.seq <= page.head, || {
                format!("{entry:?} came after {last} in an answer up to {}", page.head)
            })?;
            last = entry.seq;
            if let Some(credential) = &entry.credential {
                match self.heard_at.entry(credential.clone()) {
                    MapEntry::Vacant(place) => {
                        place.insert(Instant::now());
                    }
                    MapEntry::Occupied(_) => self.repeated += 1,
                }
            }
            self.entries.push(entry);
        }
        self.head = page.head;
        Ok(if has_news || page.held_ms >= WAIT_MS { Next::AtOnce } else { Next::AfterAPause })
    }

    /// Asks once; `None` = no answer.
    fn ask(&mut self, caller: &Caller, wait: u64) -> Result<Option<Next>, Failure> {
        let Ok(answer) = caller.get(&format!("/revocations?after={}&wait={wait}", self.head)) else {
            self.unanswered += 1;
            return Ok(None);
        };
        if answer.status == 503 && answer.has_retry_after {
            self.refused += 1;
            return Ok(None);
        }
        self.take(serde_json::from_slice(&answer.good(200)?.body)?).map(Some)
    }

    /// All that a server lists.
    ///
    /// # Errors
    /// If it does not answer, or its list is not in order.
    pub(super) fn all(caller: &Caller) -> Result<Self, Failure> {
        let mut known = Self::default();
        loop {
            let next = known.ask(caller, 0)?.ok_or("no answer from the feed")?;
            if next == Next::AfterAPause {
                return Ok(known);
            }
        }
    }
}

/// On a thread of its own.
pub(super) struct Follower {
    meanwhile: Meanwhile,
    known: Arc<Mutex<Known>>,
    thread: JoinHandle<Result<(), Failure>>,
}

impl Follower {
    /// A client of one server.
    pub(super) fn start(server: Whereabouts) -> Self {
        Self::balanced(vec![server])
    }

    /// A client behind a balancer: each question goes to the next server.
    pub(super) fn balanced(servers: Vec<Whereabouts>) -> Self {
        let (meanwhile, known) = (Meanwhile::default(), Arc::<Mutex<Known>>::default());
        let (is_over, shared) = (meanwhile.is_over(), known.clone());
        let thread = thread::spawn(move || {
            let mut callers: Vec<_> = servers.iter().map(Whereabouts::caller).collect();
            let mut known = Known::default();
            while !is_over() {
                for (server, caller) in servers.iter().zip(&mut callers) {
                    match known.ask(caller, WAIT)? {
                        Some(Next::AtOnce) => {}
                        Some(Next::AfterAPause) => pass(AGAIN),
                        None => {
                            pass(AGAIN);
                            *caller = server.caller();
                        }
                    }
                    *locked(&shared) = known.clone();
                }
            }
            Ok(())
        });
        Self { meanwhile, known, thread }
    }

    /// Waits until it has heard of all these.
    ///
    /// # Errors
    /// If it does not within `patience`.
    pub(super) fn hears<'a>(
        &self,
        credentials: impl Iterator<Item = &'a String>,
        patience: Duration,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        for credential in credentials {
            // What it heard may have been wrong: `stop` says so.
            while !locked(&self.known).heard_at.contains_key(credential) && !self.thread.is_finished() {
                ensure(began.elapsed() < patience, || format!("{credential}: not heard of in {patience:?}"))?;
                pass(AGAIN);
            }
        }
        Ok(())
    }

    /// What it knows, once its last question is answered.
    ///
    /// # Errors
    /// If something that it heard was wrong.
    pub(super) fn stop(self) -> Result<Known, Failure> {
        drop(self.meanwhile);
        self.thread.join().map_err(|_| "the follower panicked")??;
        Ok(locked(&self.known).clone())
    }
}

fn locked(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
