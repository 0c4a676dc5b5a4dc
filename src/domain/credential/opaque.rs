//! `patmint_` + 76 characters (id, secret, tag) + 6 characters of CRC32 of all before it.
//!
//! The CRC lets a secret scanner check a candidate offline; the tag is what patmint goes by.

use super::{base62, tag::TagKey};
use crate::domain::{
    digest::SecretHash,
    ids::CredentialId,
    random::{self, Randomness},
};

const KIND: &str = "opaque";
const BODY_DIGITS: usize = 76;
const CHECK_DIGITS: usize = 6;

fn checksum(text: &str) -> [u8; CHECK_DIGITS] {
    base62::encode(crc32fast::hash(text.as_bytes()).to_be_bytes())
}

/// A new token and the hash of its secret.
pub(super) fn issue(prefix: &str, id: CredentialId, key: &TagKey, random: &dyn Randomness) -> (String, SecretHash) {
    let secret: [u8; 32] = random::bytes(random);
    let mut body = [0; 56];
    let (signed, tag) = body.split_at_mut(48);
    let (id_part, secret_part) = signed.split_at_mut(16);
    id_part.copy_from_slice(id.as_bytes());
    secret_part.copy_from_slice(&secret);
    tag.copy_from_slice(&key.tag::<8>(KIND, signed));
    let mut text = prefix.to_owned();
    text.extend(base62::encode::<BODY_DIGITS>(body).map(char::from));
    text.extend(checksum(&text).map(char::from));
    (text, SecretHash::of(&secret))
}

/// The id in a token and the hash of its secret; `None` unless patmint made the token.
pub(super) fn parse(text: &str, key: &TagKey) -> Option<(CredentialId, SecretHash)> {
    let (signed_text, check) = text.split_at_checked(text.len().checked_sub(CHECK_DIGITS)?)?;
    let (_, digits) = signed_text.rsplit_once('_')?;
    if digits.len() != BODY_DIGITS || checksum(signed_text) != *check.as_bytes() {
        return None;
    }
    let body = base62::decode(digits.as_bytes())?;
    let (signed, tag) = body.split_first_chunk::<48>()?;
    let (id, secret) = signed.split_first_chunk::<16>()?;
    if !key.is_tag::<8>(KIND, signed, tag.first_chunk()?) {
        return None;
    }
    Some((CredentialId::from_bytes(*id).ok()?, SecretHash::of(secret)))
}
