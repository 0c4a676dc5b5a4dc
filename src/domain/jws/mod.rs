//! Signing JWTs (RFC 7515) with keys that are parsed once.
//!
//! `jsonwebtoken::encode` parses the private key on every call, a third of the cost of an ES256 signature. Its crypto
//! provider is public, so the library stays in charge while [`KeptKey`] hands it a key that is already parsed: what
//! passes for key bytes is only a handle (the `kid`), and the key itself lies in a registry of the process.

mod algorithm;
mod pair;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, PoisonError, RwLock, Weak},
};

use aws_lc_rs::rand::SystemRandom;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    crypto::{CryptoProvider, JwtSigner, aws_lc},
    errors,
    jwk::{CommonParameters, Jwk, PublicKeyUse, ThumbprintHash},
    signature,
};
use serde::Serialize;
use thiserror::Error;

use self::pair::Pair;
pub use self::{algorithm::SigningAlgorithm, pair::generate};

/// How large the claims of an access token mostly are at the most, in bytes.
const USUAL_CLAIMS: usize = 640;

/// The parsed keys by handle, for as long as a [`KeptKey`] holds them.
type Registry = RwLock<HashMap<Box<[u8]>, Weak<ParsedKey>>>;

static KEPT: LazyLock<Registry> = LazyLock::new(Registry::default);

static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(|| CryptoProvider {
    signer_factory: kept_signer,
    verifier_factory: aws_lc::DEFAULT_PROVIDER.verifier_factory,
    key_utils: aws_lc::DEFAULT_PROVIDER.key_utils.clone(),
});

/// A process has one provider. Whoever installed another one first keeps it: signing by handle then fails at the
/// first token, loudly, and no key leaks.
static INSTALLED: LazyLock<bool> = LazyLock::new(|| PROVIDER.install_default().is_ok());

/// The private key is not one of the expected algorithm.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a private key of this algorithm in PKCS#8")]
pub struct NotAKey;

struct ParsedKey {
    pair: Pair,
    random: SystemRandom,
}

struct KeptSigner(Arc<ParsedKey>);

impl signature::Signer<Vec<u8>> for KeptSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        self.0.pair.sign(&self.0.random, message).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for KeptSigner {
    fn algorithm(&self) -> Algorithm {
        self.0.pair.algorithm().jws()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn kept_signer(algorithm: &Algorithm, key: &EncodingKey) -> errors::Result<Box<dyn JwtSigner>> {
    let kept = KEPT.read().unwrap_or_else(PoisonError::into_inner).get(key.as_bytes()).and_then(Weak::upgrade);
    match kept {
        Some(kept) => Ok(Box::new(KeptSigner(kept))),
        None => (aws_lc::DEFAULT_PROVIDER.signer_factory)(algorithm, key),
    }
}

/// A signing key, parsed once and registered under its `kid` for as long as this value lives.
pub struct KeptKey {
    /// What the registry holds weakly.
    key: Arc<ParsedKey>,
    header: Header,
    /// The header as it stands in each token.
    encoded_header: String,
    handle: EncodingKey,
    jwk: Jwk,
}

impl KeptKey {
    /// Parses and registers a key (`pkcs8`: PKCS#8, DER). Tokens signed with it carry `typ`.
    ///
    /// The `kid` is the key's thumbprint (RFC 7638), so the same key has the same name everywhere.
    ///
    /// # Errors
    /// [`NotAKey`] if it is none.
    pub fn new(algorithm: SigningAlgorithm, pkcs8: &[u8], typ: &str) -> Result<Self, NotAKey> {
        LazyLock::force(&INSTALLED);
        let pair = Pair::parse(algorithm, pkcs8)?;
        let jwk = jwk(&pair)?;
        let kid = jwk.common.key_id.clone().unwrap_or_default();
        let mut kept = KEPT.write().unwrap_or_else(PoisonError::into_inner);
        // The same key may be in use already: then both hold the one.
        let key = kept.get(kid.as_bytes()).and_then(Weak::upgrade);
        let key = key.unwrap_or_else(|| Arc::new(ParsedKey { pair, random: SystemRandom::new() }));
        kept.insert(kid.as_bytes().into(), Arc::downgrade(&key));
        drop(kept);
        let mut header = Header::new(algorithm.jws());
        header.typ = Some(typ.to_owned());
        header.kid = Some(kid.clone());
        let encoded_header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).map_err(|_| NotAKey)?);
        Ok(Self { key, header, encoded_header, handle: algorithm.handle(&kid), jwk })
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.key.pair.algorithm()
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

    /// Signs `claims` into a compact JWS.
    ///
    /// # Errors
    /// If the signature could not be made.
    pub fn sign<T: Serialize>(&self, claims: &T) -> errors::Result<String> {
        // What `jsonwebtoken::encode` does, but the header is not written anew each time (RFC 7515 section 7.1).
        let mut json = Vec::with_capacity(USUAL_CLAIMS);
        serde_json::to_writer(&mut json, claims)?;
        let mut token = String::with_capacity(2 * USUAL_CLAIMS);
        token.push_str(&self.encoded_header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(json, &mut token);
        let signature = jsonwebtoken::crypto::sign(token.as_bytes(), &self.handle, self.header.alg)?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// The same under another `typ` header.
    ///
    /// # Errors
    /// If the signature could not be made.
    pub fn sign_as<T: Serialize>(&self, typ: &str, claims: &T) -> errors::Result<String> {
        let header = Header { typ: Some(typ.to_owned()), ..self.header.clone() };
        jsonwebtoken::encode(&header, claims, &self.handle)
    }
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
        assert!(!format!("{:?} {:?}", key, key.handle).contains(&format!("{:?}", private.as_ref())));
    }
}
