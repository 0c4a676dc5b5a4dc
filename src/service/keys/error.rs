use thiserror::Error;

use super::root::RootKeyError;
use crate::store::StoreError;

/// Why there are no keys to work with.
#[derive(Debug, Error)]
pub enum KeyRingError {
    /// The keys folder.
    #[error(transparent)]
    Root(#[from] RootKeyError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealed under another root key, or damaged.
    #[error("the root key in {0} does not open the keys in the database: it is not the one they were sealed with")]
    DoesNotOpen(String),
    /// Opened, and not what it should be.
    #[error("key {0} in the database is damaged")]
    Damaged(String),
    /// A newer patmint made it, and signs by it.
    #[error(
        "key {kid} is for {algorithm}, which this patmint does not know: use the newer one that made the key, or withdraw the key with that one"
    )]
    UnknownAlgorithm {
        /// Its name.
        kid: String,
        /// The algorithm.
        algorithm: String,
    },
    /// Nothing to sign with.
    #[error(
        "not a private key for ES256 (P-256), RS256 (2048 bits at least) or EdDSA (Ed25519) in PEM (PKCS#8, not encrypted)"
    )]
    NotAPrivateKey,
    /// Signs already, or did, or will.
    #[error("this key is there already: {0}")]
    Known(String),
    /// Somebody else may have it.
    #[error("this key is withdrawn and is handed out no more: {0}")]
    Withdrawn(String),
    /// A new one could not be made.
    #[error("cannot make a key")]
    NotMade,
}

impl KeyRingError {
    /// The database's error, if it is one; else itself.
    pub(crate) fn into_store(self) -> Result<StoreError, Self> {
        match self {
            Self::Store(error) => Ok(error),
            other @ (Self::Root(_)
            | Self::DoesNotOpen(_)
            | Self::Damaged(_)
            | Self::UnknownAlgorithm { .. }
            | Self::NotAPrivateKey
            | Self::Known(_)
            | Self::Withdrawn(_)
            | Self::NotMade) => Err(other),
        }
    }
}
