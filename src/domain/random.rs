//! Randomness, handed in like the clock.

use std::cell::RefCell;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Where random bytes come from.
pub trait Randomness: Send + Sync + 'static {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// Fills `bytes` with such bytes for what everybody may see, as an id. They may have waited in memory, so no secret is
    /// made of them.
    fn fill_public(&self, bytes: &mut [u8]) {
        self.fill(bytes);
    }
}

/// The operating system's source.
#[derive(Debug, Default)]
pub struct SystemRandomness(SystemRandom);

impl Randomness for SystemRandomness {
    #[expect(clippy::expect_used, reason = "without randomness there is nothing safe to go on with")]
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).expect("the operating system gives random bytes");
    }

    fn fill_public(&self, bytes: &mut [u8]) {
        let is_filled = STORE.try_with(|store| store.borrow_mut().hand_out(bytes, |stored| self.fill(stored)));
        // A thread that ends has no store any more; and what is large is not worth one.
        if is_filled != Ok(true) {
            self.fill(bytes);
        }
    }
}

/// Bytes that were asked for and are not used yet: to ask takes 340 ns, for 16 bytes as for 512.
struct Store {
    bytes: [u8; 512],
    used: usize,
}

thread_local! {
    static STORE: RefCell<Store> = const { RefCell::new(Store { bytes: [0; 512], used: 512 }) };
}

impl Store {
    /// Fills `bytes` with what nobody had yet. `false` = there are too many of them.
    fn hand_out(&mut self, bytes: &mut [u8], fill: impl FnOnce(&mut [u8])) -> bool {
        if self.bytes.len() - self.used < bytes.len() {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let to = self.used + bytes.len();
        let Some(unused) = self.bytes.get(self.used..to) else { return false };
        bytes.copy_from_slice(unused);
        self.used = to;
        true
    }
}

/// `N` bytes from `random`, fit for a secret.
pub fn bytes<const N: usize>(random: &dyn Randomness) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// `N` bytes from `random` for what everybody may see.
pub fn public_bytes<const N: usize>(random: &dyn Randomness) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill_public(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;

    #[test]
    fn public_bytes_are_handed_out_once() {
        let made = || (0..1000).map(|_| public_bytes::<10>(&SystemRandomness::default())).collect::<Vec<_>>();
        let all = thread::scope(|scope| {
            let threads = [scope.spawn(made), scope.spawn(made)];
            threads.map(|thread| thread.join().unwrap()).concat()
        });
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 2000);
    }

    #[test]
    fn however_many_are_asked_for_they_are_all_random() {
        for size in [1, 511, 512, 513, 4096] {
            let mut bytes = vec![0; size];
            // By chance one that is zero stays so; a run of 8 does not.
            SystemRandomness::default().fill_public(&mut bytes);
            assert!(size < 8 || !bytes.windows(8).any(|window| window == [0; 8]), "{size}");
        }
    }
}
