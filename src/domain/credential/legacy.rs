//! 40 hex characters: 14 random bytes and a tag of 6. Has no id in it: the row is found by the hash of the whole.

use super::{hex, tag::TagKey};
use crate::domain::random::{self, Randomness};

const KIND: &str = "legacy";

/// Length in bytes.
pub(super) const LENGTH: usize = 40;

/// A new token.
pub(super) fn issue(key: &TagKey, random: &dyn Randomness) -> String {
    let secret: [u8; 14] = random::bytes(random);
    hex::encode(&secret) + &hex::encode(&key.tag::<6>(KIND, &secret))
}

/// Whether patmint made this token.
pub(super) fn is_genuine(text: &str, key: &TagKey) -> bool {
    let Some(bytes) = hex::decode::<20>(text) else { return false };
    let (secret, tag) = bytes.split_at(14);
    tag.first_chunk().is_some_and(|tag| key.is_tag::<6>(KIND, secret, tag))
}
