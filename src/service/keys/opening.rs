//! From sealed keys to keys that sign.

use std::{path::Path, sync::Arc};

use patmint_verifier::ACCESS_TOKEN_TYP;

use super::{
    KeyRingError,
    root::RootKeys,
    sealing::{self, DoesNotOpen, Label},
    stored::Stored,
};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{TagKey, UnknownWord},
        jws::{KeptKey, NotAKey},
        random::Randomness,
        schedule::{Schedule, Turn, WITHDRAWAL_SHOWN},
    },
    store::keys::{KeyPurpose, SealedKey},
};

/// The signing keys as they were read together.
pub(super) struct Signing {
    /// The number of their last change.
    pub(super) seq: i64,
    /// By the database's clock.
    pub(super) schedule: Schedule<Arc<KeptKey>>,
    /// Those that were withdrawn of late.
    pub(super) withdrawn: Arc<[WithdrawnKey]>,
}

/// A signing key that was taken out of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WithdrawnKey {
    /// Its name.
    pub(crate) kid: String,
    /// Until when services are told, by the database's clock.
    pub(crate) shown_until: Timestamp,
}

/// The key of the tags. `folder` is where `roots` come from.
pub(super) fn tag(stored: &Stored, roots: &RootKeys, folder: &Path) -> Result<TagKey, KeyRingError> {
    let tag = stored.rows.iter().rfind(|key| key.purpose == KeyPurpose::Tag);
    let tag = tag.ok_or_else(|| missing(KeyPurpose::Tag))?;
    let bytes: [u8; 32] = opened(tag, roots, folder)?.try_into().map_err(|_| damaged(&tag.kid))?;
    Ok(TagKey::new(&bytes))
}

/// The keys that sign or are published at `now` or will be, by the database's clock. What is retired stays sealed: its root
/// key may be gone.
pub(super) fn signing(
    stored: &Stored,
    roots: &RootKeys,
    folder: &Path,
    now: Timestamp,
) -> Result<Signing, KeyRingError> {
    let schedule = schedule(stored)?.opened(now, |key| {
        let algorithm = key.algorithm.parse().map_err(|UnknownWord| KeyRingError::UnknownAlgorithm {
            kid: key.kid.clone(),
            algorithm: key.algorithm.clone(),
        })?;
        let opened = KeptKey::new(algorithm, &opened(key, roots, folder)?, ACCESS_TOKEN_TYP);
        opened.map(Arc::new).map_err(|NotAKey| damaged(&key.kid))
    })?;
    let schedule = schedule.ok_or_else(|| missing(KeyPurpose::Sign))?;
    Ok(Signing { seq: stored.seq, schedule, withdrawn: withdrawn(stored, now) })
}

fn withdrawn(stored: &Stored, now: Timestamp) -> Arc<[WithdrawnKey]> {
    let all = stored.signing().filter_map(|key| {
        let shown_until = key.withdrawn_at?.plus_seconds(WITHDRAWAL_SHOWN);
        Some(WithdrawnKey { kid: key.kid.clone(), shown_until })
    });
    all.filter(|key| key.shown_until > now).collect()
}

/// The schedule of the signing keys, sealed as they are.
pub(super) fn schedule(stored: &Stored) -> Result<Schedule<&SealedKey>, KeyRingError> {
    let turns = stored.signing().map(|key| Turn { key, from: key.activates_at, withdrawn_at: key.withdrawn_at });
    Schedule::new(turns).ok_or_else(|| missing(KeyPurpose::Sign))
}

/// This key sealed under the newest of `roots`, whichever opens it.
pub(super) fn resealed(
    key: &SealedKey,
    roots: &RootKeys,
    folder: &Path,
    random: &dyn Randomness,
) -> Result<Vec<u8>, KeyRingError> {
    sealing::seal(roots, &label(key), &opened(key, roots, folder)?, random).map_err(|error| refused(error, folder))
}

/// Whether one of `roots` opens this key.
pub(super) fn opens(key: &SealedKey, roots: &RootKeys) -> bool {
    sealing::open(roots, &label(key), &key.sealed).is_ok()
}

/// The key itself.
pub(super) fn opened(key: &SealedKey, roots: &RootKeys, folder: &Path) -> Result<Vec<u8>, KeyRingError> {
    sealing::open(roots, &label(key), &key.sealed).map_err(|error| refused(error, folder))
}

fn label(key: &SealedKey) -> Label<'_> {
    Label { kid: &key.kid, algorithm: &key.algorithm, purpose: key.purpose }
}

fn refused(_: DoesNotOpen, folder: &Path) -> KeyRingError {
    KeyRingError::DoesNotOpen(folder.display().to_string())
}

fn missing(purpose: KeyPurpose) -> KeyRingError {
    damaged(purpose.as_str())
}

fn damaged(kid: &str) -> KeyRingError {
    KeyRingError::Damaged(kid.to_owned())
}
