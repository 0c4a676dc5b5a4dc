use std::fmt;

use secrecy::SecretString;
use thiserror::Error;

use super::{CredentialKind, jwt, legacy, opaque, tag::TagKey};
use crate::domain::{
    clock::Timestamp,
    digest::SecretHash,
    ids::{CredentialId, UserId},
    random::Randomness,
};

/// The text is no credential that patmint ever made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a credential of this service")]
pub struct CredentialFormatError;

/// By what a presented credential is found.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum LookupKey {
    /// By the id in it.
    Id(CredentialId),
    /// By the hash of all of it: a legacy token carries no id.
    Hash([u8; 32]),
}

impl fmt::Debug for LookupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id:?}"),
            Self::Hash(_) => f.write_str("Hash(..)"),
        }
    }
}

/// A credential as somebody presented it, its tag checked. Whether it is one, only the row can tell.
#[derive(Clone, Copy, Debug)]
pub struct Presented {
    /// How it is written.
    pub kind: CredentialKind,
    /// Where to find its row.
    pub key: LookupKey,
    /// What the row's hash must be.
    pub hash: SecretHash,
}

/// A new credential: the text for its owner, the hash for the database.
#[derive(Debug)]
pub struct Issued {
    /// Shown once.
    pub text: SecretString,
    /// Stored.
    pub hash: SecretHash,
}

/// Writes and reads credentials.
#[derive(Clone, Debug)]
pub struct CredentialFormat {
    prefix: String,
    issuer: String,
    tag_key: TagKey,
}

impl CredentialFormat {
    /// `prefix` stands before every new opaque credential and must end in `_`; those with another one stay good.
    #[must_use]
    pub fn new(prefix: String, issuer: String, tag_key: TagKey) -> Self {
        Self { prefix, issuer, tag_key }
    }

    /// Makes a new credential of `kind`.
    pub fn issue(
        &self,
        kind: CredentialKind,
        id: CredentialId,
        owner: UserId,
        (issued_at, expires_at): (Timestamp, Option<Timestamp>),
        random: &dyn Randomness,
    ) -> Issued {
        let (text, hash) = match kind {
            // A kind that is not known here is refused before.
            CredentialKind::Opaque | CredentialKind::Unknown(_) => {
                opaque::issue(&self.prefix, id, &self.tag_key, random)
            }
            CredentialKind::Jwt => {
                let particulars = jwt::Particulars { id, owner, issuer: &self.issuer, issued_at, expires_at };
                hashed(jwt::issue(&particulars, &self.tag_key, random))
            }
            CredentialKind::Legacy => hashed(legacy::issue(&self.tag_key, random)),
        };
        Issued { text: text.into(), hash }
    }

    /// Reads a credential that somebody presented. Touches no database.
    ///
    /// # Errors
    /// [`CredentialFormatError`] if it was not made here: wrong shape, checksum or tag.
    pub fn parse(&self, text: &str) -> Result<Presented, CredentialFormatError> {
        let whole = || SecretHash::of(text.as_bytes());
        let presented = if text.len() == legacy::LENGTH && !text.contains(['.', '_']) {
            legacy::is_genuine(text, &self.tag_key).then(|| Presented {
                kind: CredentialKind::Legacy,
                key: LookupKey::Hash(*whole().as_bytes()),
                hash: whole(),
            })
        } else if text.contains('.') {
            jwt::parse(text, &self.tag_key).map(|id| Presented {
                kind: CredentialKind::Jwt,
                key: LookupKey::Id(id),
                hash: whole(),
            })
        } else {
            opaque::parse(text, &self.tag_key).map(|(id, hash)| Presented {
                kind: CredentialKind::Opaque,
                key: LookupKey::Id(id),
                hash,
            })
        };
        presented.ok_or(CredentialFormatError)
    }
}

fn hashed(text: String) -> (String, SecretHash) {
    let hash = SecretHash::of(text.as_bytes());
    (text, hash)
}

/// Whether `prefix` can stand before an opaque credential: 1–32 letters, digits, `-` and `_`, the last a `_`.
#[must_use]
pub fn is_prefix(prefix: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    prefix.ends_with('_') && prefix.len() <= 32 && prefix.chars().all(plain)
}

#[cfg(test)]
mod tests;
