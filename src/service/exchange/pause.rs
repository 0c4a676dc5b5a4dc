//! The places at which a test may stop the code to let something dangerous happen meanwhile. Nothing in a real build.

/// A place in the code; named after what has just been done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Point {
    /// Follower: the counter has been read, the entries have not.
    CounterRead,
    /// Follower: counter and entries have been read.
    ListRead,
    /// Follower: `seen` has been raised; memory is still old.
    SeenRaised,
    /// Follower: memory has been rid of the old; `applied` is still old.
    Forgotten,
    /// Follower: the feed has the entries; `applied` is still old.
    Listed,
    /// Exchange: memory was found trusted.
    Trusted,
    /// Exchange: `rev` has been read.
    RevRead,
    /// Exchange: memory has answered.
    LookedUp,
    /// Exchange: about to wait for another exchange's load.
    Joining,
    /// Load, on its blocking thread: the first of counter and row has been read.
    HalfRead,
    /// Load: counter and row have been read; memory has not been offered them.
    RowRead,
    /// Noter: the row was found gone, and is not there anew.
    RowGone,
    /// Change: about to begin its transaction.
    Changing,
    /// Change: committed; some server has not applied it.
    OthersBehind,
    /// Restoration: the counter is raised, nothing is committed.
    Restoring,
    /// Status list, on its blocking thread: about to read a piece.
    PieceBegun,
    /// Bulk revocation: a batch of credentials is counted, the change has not begun.
    BatchCounted,
}

/// Stops nothing.
#[cfg(not(test))]
#[derive(Clone, Debug)]
pub(crate) struct Pauses;

#[cfg(not(test))]
impl Pauses {
    pub(crate) fn none() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the test's one has something to look at")]
    #[inline]
    pub(crate) fn at(&self, _: Point) {}
}

#[cfg(test)]
pub(crate) use stopping::Pauses;

#[cfg(test)]
mod stopping {
    use std::{
        collections::HashMap,
        sync::{Arc, Condvar, Mutex},
    };

    use super::Point;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum State {
        Armed,
        Reached,
        Released,
    }

    /// Stops the first thread that comes to an armed point, until the test lets it go on.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Pauses(Arc<(Mutex<HashMap<Point, State>>, Condvar)>);

    impl Pauses {
        pub(crate) fn none() -> Self {
            Self::default()
        }

        /// The next thread to come to `point` stops there.
        pub(crate) fn arm(&self, point: Point) {
            self.0.0.lock().unwrap().insert(point, State::Armed);
        }

        /// Waits until a thread has stopped at `point`.
        pub(crate) fn await_reached(&self, point: Point) {
            self.await_reached_or(point, || false);
        }

        /// Waits until a thread has stopped at `point` or `done` holds; says whether it stopped. Whoever makes `done`
        /// hold calls [`nudge`](Self::nudge).
        pub(crate) fn await_reached_or(&self, point: Point, done: impl Fn() -> bool) -> bool {
            let states = self.0.0.lock().unwrap();
            let waiting = |states: &mut HashMap<Point, State>| states[&point] == State::Armed && !done();
            let states = self.0.1.wait_while(states, waiting).unwrap();
            states[&point] == State::Reached
        }

        /// Wakes whoever waits in [`await_reached_or`](Self::await_reached_or).
        pub(crate) fn nudge(&self) {
            drop(self.0.0.lock().unwrap());
            self.0.1.notify_all();
        }

        /// Lets the thread at `point` go on.
        pub(crate) fn release(&self, point: Point) {
            self.0.0.lock().unwrap().insert(point, State::Released);
            self.0.1.notify_all();
        }

        pub(crate) fn at(&self, point: Point) {
            let mut states = self.0.0.lock().unwrap();
            if states.get(&point) == Some(&State::Armed) {
                states.insert(point, State::Reached);
                self.0.1.notify_all();
                drop(self.0.1.wait_while(states, |states| states[&point] == State::Reached).unwrap());
            }
        }
    }
}
