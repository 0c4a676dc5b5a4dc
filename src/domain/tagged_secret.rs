//! The secret of a session or an invitation: a prefix + 64 hex characters (24 random bytes, 8-byte tag). Like a
//! credential's, the tag lets a forged one be refused without a look at the database.

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    credential::{TagKey, hex},
    digest::SecretHash,
    random::{self, Randomness},
};

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Whoever has it is signed in.
    Session,
    /// Whoever has it may join.
    Invitation,
}

impl Purpose {
    /// What the tag is made for, so that one never stands for the other.
    fn kind(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Invitation => "invitation",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Session => "pms_",
            Self::Invitation => "pmi_",
        }
    }
}

/// A new secret and what is stored of it.
pub fn issue(purpose: Purpose, key: &TagKey, random: &dyn Randomness) -> (SecretString, SecretHash) {
    let secret: [u8; 24] = random::bytes(random);
    let tag = key.tag::<8>(purpose.kind(), &secret);
    let text = SecretString::from(format!("{}{}{}", purpose.prefix(), hex::encode(&secret), hex::encode(&tag)));
    let hash = SecretHash::of(text.expose_secret().as_bytes());
    (text, hash)
}

/// What would be stored of `text`; `None` unless it was made here.
#[must_use]
pub fn parse(purpose: Purpose, text: &str, key: &TagKey) -> Option<SecretHash> {
    let bytes = hex::decode::<32>(text.strip_prefix(purpose.prefix())?)?;
    let (secret, tag) = bytes.split_at(24);
    key.is_tag::<8>(purpose.kind(), secret, tag.first_chunk()?).then(|| SecretHash::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemRandomness;

    #[test]
    fn only_what_was_made_here_for_this_is_one() {
        use Purpose::{Invitation, Session};
        let key = TagKey::new(&[7; 32]);
        for (purpose, other) in [(Session, Invitation), (Invitation, Session)] {
            let (text, hash) = issue(purpose, &key, &SystemRandomness::default());
            let text = text.expose_secret();
            assert!(parse(purpose, text, &key).unwrap().matches(&hash));
            assert!(parse(other, text, &key).is_none());
            assert!(parse(other, &text.replace(purpose.prefix(), other.prefix()), &key).is_none());
            assert!(parse(purpose, text, &TagKey::new(&[8; 32])).is_none());
            assert!(parse(purpose, &text.to_uppercase().replace("PM", "pm"), &key).is_none());
            for at in 0..text.len() {
                let mut wrong = text.to_owned();
                wrong.replace_range(at..=at, if text.as_bytes()[at] == b'0' { "1" } else { "0" });
                assert!(parse(purpose, &wrong, &key).is_none(), "{at}");
            }
        }
    }
}
