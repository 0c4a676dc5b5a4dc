//! Reads rows for exchanges that memory cannot answer. What is asked for while a read is under way is read together after
//! it: to hand work from thread to thread costs more than to read a row.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{self, Instant},
};

use super::{
    known::Known,
    pause::{Pauses, Point},
};
use crate::{
    domain::credential::LookupKey,
    store::{Database, DbConnection, StoreError, list, standings},
};

/// How long an exchange waits for its row.
const PATIENCE: Duration = Duration::from_secs(1);

/// After how long another lane is opened all the same: the one that is open may hang.
const LANE_PATIENCE: Duration = Duration::from_millis(100);

/// How many rows are read for one look at the counter.
const BATCH: usize = 8;

/// The most exchanges that wait for their row.
const MOST_WANTED: usize = 1000;

/// A row and the counter that was read before it.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) counter: i64,
    /// The number of the last change of the keys, as it was with this counter.
    pub(super) keys_seq: i64,
    pub(super) known: Option<Arc<Known>>,
}

pub(super) type Outcome = Result<Load, StoreError>;

/// A row that somebody waits for.
struct Wanted {
    key: LookupKey,
    answer: oneshot::Sender<Outcome>,
}

#[derive(Default)]
struct State {
    wanted: VecDeque<Wanted>,
    lanes: usize,
}

/// What is wanted, and how many threads see to it.
#[derive(Default)]
struct Queue(Mutex<State>);

/// Reads rows.
pub(super) struct Reader {
    db: Database,
    pauses: Pauses,
    queue: Arc<Queue>,
}

impl Reader {
    pub(super) fn new(db: Database, pauses: Pauses) -> Self {
        Self { db, pauses, queue: Arc::default() }
    }

    /// The row for `key` as it is now or later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn read(&self, key: LookupKey) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        let (answer, mut outcome) = oneshot::channel();
        self.queue.add(Wanted { key, answer })?;
        self.open_lane_above(BATCH);
        let mut answered = time::timeout(LANE_PATIENCE, &mut outcome).await;
        if answered.is_err() {
            self.open_lane_above(0);
            answered = time::timeout_at(deadline, outcome).await;
        }
        let given_up = |why: &str| Err(StoreError::Unavailable(why.to_owned()));
        match answered {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => given_up("the read was given up"),
            Err(_) => given_up("no answer in time"),
        }
    }

    /// Opens a lane if none is open, or if more than `each` wait for each of those that are.
    fn open_lane_above(&self, each: usize) {
        let Some(lane) = Lane::open(&self.queue, each, self.db.exchange_connections()) else { return };
        let (db, queue, pauses) = (self.db.clone(), self.queue.clone(), self.pauses.clone());
        tokio::spawn(async move {
            if let Err(error) = db.read_for_exchanges(move |connection| lane.serve(connection, &pauses)).await {
                queue.fail_unserved(&error);
            }
        });
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, wanted: Wanted) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.wanted.len() >= MOST_WANTED {
            state.wanted.retain(|wanted| !wanted.answer.is_closed());
        }
        if state.wanted.len() >= MOST_WANTED {
            return Err(StoreError::Busy);
        }
        state.wanted.push_back(wanted);
        Ok(())
    }

    /// A lane ended with `error`. Whoever still waits has another lane to hope for, or need not wait on.
    fn fail_unserved(&self, error: &StoreError) {
        let mut state = self.state();
        let unserved = if state.lanes == 0 { std::mem::take(&mut state.wanted) } else { VecDeque::new() };
        drop(state);
        fail(unserved, error);
    }
}

fn fail(all: impl IntoIterator<Item = Wanted>, error: &StoreError) {
    for Wanted { answer, .. } in all {
        // Who has gone away does not mind.
        let _ = answer.send(Err(error.clone()));
    }
}

/// A thread with a connection, for as long as there is something to read.
struct Lane {
    queue: Arc<Queue>,
    is_open: bool,
}

impl Lane {
    fn open(queue: &Arc<Queue>, each: usize, most: usize) -> Option<Self> {
        let mut state = queue.state();
        let is_needed = state.lanes == 0 || state.wanted.len() > each * state.lanes;
        if !is_needed || state.lanes >= most {
            return None;
        }
        state.lanes += 1;
        drop(state);
        Some(Self { queue: queue.clone(), is_open: true })
    }

    /// The next that are wanted. With none the lane is closed, under the same lock: what comes later opens another one.
    fn next(&mut self) -> Option<Vec<Wanted>> {
        let mut state = self.queue.state();
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH
            && let Some(wanted) = state.wanted.pop_front()
        {
            // Under overload the oldest have gone away: to read for them would keep the others waiting too.
            if !wanted.answer.is_closed() {
                batch.push(wanted);
            }
        }
        if batch.is_empty() {
            state.lanes -= 1;
            self.is_open = false;
            return None;
        }
        Some(batch)
    }

    fn serve(mut self, connection: &mut DbConnection, pauses: &Pauses) -> Result<(), StoreError> {
        while let Some(batch) = self.next() {
            let mut batch = batch.into_iter();
            // The counter first, then the rows: what they say is at least as new as the counter (R6).
            let (counter, keys_seq) = match list::head(connection) {
                Ok(head) => (head.seq, head.keys_seq),
                Err(error) => {
                    fail(batch, &error);
                    return Err(error);
                }
            };
            while let Some(Wanted { key, answer }) = batch.next() {
                pauses.at(Point::HalfRead);
                let outcome = standings::by_key(connection, key);
                let known = outcome.map(|read| read.map(Known::new).map(Arc::new));
                let outcome = known.map(|known| Load { counter, keys_seq, known });
                // A row that cannot be read is no reason to keep the others from theirs.
                let failed = outcome.as_ref().err().filter(|error| !matches!(error, StoreError::Query(_))).cloned();
                let _ = answer.send(outcome);
                if let Some(error) = failed {
                    fail(batch, &error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.is_open {
            self.queue.state().lanes -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::service::testing::{Replica, block_on};

    fn want(queue: &Queue, key: LookupKey) -> oneshot::Receiver<Outcome> {
        let (answer, outcome) = oneshot::channel();
        queue.add(Wanted { key, answer }).unwrap();
        outcome
    }

    #[test]
    fn a_row_that_cannot_be_read_fails_alone() {
        let replica = Replica::new();
        let good = replica.services.core().format.parse(replica.token.expose_secret()).unwrap().key;
        let others = block_on(replica.db.read::<_, StoreError>(|c| standings::numbered(c, 2, 3))).unwrap();
        let odd = LookupKey::Id(others[0].credential.id);
        // Longer than any word that a newer version may know.
        replica.execute(&format!("UPDATE credentials SET permission = '{}' WHERE number = 2", "x".repeat(65)));
        let queue = Arc::default();
        let mut outcomes = [odd, good].map(|key| want(&queue, key));
        let lane = Lane::open(&queue, BATCH, 1).unwrap();
        lane.serve(&mut replica.db.own_connection().unwrap(), &Pauses::none()).unwrap();
        let [odd, good] = outcomes.each_mut().map(|outcome| outcome.try_recv().unwrap());
        assert!(matches!(odd, Err(StoreError::Query(_))), "{odd:?}");
        assert!(good.unwrap().known.is_some());
        assert_eq!(queue.state().lanes, 0);
    }

    #[test]
    fn a_lane_that_fails_takes_nobody_with_it_whom_another_may_serve() {
        let replica = Replica::new();
        let key = replica.services.core().format.parse(replica.token.expose_secret()).unwrap().key;
        let rename = |from: &str, to: &str| replica.execute(&format!("ALTER TABLE {from} RENAME TO {to}"));
        let queue = Arc::<Queue>::default();
        let fail_one = |lane: Lane| {
            rename("list_head", "lost");
            let error = lane.serve(&mut replica.db.own_connection().unwrap(), &Pauses::none()).unwrap_err();
            queue.fail_unserved(&error);
            rename("lost", "list_head");
        };
        let mut outcomes: Vec<_> = (0..=BATCH).map(|_| want(&queue, key)).collect();
        let [one, other] = [1, 2].map(|most| Lane::open(&queue, 0, most).unwrap());
        fail_one(one);
        let mut last = outcomes.pop().unwrap();
        assert!(outcomes.iter_mut().all(|taken| taken.try_recv().unwrap().is_err()));
        assert!(last.try_recv().is_err(), "it waits for the other lane");
        other.serve(&mut replica.db.own_connection().unwrap(), &Pauses::none()).unwrap();
        assert!(last.try_recv().unwrap().unwrap().known.is_some());

        let outcomes: Vec<_> = (0..=BATCH).map(|_| want(&queue, key)).collect();
        fail_one(Lane::open(&queue, BATCH, 2).unwrap());
        for mut outcome in outcomes {
            assert!(outcome.try_recv().unwrap().is_err(), "nobody is left to read for it");
        }
    }

    #[test]
    fn nothing_is_read_for_who_has_gone_away() {
        let replica = Replica::new();
        let key = replica.services.core().format.parse(replica.token.expose_secret()).unwrap().key;
        let queue = Arc::default();
        for _ in 0..BATCH {
            drop(want(&queue, key));
        }
        let _waits = want(&queue, key);
        let mut lane = Lane::open(&queue, BATCH, 1).unwrap();
        assert_eq!(lane.next().map(|batch| batch.len()), Some(1));
        assert!(lane.next().is_none() && queue.state().lanes == 0);
    }
}
