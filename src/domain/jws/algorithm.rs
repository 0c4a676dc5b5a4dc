use std::{fmt, str::FromStr};

use jsonwebtoken::{Algorithm, jwk::KeyAlgorithm};
use serde::Deserialize;

use crate::domain::credential::words;

/// How access tokens are signed (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SigningAlgorithm {
    /// ECDSA with P-256: short signatures, and known everywhere.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSA with 2048 bits at least: what RFC 9068 demands that everybody knows.
    #[serde(rename = "RS256")]
    Rs256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}
words!(SigningAlgorithm { Es256 = "ES256", Rs256 = "RS256", EdDsa = "EdDSA" });

impl SigningAlgorithm {
    /// The same for whoever verifies.
    #[must_use]
    pub fn jws(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }

    pub(super) fn jwk(self) -> KeyAlgorithm {
        self.jws().into()
    }
}
