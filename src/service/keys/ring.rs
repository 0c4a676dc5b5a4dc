//! The keys in use: one for tags, one that signs, and what is published of it.

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use patmint_verifier::ACCESS_TOKEN_TYP;
use thiserror::Error;

use super::{
    root::{RootKeyError, RootKeys},
    sealing::{self, DoesNotOpen, Label},
};
use crate::{
    domain::{
        clock::Clock,
        credential::TagKey,
        jws::{KeptKey, NotAKey},
        random::{self, Randomness},
    },
    store::{
        Database, StoreError,
        keys::{self, KeyPurpose, SealedKey},
    },
};

const TAG_ALGORITHM: &str = "HS256";
const SIGNING_ALGORITHM: &str = "ES256";

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
}

/// The keys in use. Replicas on one database have the same.
#[derive(Debug)]
pub struct KeyRing {
    tag: TagKey,
    signing: KeptKey,
}

impl KeyRing {
    /// Opens the keys in the database, or makes the first ones. `folder` holds the root key.
    ///
    /// # Errors
    /// See [`KeyRingError`].
    pub async fn open(
        db: &Database,
        folder: &Path,
        clock: &dyn Clock,
        random: &dyn Randomness,
    ) -> Result<Self, KeyRingError> {
        let mut stored = db.read::<_, StoreError>(keys::all).await?;
        let roots = RootKeys::load(folder, stored.is_empty(), random)?;
        let refuse = |DoesNotOpen| KeyRingError::DoesNotOpen(folder.display().to_string());
        if stored.is_empty() {
            let now = clock.now();
            let fresh = [new_tag_key(random), new_signing_key()?].map(|(kid, purpose, algorithm, key)| {
                let label = Label { kid: &kid, algorithm, purpose };
                let sealed = sealing::seal(&roots, &label, &key, random)?;
                let algorithm = algorithm.to_owned();
                Ok(SealedKey { kid, purpose, algorithm, sealed, created_at: now, activates_at: now })
            });
            let [tag, signing] = fresh;
            let (tag, signing) = (tag.map_err(refuse)?, signing.map_err(refuse)?);
            stored = db.change(move |connection, _| first_keys(connection, [tag, signing])).await?;
        }
        let open = |purpose| {
            let key = stored.iter().rfind(|key| key.purpose == purpose);
            let key = key.ok_or_else(|| KeyRingError::Damaged(purpose.to_string()))?;
            let label = Label { kid: &key.kid, algorithm: &key.algorithm, purpose };
            let bytes = sealing::open(&roots, &label, &key.sealed).map_err(refuse)?;
            Ok::<_, KeyRingError>((key.kid.clone(), bytes))
        };
        let (tag_kid, tag) = open(KeyPurpose::Tag)?;
        let tag: [u8; 32] = tag.try_into().map_err(|_| KeyRingError::Damaged(tag_kid))?;
        let (signing_kid, signing) = open(KeyPurpose::Sign)?;
        let signing =
            KeptKey::es256(&signing, ACCESS_TOKEN_TYP).map_err(|NotAKey| KeyRingError::Damaged(signing_kid))?;
        Ok(Self { tag: TagKey::new(&tag), signing })
    }

    /// The key of the tags.
    #[must_use]
    pub fn tag(&self) -> &TagKey {
        &self.tag
    }

    /// The key that signs.
    #[must_use]
    pub fn signing(&self) -> &KeptKey {
        &self.signing
    }

    /// What is published: every key under which a live token may be signed (RFC 7517 section 5).
    #[must_use]
    pub fn published(&self) -> JwkSet {
        JwkSet { keys: vec![self.signing.jwk().clone()] }
    }
}

/// Stores the first keys, unless another server was faster; then its keys count.
fn first_keys(
    connection: &mut crate::store::DbConnection,
    fresh: [SealedKey; 2],
) -> Result<Vec<SealedKey>, StoreError> {
    let stored = keys::all(connection)?;
    if !stored.is_empty() {
        return Ok(stored);
    }
    for key in fresh.clone() {
        keys::insert(connection, key)?;
    }
    Ok(fresh.into())
}

type NewKey = (String, KeyPurpose, &'static str, Vec<u8>);

fn new_tag_key(random: &dyn Randomness) -> NewKey {
    let kid = URL_SAFE_NO_PAD.encode(random::bytes::<16>(random));
    (kid, KeyPurpose::Tag, TAG_ALGORITHM, random::bytes::<32>(random).to_vec())
}

fn new_signing_key() -> Result<NewKey, KeyRingError> {
    let damaged = || KeyRingError::Damaged("signing".to_owned());
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| damaged())?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| damaged())?.as_ref().to_vec();
    let kid = KeptKey::es256(&pkcs8, ACCESS_TOKEN_TYP).map_err(|NotAKey| damaged())?.kid().to_owned();
    Ok((kid, KeyPurpose::Sign, SIGNING_ALGORITHM, pkcs8))
}
