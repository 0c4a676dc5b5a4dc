//! Counters that many threads raise at once, for less than an exchange would notice.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// So many threads count without getting into each other's way.
const SHARDS: usize = 16;

/// On cache lines of its own: two cores that write one line slow each other down.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<const N: usize>([AtomicU64; N]);

/// `N` counters.
#[derive(Debug)]
pub(super) struct Counters<const N: usize>([Shard<N>; SHARDS]);

fn own_shard() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = THREADS.fetch_add(1, Relaxed) % SHARDS;
    }
    // At the end of a thread there is none any more.
    OWN.try_with(|own| *own).unwrap_or_default()
}

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self([const { Shard([const { AtomicU64::new(0) }; N]) }; SHARDS])
    }
}

impl<const N: usize> Counters<N> {
    /// Raises the counter `which` by `by`.
    pub(super) fn add(&self, which: usize, by: u64) {
        if let Some(counter) = self.0.get(own_shard()).and_then(|shard| shard.0.get(which)) {
            counter.fetch_add(by, Relaxed);
        }
    }

    /// All of them.
    pub(super) fn sums(&self) -> [u64; N] {
        let mut sums = [0_u64; N];
        for Shard(counters) in &self.0 {
            for (sum, counter) in sums.iter_mut().zip(counters) {
                *sum = sum.wrapping_add(counter.load(Relaxed));
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_many_threads_count_is_all_there() {
        let counters = Counters::<3>::default();
        thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| (0..1000).for_each(|number| counters.add(number % 2, 2)));
            }
        });
        assert_eq!(counters.sums(), [32_000, 32_000, 0]);
    }
}
