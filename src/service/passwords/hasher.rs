//! argon2id, in memory that goes back to the system some time after it was last needed.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        CustomizedPasswordHasher, Error, Result,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// How many blocks there is room for at the least: 33 MiB, since glibc takes what is larger than 32 (mallopt(3),
/// `DEFAULT_MMAP_THRESHOLD_MAX`) from the system and gives it straight back. Smaller ones, once freed, it would keep, one in
/// each of the arenas that threads take turns in. Room that is never written to costs nothing.
const ROOM: usize = (33 << 20) / Block::SIZE;

/// Hashes passwords, and by that also checks them (`PasswordVerifier`).
#[derive(Default)]
pub(super) struct Hasher(Mutex<Rooms>);

/// Memory for one run each. What one run leaves, the next one takes: the system need not clear it anew, page by page,
/// which would take a third of a sign-in. There never are more than there once were runs at the same time.
#[derive(Default)]
struct Rooms {
    /// The one used last is taken first.
    left: Vec<Vec<Block>>,
    /// How many of those left have not been needed since [`Hasher::give_back`] was last called.
    unneeded: usize,
}

/// The memory of a run that is under way.
struct Taken<'a> {
    blocks: Vec<Block>,
    rooms: &'a Hasher,
}

impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let written = ParamsString::try_from(&params)?;
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let mut room = self.take();
        let blocks = room.sized(params.block_count())?;
        Argon2::new(algorithm, version, params).hash_password_into_with_memory(password, salt, &mut output, blocks)?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: written,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

impl Hasher {
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        // No code panics while it holds this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Taken<'_> {
        let mut rooms = self.rooms();
        let blocks = rooms.left.pop().unwrap_or_default();
        rooms.unneeded = rooms.unneeded.min(rooms.left.len());
        Taken { blocks, rooms: self }
    }

    /// Gives memory back to the system that has not been needed since this was last called.
    pub(super) fn give_back(&self) {
        let mut rooms = self.rooms();
        let unneeded = rooms.unneeded;
        rooms.unneeded = rooms.left.len() - unneeded;
        let given_back: Vec<_> = rooms.left.drain(..unneeded).collect();
        // The system takes a millisecond for each: not under the lock.
        drop(rooms);
        drop(given_back);
    }
}

impl Taken<'_> {
    /// `count` blocks, with anything in them: argon2 reads none that it has not written.
    fn sized(&mut self, count: usize) -> Result<&mut [Block]> {
        let more = count.max(ROOM).saturating_sub(self.blocks.len());
        self.blocks.try_reserve_exact(more).map_err(|_| Error::OutOfMemory)?;
        self.blocks.resize(count, Block::new());
        Ok(&mut self.blocks)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.rooms.rooms().left.push(mem::take(&mut self.blocks));
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    #[test]
    fn it_is_argon2id_whatever_was_hashed_there_before() {
        let hasher = Hasher::default();
        for (password, cost) in [(b"one", 64), (b"two", 16), (b"six", 32), (b"ten", 64)] {
            let params = Params::new(cost, 2, 1, None).unwrap();
            let own = hasher.hash_password_with_params(password, b"salt of 16 bytes", params.clone()).unwrap();
            let expected = Argon2::from(params).hash_password_with_salt(password, b"salt of 16 bytes").unwrap();
            assert_eq!(own.to_string(), expected.to_string());
            assert_eq!(hasher.verify_password(password, &expected), Ok(()));
            assert_eq!(hasher.verify_password(b"another", &expected), Err(Error::PasswordInvalid));
            assert_eq!(hasher.rooms().left.len(), 1, "one after the other in the same memory");
        }
    }

    #[test]
    fn memory_that_is_not_needed_any_more_goes_back() {
        let hasher = Hasher::default();
        let left = || hasher.rooms().left.len();
        drop((hasher.take(), hasher.take(), hasher.take()));
        assert_eq!(left(), 3);
        hasher.give_back();
        assert_eq!(left(), 3, "just needed");
        let under_way = hasher.take();
        drop(hasher.take());
        hasher.give_back();
        assert_eq!(left(), 1, "one of three was not needed, one is under way");
        drop(under_way);
        hasher.give_back();
        assert_eq!(left(), 1, "one was under way meanwhile");
        hasher.give_back();
        assert_eq!(left(), 0);
    }
}
