//! Heavy work that exchanges must not wait for: on threads that run only where nobody else has anything to do.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::setpriority_process;
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{self, Instant},
};

/// The most threads that run only on idle cores. On a machine that is never idle they may take many seconds, with all
/// the memory of their work.
const IDLE_AT_ONCE: usize = 2;

/// After how long such a thread is taken to starve: some ten times what its work takes. It may not be raised again.
const STARVES_AFTER: Duration = Duration::from_millis(200);

/// For how long no other is started there after one has starved.
const CROWDED_FOR: Duration = Duration::from_secs(5);

/// How far the others stand behind (nice(2)).
const NICE: i32 = 10;

/// What a thread stands behind.
#[derive(Clone, Copy, Debug)]
enum Rank {
    /// Everything: it runs on a core that would be idle, and goes at once when somebody comes (`SCHED_IDLE`).
    Idle,
    /// Others: it gets a tenth of what they get, but its turn is not cut short.
    Nice,
}

impl Rank {
    /// Puts the calling thread there, as far as that may be: the work is to be done all the same.
    fn take(self) {
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let be_idle = || set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
        if matches!(self, Self::Nice) || be_idle().is_err() {
            let _ = setpriority_process(None, NICE);
        }
        // It began as one among the others, with a slice that the system protects: it would be let finish that first, and
        // a worker that wakes on this core would wait for it for up to a tick (4 ms).
        thread::yield_now();
    }

    fn name(self) -> &'static str {
        match self {
            Self::Idle => "behind-idle",
            Self::Nice => "behind-nice",
        }
    }
}

/// Runs heavy work, each on a thread of its own.
pub(crate) struct Behind {
    idle: Arc<Semaphore>,
    /// Until when the machine is taken to have no idle core.
    crowded_until: Mutex<Instant>,
}

impl Default for Behind {
    fn default() -> Self {
        Self { idle: Arc::new(Semaphore::new(IDLE_AT_ONCE)), crowded_until: Mutex::new(Instant::now()) }
    }
}

impl Behind {
    fn crowded_until(&self) -> MutexGuard<'_, Instant> {
        // No code panics while it holds this.
        self.crowded_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle_place(&self) -> Option<OwnedSemaphorePermit> {
        let is_crowded = Instant::now() < *self.crowded_until();
        if is_crowded { None } else { self.idle.clone().try_acquire_owned().ok() }
    }

    /// Does `work` on an idle core. If it starves there it is done again beside itself, behind the others but in bounded
    /// time; what is done first counts. Each needs a `turn`, which is kept as long as a thread works that is not one of
    /// the [`IDLE_AT_ONCE`], also for a caller who has gone away.
    ///
    /// # Errors
    /// If the system gives no thread, or `work` panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        turn: impl Send + 'static,
        work: impl Fn() -> T + Send + Sync + 'static,
    ) -> io::Result<T> {
        let work = Arc::new(work);
        let Some(place) = self.idle_place() else {
            return ended(start(Rank::Nice, turn, work)?.await);
        };
        let mut idle = start(Rank::Idle, place, work.clone())?;
        if let Ok(outcome) = time::timeout(STARVES_AFTER, &mut idle).await {
            return ended(outcome);
        }
        *self.crowded_until() = Instant::now() + CROWDED_FOR;
        let nice = start(Rank::Nice, turn, work)?;
        tokio::select! {
            outcome = idle => ended(outcome),
            outcome = nice => ended(outcome),
        }
    }
}

/// Starts a thread that keeps `place` for as long as it works.
fn start<T: Send + 'static>(
    rank: Rank,
    place: impl Send + 'static,
    work: Arc<impl Fn() -> T + Send + Sync + 'static>,
) -> io::Result<oneshot::Receiver<T>> {
    let (answer, outcome) = oneshot::channel();
    let body = move || {
        let _place = place;
        rank.take();
        // Who has gone away does not mind.
        let _ = answer.send(work());
    };
    thread::Builder::new().name(rank.name().to_owned()).spawn(body).map(|_: JoinHandle<()>| outcome)
}

fn ended<T>(outcome: Result<T, oneshot::error::RecvError>) -> io::Result<T> {
    outcome.map_err(|_| io::Error::other("it broke off"))
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        future::{Future as _, poll_fn},
        sync::Condvar,
        task::Poll,
    };

    use thread_priority::thread_schedule_policy;

    use super::*;
    use crate::service::testing::block_on;

    /// Threads on idle cores are let go on only when a test says so.
    #[derive(Clone, Default)]
    struct Busy(Arc<(Mutex<bool>, Condvar)>);

    impl Busy {
        fn end(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_all();
        }

        fn wait(&self) {
            drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |ended| !*ended).unwrap());
        }

        /// What a thread is asked to do: to wait there, and to say what it is.
        fn work(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
            let busy = self.clone();
            move || {
                let name = thread::current().name().map(str::to_owned);
                if name.as_deref() == Some(Rank::Idle.name()) {
                    busy.wait();
                }
                name
            }
        }
    }

    #[test]
    fn it_is_done_behind_everything() {
        let (behind, policies) = (Behind::default(), Arc::new(Mutex::new(HashMap::new())));
        let noted = policies.clone();
        let note = move || {
            let name = thread::current().name().map(str::to_owned);
            noted.lock().unwrap().insert(name, thread_schedule_policy().unwrap());
        };
        block_on(async {
            behind.run((), note).await.unwrap();
            // On a busy machine it is still under way.
            let _places = behind.idle.acquire_many(2).await.unwrap();
        });
        let idle = policies.lock().unwrap().remove(&Some(Rank::Idle.name().to_owned()));
        assert_eq!(idle, Some(ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle)));
    }

    #[test]
    fn what_starves_is_done_all_the_same_and_few_starve() {
        let (behind, busy) = (Behind::default(), Busy::default());
        block_on(async {
            let both = tokio::join!(behind.run((), busy.work()), behind.run((), busy.work()));
            let third = behind.run((), busy.work()).await;
            assert_eq!(behind.idle.available_permits(), 0, "those that starve keep their places");
            for outcome in [both.0, both.1, third] {
                assert_eq!(outcome.unwrap().as_deref(), Some(Rank::Nice.name()));
            }
            busy.end();
            drop(behind.idle.acquire_many(2).await.unwrap());
            let soon = behind.run((), busy.work()).await;
            assert_eq!(soon.unwrap().as_deref(), Some(Rank::Nice.name()), "no idle core is hoped for");
            assert!(behind.idle_place().is_none());
            *behind.crowded_until() = Instant::now();
            assert!(behind.idle_place().is_some());
        });
    }

    #[test]
    fn who_goes_away_leaves_the_turn_to_the_work() {
        let (behind, busy, turns) = (Behind::default(), Busy::default(), Arc::new(Semaphore::new(1)));
        block_on(async {
            let _places = behind.idle.acquire_many(2).await.unwrap();
            let (turn, waits) = (turns.clone().acquire_owned().await.unwrap(), busy.clone());
            let mut run = Box::pin(behind.run(turn, move || waits.wait()));
            let is_pending = poll_fn(|context| Poll::Ready(run.as_mut().poll(context).is_pending())).await;
            assert!(is_pending);
            drop(run);
            assert_eq!(turns.available_permits(), 0);
            busy.end();
            drop(turns.acquire().await.unwrap());
        });
    }

    #[test]
    fn work_that_panics_is_an_error() {
        let outcome = block_on(Behind::default().run((), || panic!("as it should")));
        let outcome: io::Result<()> = outcome;
        assert!(outcome.is_err());
    }
}
