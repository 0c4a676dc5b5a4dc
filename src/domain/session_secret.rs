//! The secret of a session: `pms_` + 64 hex characters (24 random bytes, 8-byte tag). Like a credential's, the tag lets a
//! forged one be refused without a look at the database.

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    credential::{TagKey, hex},
    digest::SecretHash,
    random::{self, Randomness},
};

const KIND: &str = "session";
const PREFIX: &str = "pms_";

/// A new secret and what is stored of it.
pub fn issue(key: &TagKey, random: &dyn Randomness) -> (SecretString, SecretHash) {
    let secret: [u8; 24] = random::bytes(random);
    let tag = key.tag::<8>(KIND, &secret);
    let text = SecretString::from(format!("{PREFIX}{}{}", hex::encode(&secret), hex::encode(&tag)));
    let hash = SecretHash::of(text.expose_secret().as_bytes());
    (text, hash)
}

/// What would be stored of `text`; `None` unless it was made here.
#[must_use]
pub fn parse(text: &str, key: &TagKey) -> Option<SecretHash> {
    let bytes = hex::decode::<32>(text.strip_prefix(PREFIX)?)?;
    let (secret, tag) = bytes.split_at(24);
    key.is_tag::<8>(KIND, secret, tag.first_chunk()?).then(|| SecretHash::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemRandomness;

    #[test]
    fn only_what_was_made_here_is_one() {
        let key = TagKey::new(&[7; 32]);
        let (text, hash) = issue(&key, &SystemRandomness::default());
        let text = text.expose_secret();
        assert!(parse(text, &key).unwrap().matches(&hash));
        assert!(parse(text, &TagKey::new(&[8; 32])).is_none());
        assert!(parse(&text.to_uppercase().replace("PMS", "pms"), &key).is_none());
        for at in 0..text.len() {
            let mut wrong = text.to_owned();
            wrong.replace_range(at..=at, if text.as_bytes()[at] == b'0' { "1" } else { "0" });
            assert!(parse(&wrong, &key).is_none(), "{at}");
        }
    }
}
