//! What the feed shows: the entries of the list that revoke, as the follower read them, and how recent that is. Thousands
//! may ask and wait; none of them costs a query.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::domain::{
    clock::Timestamp,
    list::{Entry, Head},
};

/// The most entries in one answer.
pub(crate) const PAGE: usize = 1000;

/// A look of the follower at the list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    number: u64,
    /// The moment (since boot) before the counter was read.
    pub(crate) begun_at: Duration,
}

/// A part of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The part is complete up to this number.
    pub head: i64,
    /// Entries up to this number are not listed any more; every access token that they revoked is dead.
    pub pruned_to: i64,
    /// The entries that revoke, in order.
    pub entries: Vec<Entry>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<i64, Entry>,
    head: i64,
    pruned_to: i64,
}

/// The part of the list that the feed shows. Only the follower writes to it.
#[derive(Debug)]
pub(crate) struct FeedLog {
    state: Mutex<State>,
    begun: AtomicU64,
    /// The last look that succeeded.
    succeeded: watch::Sender<Look>,
    /// Changes when something comes that those who wait must know; `true` = nobody should wait any more.
    closing: watch::Sender<bool>,
}

impl Default for FeedLog {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            begun: AtomicU64::new(0),
            succeeded: watch::Sender::new(Look::default()),
            closing: watch::Sender::new(false),
        }
    }
}

impl FeedLog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follower, before it looks: at `now` since boot.
    pub(crate) fn begin(&self, now: Duration) -> Look {
        Look { number: self.begun.fetch_add(1, SeqCst) + 1, begun_at: now }
    }

    /// Follower: the look succeeded.
    pub(crate) fn succeed(&self, look: Look) {
        self.succeeded.send_replace(look);
    }

    /// Follower: `entries` are all those up to `head` that it had not read yet; before anybody is told of `head`.
    ///
    /// What is here already stays, also when the numbers of the list went back (a restored backup): services may still
    /// have to learn of what was revoked then, and it only meets access tokens from before.
    pub(crate) fn take(&self, entries: &[Entry], head: Head, now: Timestamp) {
        let mut state = self.state();
        let revoking = entries.iter().filter(|entry| entry.revokes);
        let before = state.entries.len();
        state.entries.extend(revoking.map(|entry| (entry.seq, *entry)));
        let has_more = state.entries.len() > before;
        state.head = head.seq;
        state.pruned_to = state.pruned_to.max(head.pruned_to);
        state.drop_over(now);
        drop(state);
        if has_more {
            self.nudge();
        }
    }

    /// Whether one of these revokes, is not over at `now`, and is not here: somebody revoked under a number that was
    /// another entry's before.
    pub(crate) fn lacks_any_of(&self, entries: &[Entry], now: Timestamp) -> bool {
        let state = self.state();
        let is_here = |entry: &Entry| state.entries.get(&entry.seq).is_some_and(|own| own == entry);
        entries.iter().any(|entry| entry.revokes && entry.expires_at() > now && !is_here(entry))
    }

    /// Makes all who wait look again.
    pub(crate) fn nudge(&self) {
        self.closing.send_modify(|_| {});
    }

    /// Nobody should wait any more.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Tells whenever there may be something new, and whether nobody should wait any more.
    pub(crate) fn signal(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// The last look that succeeded.
    pub(crate) fn last_look(&self) -> Look {
        *self.succeeded.borrow()
    }

    /// A look that begins from now on and succeeds; `ring` makes the follower look. For as long as it takes.
    pub(crate) async fn next_look(&self, ring: impl FnOnce()) -> Look {
        let begun = self.begun.load(SeqCst);
        ring();
        let mut succeeded = self.succeeded.subscribe();
        // The sender is ours, so the channel never closes while we wait.
        succeeded.wait_for(|look| look.number > begun).await.map_or_else(|_| Look::default(), |look| *look)
    }

    /// What comes after `after`, at most [`PAGE`] entries of it.
    pub(crate) fn page(&self, after: i64, now: Timestamp) -> Page {
        let state = self.state();
        // What is over is not shown; it stays, since the clock may be wrong for a moment.
        let listed = state.entries.values().find(|entry| entry.expires_at() > now).map_or(i64::MAX, |entry| entry.seq);
        let over = state.entries.range(..listed).next_back().map_or(0, |(seq, _)| *seq);
        let mut newer = state.entries.range(after.saturating_add(1).max(listed)..).map(|(_, entry)| *entry);
        let entries: Vec<_> = newer.by_ref().take(PAGE).collect();
        let last = entries.last().filter(|_| newer.next().is_some());
        let head = last.map_or(state.head, |last| last.seq);
        Page { head, pruned_to: state.pruned_to.max(over).min(listed - 1), entries }
    }

    /// Whether whoever knows the list up to `after` need not wait.
    pub(crate) fn has_news(&self, after: i64) -> bool {
        let state = self.state();
        after > state.head || state.entries.range(after.saturating_add(1)..).next().is_some()
    }
}

impl State {
    /// Drops what is over and gone from the list too, where a wrong clock removes nothing; from the oldest on.
    fn drop_over(&mut self, now: Timestamp) {
        let pruned_to = self.pruned_to;
        let is_gone = |entry: &Entry| entry.seq <= pruned_to && entry.expires_at() <= now;
        while let Some(oldest) = self.entries.first_entry().filter(|oldest| is_gone(oldest.get())) {
            oldest.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::list::{ENTRY_LIFETIME, Target};

    fn time() -> Timestamp {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    fn entry(seq: i64, revokes: bool, created_at: Timestamp) -> Entry {
        Entry { seq, target: Target::Unknown, revokes, created_at }
    }

    fn head(seq: i64) -> Head {
        Head { seq, pruned_to: 0, keys_seq: 0 }
    }

    fn seqs(page: &Page) -> Vec<i64> {
        page.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn an_entry_leaves_when_its_time_is_over_and_not_before() {
        let log = FeedLog::default();
        log.take(&[entry(1, true, time()), entry(2, true, time().plus_seconds(1))], head(5), time());
        let over = time().plus_seconds(ENTRY_LIFETIME);
        assert_eq!(seqs(&log.page(0, over.plus_seconds(-1))), [1, 2]);
        let page = log.page(0, over);
        assert_eq!((seqs(&page), page.head, page.pruned_to), (vec![2], 5, 1));
        assert_eq!(log.page(0, over.plus_seconds(1)), Page { head: 5, pruned_to: 2, entries: Vec::new() });
    }

    #[test]
    fn a_wrong_clock_takes_nothing_away_for_good() {
        let log = FeedLog::default();
        let years_ahead = time().plus_seconds(2 * 365 * 86_400);
        log.take(&[entry(1, true, time()), entry(2, true, time())], head(2), years_ahead);
        assert!(seqs(&log.page(0, years_ahead)).is_empty());
        let page = log.page(0, time().plus_seconds(2));
        assert_eq!((seqs(&page), page.pruned_to), (vec![1, 2], 0));
        // When they are gone from the list too they need no room any more.
        let over = time().plus_seconds(ENTRY_LIFETIME);
        log.take(&[], Head { pruned_to: 1, ..head(3) }, over);
        assert_eq!(log.state().entries.keys().copied().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn what_is_listed_is_not_called_gone() {
        let log = FeedLog::default();
        // Another server whose clock is ahead has removed what is not over yet.
        log.take(&[entry(3, true, time())], Head { pruned_to: 4, ..head(5) }, time());
        assert_eq!(log.page(0, time()).pruned_to, 2);
        assert_eq!(log.page(0, time().plus_seconds(ENTRY_LIFETIME)).pruned_to, 4);
    }

    #[test]
    fn a_page_that_is_not_the_last_ends_with_its_last_entry() {
        let log = FeedLog::default();
        let count = i64::try_from(PAGE).unwrap() + 1;
        let entries: Vec<_> = (1..=count).map(|seq| entry(2 * seq, true, time())).collect();
        log.take(&entries, head(2 * count + 5), time());
        let first = log.page(0, time());
        assert_eq!((first.entries.len(), first.head), (PAGE, 2 * count - 2));
        let second = log.page(first.head, time());
        assert_eq!((seqs(&second), second.head), (vec![2 * count], 2 * count + 5));
        assert_eq!(log.page(2, time()).head, 2 * count + 5, "a page that is just full is the last");
    }

    #[test]
    fn only_what_revokes_wakes() {
        let log = FeedLog::default();
        let mut signal = log.signal();
        log.take(&[entry(1, false, time())], head(1), time());
        assert!(!signal.has_changed().unwrap() && !log.has_news(0));
        log.take(&[entry(2, true, time())], head(2), time());
        assert!(signal.has_changed().unwrap() && log.has_news(1) && !log.has_news(2));
        signal.mark_unchanged();
        log.close();
        assert!(*signal.borrow_and_update());
        assert!(log.has_news(3), "beyond the list");
    }

    #[test]
    fn what_was_revoked_before_a_restore_stays_and_what_is_new_is_noticed() {
        let log = FeedLog::default();
        log.take(&[entry(1, true, time()), entry(2, true, time())], head(2), time());
        assert!(!log.lacks_any_of(&[entry(1, true, time())], time()));
        let other = entry(2, true, time().plus_seconds(1));
        assert!(log.lacks_any_of(&[other], time()));
        assert!(!log.lacks_any_of(&[other], other.expires_at()));
        assert!(!log.lacks_any_of(&[entry(2, false, time().plus_seconds(1))], time()));
        log.take(&[entry(1, true, time())], head(9), time());
        assert_eq!(seqs(&log.page(0, time())), [1, 2]);
    }
}
