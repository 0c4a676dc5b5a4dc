//! What was touched lately, bounded in time and number.

use std::{collections::HashMap, hash::Hash, mem, time::Duration};

/// Two halves: what is touched comes into the young one; now and then, and when that is full, it becomes the old one, and
/// what was there is forgotten.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    since: Duration,
    span: Duration,
    half: usize,
}

impl<K: Eq + Hash, V: Default> Recent<K, V> {
    /// Remembers for at least `span`, unless there are more than `half`, and never more than about twice that.
    pub(super) fn new(span: Duration, half: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), since: Duration::ZERO, span, half }
    }

    /// What is there under `key`.
    pub(super) fn get(&mut self, key: K, now: Duration) -> Option<&mut V> {
        if now >= self.since + self.span || self.young.len() >= self.half {
            self.old = mem::take(&mut self.young);
            self.since = now;
        }
        match self.old.remove(&key) {
            Some(value) => Some(self.young.entry(key).or_insert(value)),
            None => self.young.get_mut(&key),
        }
    }

    /// The same, put there if it is not.
    pub(super) fn entry(&mut self, key: K, now: Duration) -> &mut V
    where
        K: Clone,
    {
        self.get(key.clone(), now);
        self.young.entry(key).or_default()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_mins(30);

    #[test]
    fn what_is_touched_stays_and_the_rest_goes() {
        let mut recent = Recent::<u32, u32>::new(SPAN, 100);
        *recent.entry(1, SPAN) = 7;
        *recent.entry(2, SPAN) = 8;
        assert_eq!(recent.get(1, SPAN * 2).copied(), Some(7));
        assert_eq!(recent.get(1, SPAN * 3).copied(), Some(7));
        assert_eq!(recent.get(2, SPAN * 3), None);
    }

    #[test]
    fn it_is_never_larger_than_its_two_halves() {
        let mut recent = Recent::<u32, u32>::new(SPAN, 100);
        for number in 0..10_000 {
            recent.entry(number, SPAN);
            assert!(recent.len() <= 200);
        }
        assert!(recent.get(9_901, SPAN).is_some(), "the last hundred are there");
        assert!(recent.get(5, SPAN).is_none());
    }
}
