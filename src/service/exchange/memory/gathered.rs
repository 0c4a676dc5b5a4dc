//! Use that is gathered in memory until it is written.

use std::sync::PoisonError;

use super::{Memory, SHARDS, read};
use crate::{
    domain::{clock::Timestamp, ids::CredentialId},
    service::exchange::known::Use,
};

/// How many places are looked at before others may change the shard.
const STEP: usize = 256;

impl Memory {
    /// The last use that is gathered here.
    pub(crate) fn last_use(&self, id: CredentialId) -> Option<Timestamp> {
        let here = self.locate(id).and_then(|(shard, hash)| read(shard).get(hash, id)?.used()).map(|used| used.at);
        here.max(self.loose_use.last_use(id))
    }

    /// Hands out the use of about `most` credentials, each in its turn, and looks for them among about `among`.
    pub(crate) fn take_used(&self, most: usize, among: usize, mut take: impl FnMut(CredentialId, Use)) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut looked_at, mut shards) = (0, 0, 0);
        // The shard in which it begins also is the last one.
        while found < most && looked_at < among && shards <= SHARDS {
            let (number, from) = *turn;
            let Some(shard) = self.credentials.get(number).map(read) else { break };
            let to = shard.places().min(from + STEP);
            for known in (from..to).filter_map(|place| shard.at(place)) {
                looked_at += 1;
                if let Some(used) = known.take_used() {
                    found += 1;
                    take(known.id(), used);
                }
            }
            *turn = (number, to);
            if to == shard.places() || to < from {
                *turn = ((number + 1) % SHARDS, 0);
                shards += 1;
            }
        }
    }
}
