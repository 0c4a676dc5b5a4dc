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
pub(super) struct Seen {
    pub(super) asked: Instant,
    pub(super) took: Duration,
    /// 0 = no answer.
    pub(super) status: u16,
    pub(super) has_retry_after: bool,
}

/// A caller on a thread of its own, until it is told to stop.
pub(super) struct Asking {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Seen>>,
}

impl Asking {
    pub(super) fn start(
        address: SocketAddr,
        ask: impl Fn(&Caller) -> Result<Answer, Failure> + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let caller = Caller::new(address);
            let mut all = Vec::new();
            while !stopped.load(SeqCst) {
                let asked = Instant::now();
                all.push(match ask(&caller) {
                    Ok(Answer { status, has_retry_after, took, .. }) => Seen { asked, took, status, has_retry_after },
                    Err(_) => Seen { asked, took: asked.elapsed(), status: 0, has_retry_after: false },
                });
            }
            all
        });
        Self { stop, thread }
    }

    pub(super) fn stop(self) -> Result<Vec<Seen>, Failure> {
        self.stop.store(true, SeqCst);
        self.thread.join().map_err(|_| "a caller panicked".into())
    }
}

/// How many answers had which status, and the longest time one took.
pub(super) fn summary(seen: &[Seen]) -> String {
    let mut statuses = BTreeMap::<u16, usize>::new();
    for one in seen {
        *statuses.entry(one.status).or_default() += 1;
    }
    let longest = seen.iter().map(|one| one.took).max().unwrap_or_default();
    format!("{statuses:?}, longest {}", ms(longest))
}

/// A duration to the millisecond: what is held to a bound is told as exactly.
pub(super) fn ms(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

/// Lets time pass: how long something lasts is what a fault is about.
pub(super) fn pass(time: Duration) {
    let ends = Instant::now() + time;
    while let Some(left) = ends.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}
