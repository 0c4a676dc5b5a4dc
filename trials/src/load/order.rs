use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// In which order requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// One after the other, then from the first again.
    Rotation,
    /// Any one each time, the same ones for the same seed.
    Random(u64),
}

/// How long a load lasts.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// So long. What was begun before the end is waited for.
    For(Duration),
    /// So many requests, over all connections.
    Requests(u64),
}

impl Length {
    pub(super) fn end(self, began: Instant) -> Option<Instant> {
        match self {
            Self::For(length) => Some(began + length),
            Self::Requests(_) => None,
        }
    }
}

/// Whose turn it is, for all connections together.
#[derive(Debug)]
pub(super) struct Turns {
    order: Order,
    most: u64,
    size: u64,
    taken: AtomicU64,
}

impl Turns {
    pub(super) fn new(order: Order, length: Length, size: usize) -> Self {
        let most = match length {
            Length::For(_) => u64::MAX,
            Length::Requests(count) => count,
        };
        Self { order, most, size: u64::try_from(size).unwrap_or(u64::MAX).max(1), taken: AtomicU64::new(0) }
    }

    /// The index of the next request; `None` = that was the last.
    pub(super) fn next(&self) -> Option<usize> {
        let turn = self.taken.fetch_add(1, Relaxed);
        let index = match self.order {
            Order::Rotation => turn % self.size,
            Order::Random(seed) => mixed(seed.wrapping_add(turn)) % self.size,
        };
        (turn < self.most).then(|| usize::try_from(index).unwrap_or_default())
    }
}

/// The finalizer of `SplitMix64`: neighbours go far apart.
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(order: Order, count: u64) -> Vec<usize> {
        let turns = Turns::new(order, Length::Requests(count), 100);
        std::iter::from_fn(|| turns.next()).collect()
    }

    #[test]
    fn a_rotation_comes_round() {
        let turns = taken(Order::Rotation, 101);
        assert_eq!((turns.len(), turns[99], turns[100]), (101, 99, 0));
    }

    #[test]
    fn a_random_order_spreads_evenly_and_can_be_had_again() {
        let turns = taken(Order::Random(7), 10_000);
        assert_eq!(turns, taken(Order::Random(7), 10_000));
        assert_ne!(turns, taken(Order::Random(8), 10_000));
        let mut counts = [0_u32; 100];
        for index in turns {
            counts[index] += 1;
        }
        assert!(counts.iter().all(|count| (50..200).contains(count)), "{counts:?}");
    }
}
