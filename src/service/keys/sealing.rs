//! Sealing: AES-256-GCM under the root key, bound to what the key is for.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use thiserror::Error;

use super::root::RootKeys;
use crate::{
    domain::random::{self, Randomness},
    store::keys::KeyPurpose,
};

/// The layout: this byte, the nonce, then ciphertext and tag.
const VERSION: u8 = 1;

/// No root key opens it: it was sealed under another one, or changed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the root key does not open a key in the database")]
pub(super) struct DoesNotOpen;

/// What a sealed key is bound to.
pub(super) struct Label<'a> {
    pub(super) kid: &'a str,
    pub(super) algorithm: &'a str,
    pub(super) purpose: KeyPurpose,
}

impl Label<'_> {
    fn aad(&self) -> Aad<String> {
        Aad::from(format!("patmint|{}|{}|{}", self.kid, self.algorithm, self.purpose))
    }
}

fn cipher(root: &[u8; 32]) -> Result<LessSafeKey, DoesNotOpen> {
    UnboundKey::new(&AES_256_GCM, root).map(LessSafeKey::new).map_err(|_| DoesNotOpen)
}

/// Seals `key` under the newest root key.
pub(super) fn seal(
    roots: &RootKeys,
    label: &Label<'_>,
    key: &[u8],
    random: &dyn Randomness,
) -> Result<Vec<u8>, DoesNotOpen> {
    let root = roots.keys().first().ok_or(DoesNotOpen)?;
    let nonce: [u8; NONCE_LEN] = random::bytes(random);
    let mut text = key.to_vec();
    cipher(root)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), label.aad(), &mut text)
        .map_err(|_| DoesNotOpen)?;
    Ok([&[VERSION], nonce.as_slice(), &text].concat())
}

/// Opens what [`seal`] made, with whichever root key fits.
pub(super) fn open(roots: &RootKeys, label: &Label<'_>, sealed: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
    let Some((&VERSION, rest)) = sealed.split_first() else { return Err(DoesNotOpen) };
    let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(DoesNotOpen)?;
    let open_with = |root| {
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = cipher(root).ok()?.open_in_place(nonce, label.aad(), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    };
    roots.keys().iter().find_map(open_with).ok_or(DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemRandomness;

    fn roots() -> RootKeys {
        let folder = tempfile::tempdir().unwrap();
        RootKeys::load(folder.path(), true, &SystemRandomness::default()).unwrap()
    }

    #[test]
    fn a_key_opens_only_whole_and_under_its_own_label() {
        let (roots, random) = (roots(), SystemRandomness::default());
        let label = |kid, purpose| Label { kid, algorithm: "ES256", purpose };
        let own = label("a", KeyPurpose::Sign);
        let sealed = seal(&roots, &own, b"private", &random).unwrap();
        assert_eq!(open(&roots, &own, &sealed).as_deref(), Ok(b"private".as_slice()));
        assert!(!sealed.windows(7).any(|window| window == b"private"));
        for other in [label("b", KeyPurpose::Sign), label("a", KeyPurpose::Tag)] {
            assert_eq!(open(&roots, &other, &sealed), Err(DoesNotOpen));
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&roots, &own, &changed), Err(DoesNotOpen), "byte {at}");
        }
        assert_eq!(open(&self::roots(), &own, &sealed), Err(DoesNotOpen), "another root key");
    }
}
