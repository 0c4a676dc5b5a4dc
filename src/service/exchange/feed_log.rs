//! What the feed shows: the entries of the list that revoke, as the follower read them, and how recent that is. Thousands
//! may ask and wait; none of them costs a query.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    domain::{
        clock::Timestamp,
        list::{Entry, Head},
    },
    service::keys::WithdrawnKey,
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
    /// Whether another part follows.
    pub more: bool,
    /// Whether somebody who knows the list up to where the part begins learns anything from it.
    pub has_news: bool,
    /// Entries up to this number are not listed any more; every access token that they revoked is dead.
    pub pruned_to: i64,
    /// The names of the keys that were withdrawn of late.
    pub withdrawn: Vec<String>,
    /// The entries that revoke, in order.
    pub entries: Vec<Entry>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<i64, Entry>,
    head: i64,
    pruned_to: i64,
    withdrawn: Arc<[WithdrawnKey]>,
    /// The change of the keys by which the last of these was known to be withdrawn.
    withdrawn_seq: i64,
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

    /// Follower: `entries` are all those up to `head` that it had not read yet, and `withdrawn` the keys that were withdrawn
    /// of late, with the change of the keys as of which they are all; before anybody is told of `head`.
    ///
    /// What is here already stays, also when the numbers of the list went back (a restored backup): services may still
    /// have to learn of what was revoked then, and it only meets access tokens from before.
    pub(crate) fn take(
        &self,
        entries: &[Entry],
        head: Head,
        (keys_seq, withdrawn): (i64, Arc<[WithdrawnKey]>),
        now: Timestamp,
    ) {
        let mut state = self.state();
        let revoking = entries.iter().filter(|entry| entry.revokes);
        let before = (state.entries.len(), state.told_of_keys());
        state.entries.extend(revoking.map(|entry| (entry.seq, *entry)));
        if withdrawn.iter().any(|key| !state.withdrawn.contains(key)) {
            state.withdrawn_seq = keys_seq;
        }
        state.withdrawn = withdrawn;
        state.head = head.seq;
        let has_more = state.entries.len() > before.0 || state.told_of_keys() > before.1;
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
        let more = newer.next().is_some();
        let head = entries.last().filter(|_| more).map_or(state.head, |last| last.seq);
        let shown = state.withdrawn.iter().filter(|key| key.shown_until > now);
        let withdrawn = shown.map(|key| key.kid.clone()).collect();
        let pruned_to = state.pruned_to.max(over).min(listed - 1);
        Page { head, more, has_news: state.has_news(after), pruned_to, withdrawn, entries }
    }

    /// Whether somebody who knows the list up to `after` need not wait. Where it is not known so far yet, there is none.
    pub(crate) fn has_news(&self, after: i64) -> bool {
        self.state().has_news(after)
    }
}

impl State {
    fn has_news(&self, after: i64) -> bool {
        after < self.told_of_keys() || self.entries.range(after.saturating_add(1)..).next().is_some()
    }

    /// An answer up to here or further tells of all withdrawn keys. The keys may have been read after the head.
    fn told_of_keys(&self) -> i64 {
        self.withdrawn_seq.min(self.head)
    }

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

    /// No key was withdrawn.
    fn none() -> (i64, Arc<[WithdrawnKey]>) {
        (0, Arc::default())
    }

    /// As of the change `seq` of the keys, these were withdrawn, and are shown for an hour.
    fn withdrawn(seq: i64, kids: &[&str]) -> (i64, Arc<[WithdrawnKey]>) {
        let shown_until = time().plus_seconds(3600);
        (seq, kids.iter().map(|kid| WithdrawnKey { kid: (*kid).to_owned(), shown_until }).collect())
    }

    fn seqs(page: &Page) -> Vec<i64> {
        page.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn an_entry_leaves_when_its_time_is_over_and_not_before() {
        let log = FeedLog::default();
        log.take(&[entry(1, true, time()), entry(2, true, time().plus_seconds(1))], head(5), none(), time());
        let over = time().plus_seconds(ENTRY_LIFETIME);
        assert_eq!(seqs(&log.page(0, over.plus_seconds(-1))), [1, 2]);
        let page = log.page(0, over);
        assert_eq!((seqs(&page), page.head, page.pruned_to), (vec![2], 5, 1));
        let page = log.page(0, over.plus_seconds(1));
        assert_eq!((seqs(&page), page.head, page.pruned_to), (Vec::new(), 5, 2));
    }

    #[test]
    fn a_wrong_clock_takes_nothing_away_for_good() {
        let log = FeedLog::default();
        let years_ahead = time().plus_seconds(2 * 365 * 86_400);
        log.take(&[entry(1, true, time()), entry(2, true, time())], head(2), none(), years_ahead);
        assert!(seqs(&log.page(0, years_ahead)).is_empty());
        let page = log.page(0, time().plus_seconds(2));
        assert_eq!((seqs(&page), page.pruned_to), (vec![1, 2], 0));
        // When they are gone from the list too they need no room any more.
        let over = time().plus_seconds(ENTRY_LIFETIME);
        log.take(&[], Head { pruned_to: 1, ..head(3) }, none(), over);
        assert_eq!(log.state().entries.keys().copied().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn what_is_listed_is_not_called_gone() {
        let log = FeedLog::default();
        // Another server whose clock is ahead has removed what is not over yet.
        log.take(&[entry(3, true, time())], Head { pruned_to: 4, ..head(5) }, none(), time());
        assert_eq!(log.page(0, time()).pruned_to, 2);
        assert_eq!(log.page(0, time().plus_seconds(ENTRY_LIFETIME)).pruned_to, 4);
    }

    #[test]
    fn a_page_that_is_not_the_last_ends_with_its_last_entry() {
        let log = FeedLog::default();
        let count = i64::try_from(PAGE).unwrap() + 1;
        let entries: Vec<_> = (1..=count).map(|seq| entry(2 * seq, true, time())).collect();
        log.take(&entries, head(2 * count + 5), none(), time());
        let first = log.page(0, time());
        assert_eq!((first.entries.len(), first.head, first.more), (PAGE, 2 * count - 2, true));
        let second = log.page(first.head, time());
        assert_eq!((seqs(&second), second.head, second.more), (vec![2 * count], 2 * count + 5, false));
        let full = log.page(2, time());
        assert_eq!((full.head, full.more), (2 * count + 5, false), "a page that is just full is the last");
    }

    #[test]
    fn only_what_revokes_wakes() {
        let log = FeedLog::default();
        let mut signal = log.signal();
        log.take(&[entry(1, false, time())], head(1), none(), time());
        assert!(!signal.has_changed().unwrap() && !log.has_news(0));
        log.take(&[entry(2, true, time())], head(2), none(), time());
        assert!(signal.has_changed().unwrap() && log.has_news(1) && !log.has_news(2));
        signal.mark_unchanged();
        log.close();
        assert!(*signal.borrow_and_update());
    }

    #[test]
    fn beyond_the_list_there_is_no_news_until_it_has_come_that_far_and_further() {
        let log = FeedLog::default();
        log.take(&[entry(2, true, time())], head(2), none(), time());
        assert!(!log.has_news(3) && !log.has_news(i64::MAX));
        let page = log.page(3, time());
        assert_eq!((seqs(&page), page.head, page.more, page.has_news), (Vec::new(), 2, false, false));
        log.take(&[entry(3, true, time())], head(3), none(), time());
        assert!(!log.has_news(3));
        log.take(&[entry(4, true, time())], head(4), none(), time());
        assert!(log.has_news(3));
        assert_eq!(seqs(&log.page(3, time())), [4]);
    }

    #[test]
    fn a_key_that_was_withdrawn_wakes_also_without_an_entry_and_is_shown_for_a_while() {
        let log = FeedLog::default();
        log.take(&[], head(5), none(), time());
        let mut signal = log.signal();
        log.take(&[], head(7), withdrawn(7, &["a"]), time());
        assert!(signal.has_changed().unwrap() && log.has_news(6) && !log.has_news(7));
        assert_eq!(log.page(7, time()).withdrawn, ["a"], "in each answer");
        signal.mark_unchanged();
        log.take(&[], head(9), withdrawn(8, &["a"]), time());
        assert!(!signal.has_changed().unwrap() && !log.has_news(7), "another change of the keys");
        log.take(&[], head(10), withdrawn(10, &["a", "b"]), time());
        assert!(signal.has_changed().unwrap() && log.has_news(9));
        let page = log.page(9, time().plus_seconds(3599));
        assert_eq!((page.withdrawn, page.has_news), (vec!["a".to_owned(), "b".to_owned()], true));
        assert_eq!(log.page(9, time().plus_seconds(3600)).withdrawn, Vec::<String>::new());
    }

    #[test]
    fn keys_that_were_read_after_the_head_are_news_until_the_head_has_come_that_far() {
        let log = FeedLog::default();
        let mut signal = log.signal();
        log.take(&[], head(5), withdrawn(7, &["a"]), time());
        assert!(signal.has_changed().unwrap() && log.has_news(4), "a reader from before is told at once");
        assert!(!log.has_news(5), "else a reader would be answered again and again");
        signal.mark_unchanged();
        log.take(&[], head(6), withdrawn(7, &["a"]), time());
        log.take(&[], head(8), withdrawn(7, &["a"]), time());
        assert!(signal.has_changed().unwrap() && log.has_news(6), "heard of 6 by another server");
        assert!(!log.has_news(7));
    }

    #[test]
    fn what_was_revoked_before_a_restore_stays_and_what_is_new_is_noticed() {
        let log = FeedLog::default();
        log.take(&[entry(1, true, time()), entry(2, true, time())], head(2), none(), time());
        assert!(!log.lacks_any_of(&[entry(1, true, time())], time()));
        let other = entry(2, true, time().plus_seconds(1));
        assert!(log.lacks_any_of(&[other], time()));
        assert!(!log.lacks_any_of(&[other], other.expires_at()));
        assert!(!log.lacks_any_of(&[entry(2, false, time().plus_seconds(1))], time()));
        log.take(&[entry(1, true, time())], head(9), none(), time());
        assert_eq!(seqs(&log.page(0, time())), [1, 2]);
    }
}
