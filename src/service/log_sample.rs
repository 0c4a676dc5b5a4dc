//! Lines that whoever likes can cause: a few of them tell what goes on, and all of them would fill the disk.

use std::{
    collections::HashSet,
    hash::Hash,
    mem,
    sync::{Mutex, PoisonError},
};

/// The most lines in a minute.
const EACH_MINUTE: usize = 100;

const MINUTE_SECONDS: i64 = 60;

/// Says which of many lines alike are written, and counts the others.
#[derive(Debug)]
pub(crate) struct LogSample<K>(Mutex<Minute<K>>);

#[derive(Debug)]
struct Minute<K> {
    number: i64,
    /// What a line was about.
    logged: HashSet<K>,
    /// How many were left out since the last line.
    left_out: u64,
}

impl<K> Default for LogSample<K> {
    fn default() -> Self {
        Self(Mutex::new(Minute { number: 0, logged: HashSet::new(), left_out: 0 }))
    }
}

impl<K: Eq + Hash> LogSample<K> {
    /// Whether there is to be a line about `key` at `seconds` (by whatever clock): the first about it in a minute, unless
    /// there were enough. Then it also tells how many were left out since the last one.
    pub(crate) fn take(&self, key: K, seconds: i64) -> Option<u64> {
        // No code panics while it holds this.
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = seconds.div_euclid(MINUTE_SECONDS);
        if minute.number != number {
            (minute.number, minute.logged) = (number, HashSet::new());
        }
        if minute.logged.len() >= EACH_MINUTE || !minute.logged.insert(key) {
            minute.left_out += 1;
            return None;
        }
        Some(mem::take(&mut minute.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_about_each_is_written_and_the_others_are_counted() {
        let sample = LogSample::default();
        let taken = [(1, 0), (1, 0), (2, 59), (1, 59), (1, 60), (2, 61), (2, 62), (1, 0)];
        let taken = taken.map(|(key, seconds)| sample.take(key, seconds));
        assert_eq!(taken, [Some(0), None, Some(1), None, Some(1), Some(0), None, Some(1)]);
    }

    #[test]
    fn of_all_together_there_are_so_many() {
        let sample = LogSample::default();
        let written = (0..100_000).filter(|key| sample.take(*key, 7).is_some()).count();
        assert_eq!(written, EACH_MINUTE);
        assert_eq!(sample.take(0, 60), Some(100_000 - u64::try_from(EACH_MINUTE).unwrap()));
    }
}
