//! Callers that ask one thing again and again, and what they were answered.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::http::{Answer, Caller};
use crate::Failure;

/// One answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) asked: Instant,
    pub(crate) took: Duration,
    /// 0 = no answer.
    pub(crate) status: u16,
    pub(crate) has_retry_after: bool,
}

/// Ends, when dropped, what threads do meanwhile: also those of a fault that has failed.
#[derive(Default)]
pub(crate) struct Meanwhile(Arc<AtomicBool>);

impl Meanwhile {
    /// What a thread asks whether it is over.
    pub(crate) fn is_over(&self) -> impl Fn() -> bool + Clone + Send + use<> {
        let is_over = self.0.clone();
        move || is_over.load(SeqCst)
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// A caller on a thread of its own, until it is told to stop.
pub(crate) struct Asking {
    meanwhile: Meanwhile,
    thread: JoinHandle<Vec<Seen>>,
}

impl Asking {
    pub(crate) fn start(
        address: SocketAddr,
        ask: impl Fn(&Caller) -> Result<Answer, Failure> + Send + 'static,
    ) -> Self {
        let meanwhile = Meanwhile::default();
        let is_over = meanwhile.is_over();
        let thread = thread::spawn(move || {
            let caller = Caller::new(address);
            let mut all = Vec::new();
            while !is_over() {
                let asked = Instant::now();
                all.push(match ask(&caller) {
                    Ok(Answer { status, has_retry_after, took, .. }) => Seen { asked, took, status, has_retry_after },
                    Err(_) => Seen { asked, took: asked.elapsed(), status: 0, has_retry_after: false },
                });
            }
            all
        });
        Self { meanwhile, thread }
    }

    pub(crate) fn stop(self) -> Result<Vec<Seen>, Failure> {
        drop(self.meanwhile);
        self.thread.join().map_err(|_| "a caller panicked".into())
    }
}

/// How many answers had which status, and the longest time one took.
pub(crate) fn summary(seen: &[Seen]) -> String {
    let mut statuses = BTreeMap::<u16, usize>::new();
    for one in seen {
        *statuses.entry(one.status).or_default() += 1;
    }
    let longest = seen.iter().map(|one| one.took).max().unwrap_or_default();
    format!("{statuses:?}, longest {}", ms(longest))
}

/// A duration to the millisecond: what is held to a bound is told as exactly.
pub(crate) fn ms(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

/// Lets time pass: how long something lasts is what a fault is about.
pub(crate) fn pass(time: Duration) {
    let ends = Instant::now() + time;
    while let Some(left) = ends.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}
