//! New keys.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use patmint_verifier::ACCESS_TOKEN_TYP;
use pem::{EncodeConfig, LineEnding, Pem};
use secrecy::SecretString;

use super::{
    KeyRingError,
    root::RootKeys,
    sealing::{self, DoesNotOpen, Label},
};
use crate::{
    domain::{
        clock::Timestamp,
        jws::{self, KeptKey, NotAKey, SigningAlgorithm},
        random::{self, Randomness},
    },
    store::keys::{KeyPurpose, SealedKey},
};

const TAG_ALGORITHM: &str = "HS256";

/// Of PKCS#8 that is not encrypted (RFC 7468 section 10).
const PEM_TAG: &str = "PRIVATE KEY";

/// A key that is not sealed yet.
#[derive(Clone)]
pub(super) struct FreshKey {
    pub(super) kid: String,
    purpose: KeyPurpose,
    algorithm: &'static str,
    /// 32 bytes of a tag key, PKCS#8 of a signing key.
    bytes: Vec<u8>,
}

/// A new key, sealed; not in the database yet.
#[derive(Clone)]
pub(super) struct Sealed {
    kid: String,
    purpose: KeyPurpose,
    algorithm: &'static str,
    bytes: Vec<u8>,
}

impl FreshKey {
    pub(super) fn for_tags(random: &dyn Randomness) -> Self {
        let kid = URL_SAFE_NO_PAD.encode(random::bytes::<16>(random));
        let bytes = random::bytes::<32>(random).to_vec();
        Self { kid, purpose: KeyPurpose::Tag, algorithm: TAG_ALGORITHM, bytes }
    }

    /// # Errors
    /// [`KeyRingError::NotMade`].
    pub(super) fn for_signing(algorithm: SigningAlgorithm) -> Result<Self, KeyRingError> {
        let refuse = |NotAKey| KeyRingError::NotMade;
        let bytes = jws::generate(algorithm).map_err(refuse)?;
        let kid = KeptKey::new(algorithm, &bytes, ACCESS_TOKEN_TYP).map_err(refuse)?.kid().to_owned();
        Ok(Self { kid, purpose: KeyPurpose::Sign, algorithm: algorithm.as_str(), bytes })
    }

    /// The private key in `pem`, for the algorithm that it fits.
    ///
    /// # Errors
    /// [`KeyRingError::NotAPrivateKey`].
    pub(super) fn imported(pem: &str) -> Result<Self, KeyRingError> {
        let parsed = pem::parse(pem).ok().filter(|parsed| parsed.tag() == PEM_TAG);
        let bytes = parsed.ok_or(KeyRingError::NotAPrivateKey)?.into_contents();
        let fits = |algorithm| KeptKey::new(algorithm, &bytes, ACCESS_TOKEN_TYP).ok();
        let kept = SigningAlgorithm::ALL.into_iter().find_map(fits).ok_or(KeyRingError::NotAPrivateKey)?;
        let (kid, algorithm) = (kept.kid().to_owned(), kept.algorithm().as_str());
        Ok(Self { kid, purpose: KeyPurpose::Sign, algorithm, bytes })
    }

    /// This key under the newest of `roots`, which come from `folder`.
    pub(super) fn sealed(
        self,
        roots: &RootKeys,
        folder: &Path,
        random: &dyn Randomness,
    ) -> Result<Sealed, KeyRingError> {
        let Self { kid, purpose, algorithm, bytes } = self;
        let bytes = sealing::seal(roots, &Label { kid: &kid, algorithm, purpose }, &bytes, random);
        let bytes = bytes.map_err(|DoesNotOpen| KeyRingError::DoesNotOpen(folder.display().to_string()))?;
        Ok(Sealed { kid, purpose, algorithm, bytes })
    }
}

/// A signing key as [`FreshKey::imported`] takes it in.
pub(super) fn as_pem(pkcs8: Vec<u8>) -> SecretString {
    let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(PEM_TAG, pkcs8), lines).into()
}

impl Sealed {
    /// The row of this key, made by the change `created_seq`.
    pub(super) fn made(self, created_seq: i64, created_at: Timestamp, activates_at: Timestamp) -> SealedKey {
        let Self { kid, purpose, algorithm, bytes: sealed } = self;
        let (algorithm, withdrawn_at) = (algorithm.to_owned(), None);
        SealedKey { kid, purpose, algorithm, sealed, created_at, activates_at, created_seq, withdrawn_at }
    }
}
