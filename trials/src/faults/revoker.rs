//! Callers that revoke, whatever becomes of the server meanwhile; each asks until it is answered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    asked::{Meanwhile, pass},
    ensure,
    http::Caller,
    moving::Whereabouts,
};
use crate::Failure;

/// How soon one asks again that had no answer.
const AGAIN: Duration = Duration::from_millis(10);

/// Within it a server has come back and has answered.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
pub(super) struct Told {
    /// Whose revocation was answered, and when.
    pub(super) answered: BTreeMap<String, Instant>,
    /// How often it was asked for again, because there was no answer or a 503.
    pub(super) again: usize,
}

/// Some of them, on threads of their own.
pub(super) struct Revokers {
    meanwhile: Meanwhile,
    told: Arc<Mutex<Told>>,
    threads: Vec<JoinHandle<Result<(), Failure>>>,
}

impl Revokers {
    /// `count` of them, who revoke `victims`.
    pub(super) fn start(count: usize, server: &Whereabouts, session: &str, victims: Vec<String>) -> Self {
        let (meanwhile, told) = (Meanwhile::default(), Arc::<Mutex<Told>>::default());
        let victims = Arc::new(Mutex::new(victims));
        let one = |_| {
            let (is_over, told, victims) = (meanwhile.is_over(), told.clone(), victims.clone());
            let (server, session) = (server.clone(), session.to_owned());
            thread::spawn(move || {
                let mut caller = server.caller();
                while !is_over() {
                    let victim = locked(&victims).pop().ok_or("nothing is left to revoke")?;
                    let began = Instant::now();
                    while !is_revoked(&caller, &session, &victim)? {
                        ensure(began.elapsed() < PATIENCE, || format!("{victim}: no answer in {PATIENCE:?}"))?;
                        locked(&told).again += 1;
                        pass(AGAIN);
                        caller = server.caller();
                    }
                    locked(&told).answered.insert(victim, Instant::now());
                }
                Ok(())
            })
        };
        let threads = (0..count).map(one).collect();
        Self { meanwhile, told, threads }
    }

    /// Waits until so many more revocations were answered.
    ///
    /// # Errors
    /// If they are not in time.
    pub(super) fn answered(&self, more: usize) -> Result<(), Failure> {
        let (began, wanted) = (Instant::now(), locked(&self.told).answered.len() + more);
        while locked(&self.told).answered.len() < wanted && !self.threads.iter().any(JoinHandle::is_finished) {
            ensure(began.elapsed() < PATIENCE, || format!("not {more} revocations in {PATIENCE:?}"))?;
            pass(AGAIN);
        }
        Ok(())
    }

    /// What they were told in all.
    ///
    /// # Errors
    /// If an answer was wrong.
    pub(super) fn stop(self) -> Result<Told, Failure> {
        drop(self.meanwhile);
        for thread in self.threads {
            thread.join().map_err(|_| "a revoker panicked")??;
        }
        Ok(locked(&self.told).clone())
    }
}

/// Whether the revocation of `id` is answered.
fn is_revoked(caller: &Caller, session: &str, id: &str) -> Result<bool, Failure> {
    let Ok(answer) = caller.revoke(session, id) else { return Ok(false) };
    if answer.status == 503 && answer.has_retry_after {
        return Ok(false);
    }
    answer.good(204)?;
    Ok(true)
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
