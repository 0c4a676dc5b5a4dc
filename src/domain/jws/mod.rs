//! Signing JWTs (RFC 7515) with keys that are parsed once.
//!
//! `jsonwebtoken::encode` parses the private key on every call, a third of the cost of an ES256 signature. Its types say what
//! stands in a header and in a published key, and it reads what others signed; the three parts of a token are put together
//! here.

mod algorithm;
mod pair;

use std::fmt;

use aws_lc_rs::{error::Unspecified, rand::SystemRandom};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Header,
    jwk::{CommonParameters, Jwk, PublicKeyUse, ThumbprintHash},
};
use serde::Serialize;
use thiserror::Error;

use self::pair::Pair;
pub use self::{algorithm::SigningAlgorithm, pair::generate};

/// How large the claims of an access token mostly are at the most, in bytes.
const USUAL_CLAIMS: usize = 640;

/// How large a signature of most algorithms is when it is encoded, in bytes.
const USUAL_SIGNATURE: usize = 86;

/// The private key is not one of the expected algorithm.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a private key of this algorithm in PKCS#8")]
pub struct NotAKey;

/// No token could be signed.
#[derive(Debug, Error)]
pub enum SignError {
    /// The claims, or the header.
    #[error("not to be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The signature.
    #[error("the signature could not be made")]
    Crypto(#[from] Unspecified),
}

/// A signing key, parsed once.
pub struct KeptKey {
    pair: Pair,
    random: SystemRandom,
    header: Header,
    /// The header as it stands in each token.
    encoded_header: String,
    jwk: Jwk,
}

impl KeptKey {
    /// Parses a key (`pkcs8`: PKCS#8, DER). Tokens signed with it carry `typ`.
    ///
    /// The `kid` is the key's thumbprint (RFC 7638), so the same key has the same name everywhere.
    ///
    /// # Errors
    /// [`NotAKey`] if it is none.
    pub fn new(algorithm: SigningAlgorithm, pkcs8: &[u8], typ: &str) -> Result<Self, NotAKey> {
        let pair = Pair::parse(algorithm, pkcs8)?;
        let jwk = jwk(&pair)?;
        let mut header = Header::new(algorithm.jws());
        header.typ = Some(typ.to_owned());
        header.kid.clone_from(&jwk.common.key_id);
        let encoded_header = encoded(&header).map_err(|_| NotAKey)?;
        Ok(Self { pair, random: SystemRandom::new(), header, encoded_header, jwk })
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.pair.algorithm()
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.jwk.common.key_id.as_deref().unwrap_or_default()
    }

    /// The public half (RFC 7517).
    #[must_use]
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Signs `claims` into a compact JWS (RFC 7515 section 7.1).
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn sign<T: Serialize>(&self, claims: &T) -> Result<String, SignError> {
        self.signed(&self.encoded_header, claims)
    }

    /// The same under another `typ` header.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn sign_as<T: Serialize>(&self, typ: &str, claims: &T) -> Result<String, SignError> {
        self.signed(&encoded(&Header { typ: Some(typ.to_owned()), ..self.header.clone() })?, claims)
    }

    fn signed<T: Serialize>(&self, header: &str, claims: &T) -> Result<String, SignError> {
        let mut json = Vec::with_capacity(USUAL_CLAIMS);
        serde_json::to_writer(&mut json, claims)?;
        let size = header.len() + (4 * json.len()).div_ceil(3) + USUAL_SIGNATURE + 2;
        let mut token = String::with_capacity(size);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(json, &mut token);
        let signature = self.pair.sign(&self.random, token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

/// As it stands in a token.
fn encoded(header: &Header) -> serde_json::Result<String> {
    serde_json::to_vec(header).map(|json| URL_SAFE_NO_PAD.encode(json))
}

impl fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptKey({})", self.kid())
    }
}

fn jwk(pair: &Pair) -> Result<Jwk, NotAKey> {
    let common = CommonParameters {
        public_key_use: Some(PublicKeyUse::Signature),
        key_algorithm: Some(pair.algorithm().jwk()),
        ..CommonParameters::default()
    };
    let mut jwk = Jwk { common, algorithm: pair.public()? };
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| NotAKey)?);
    Ok(jwk)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::AsBigEndian as _,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
    };
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::{Value, json};

    use super::*;

    const ALL: [SigningAlgorithm; 3] = SigningAlgorithm::ALL;

    #[test]
    fn a_kept_key_signs_what_its_public_half_verifies() {
        for algorithm in ALL {
            let key = KeptKey::new(algorithm, &generate(algorithm).unwrap(), "at+jwt").unwrap();
            let token = key.sign(&json!({"sub": "ada", "exp": 4_000_000_000_u64})).unwrap();
            let header = jsonwebtoken::decode_header(&token).unwrap();
            assert_eq!((header.typ.as_deref(), header.kid.as_deref()), (Some("at+jwt"), Some(key.kid())));
            assert_eq!((header.alg, key.algorithm()), (algorithm.jws(), algorithm));
            let public = serde_json::to_value(key.jwk()).unwrap();
            assert_eq!(public["alg"], algorithm.as_str());
            let data = jsonwebtoken::decode::<Value>(
                &token,
                &DecodingKey::from_jwk(&serde_json::from_value(public).unwrap()).unwrap(),
                &Validation::new(algorithm.jws()),
            );
            assert_eq!(data.unwrap().claims["sub"], "ada");
        }
    }

    #[test]
    fn a_key_is_of_one_algorithm() {
        for algorithm in ALL {
            let pkcs8 = generate(algorithm).unwrap();
            let parsed = |as_if| KeptKey::new(as_if, &pkcs8, "at+jwt").is_ok();
            assert_eq!(ALL.map(parsed), ALL.map(|as_if| as_if == algorithm));
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let key = KeptKey::new(SigningAlgorithm::Es256, pkcs8.as_ref(), "at+jwt").unwrap();
        let private = pair.private_key().as_be_bytes().unwrap();
        assert!(!format!("{key:?}").contains(&format!("{:?}", private.as_ref())));
    }
}
