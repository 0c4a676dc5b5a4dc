//! 40 hex characters: 14 random bytes and a tag of 6. Has no id in it: the row is found by the hash of the whole.

use std::fmt::Write as _;

use super::tag::TagKey;
use crate::domain::random::{self, Randomness};

const KIND: &str = "legacy";

/// Length in bytes.
pub(super) const LENGTH: usize = 40;

/// A new token.
pub(super) fn issue(key: &TagKey, random: &dyn Randomness) -> String {
    let secret: [u8; 14] = random::bytes(random);
    let tag = key.tag::<6>(KIND, &secret);
    secret.iter().chain(&tag).fold(String::with_capacity(LENGTH), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether patmint made this token.
pub(super) fn is_genuine(text: &str, key: &TagKey) -> bool {
    let Some(bytes) = decode(text) else { return false };
    let (secret, tag) = bytes.split_at(14);
    tag.first_chunk().is_some_and(|tag| key.is_tag::<6>(KIND, secret, tag))
}

fn decode(text: &str) -> Option<[u8; 20]> {
    if text.len() != LENGTH {
        return None;
    }
    let mut bytes = [0; 20];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digits.iter().try_fold(0, |value, digit| nibble(*digit).map(|nibble| value << 4 | nibble))?;
    }
    Some(bytes)
}

/// Lower case only: one spelling for each token.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
