//! Callers that make and revoke, whatever becomes of the server meanwhile, and keep a list of what they were told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{asked::pass, ensure, http::Caller, moving::Whereabouts};
use crate::Failure;

/// How soon one tries again that was refused.
const AGAIN: Duration = Duration::from_millis(10);

#[derive(Clone, Default)]
pub(super) struct Told {
    /// Whose revocation was asked for.
    pub(super) asked: BTreeSet<String>,
    /// Whose revocation was answered, and when.
    pub(super) answered: BTreeMap<String, Instant>,
}

/// Some of them, on threads of their own.
pub(super) struct Revokers {
    stop: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
    threads: Vec<JoinHandle<Result<(), Failure>>>,
}

impl Revokers {
    pub(super) fn start(count: usize, server: &Whereabouts, session: &str) -> Self {
        let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Told>>::default());
        let one = |_| {
            let (stop, told, server, session) = (stop.clone(), told.clone(), server.clone(), session.to_owned());
            thread::spawn(move || {
                let mut caller = server.caller();
                while !stop.load(SeqCst) {
                    if !revoke_one(&caller, &session, &told)? {
                        pass(AGAIN);
                        caller = server.caller();
                    }
                }
                Ok(())
            })
        };
        let threads = (0..count).map(one).collect();
        Self { stop, told, threads }
    }

    /// Waits until so many more revocations were answered.
    ///
    /// # Errors
    /// If they are not within `patience`.
    pub(super) fn answered(&self, more: usize, patience: Duration) -> Result<(), Failure> {
        let (began, wanted) = (Instant::now(), locked(&self.told).answered.len() + more);
        while locked(&self.told).answered.len() < wanted && !self.threads.iter().any(JoinHandle::is_finished) {
            ensure(began.elapsed() < patience, || format!("not {more} revocations in {patience:?}"))?;
            pass(AGAIN);
        }
        Ok(())
    }

    /// What they were told in all.
    ///
    /// # Errors
    /// If an answer was wrong.
    pub(super) fn stop(self) -> Result<Told, Failure> {
        self.stop.store(true, SeqCst);
        for thread in self.threads {
            thread.join().map_err(|_| "a revoker panicked")??;
        }
        Ok(locked(&self.told).clone())
    }
}

/// Makes and revokes a credential; says whether both were done.
fn revoke_one(caller: &Caller, session: &str, told: &Mutex<Told>) -> Result<bool, Failure> {
    let Ok(made) = caller.create(session) else { return Ok(false) };
    if made.status == 503 {
        return Ok(false);
    }
    let id = made.good(201)?.member("id")?;
    locked(told).asked.insert(id.clone());
    let Ok(answer) = caller.revoke(session, &id) else { return Ok(false) };
    if answer.status == 503 {
        return Ok(false);
    }
    answer.good(204)?;
    locked(told).answered.insert(id, Instant::now());
    Ok(true)
}

fn locked(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
