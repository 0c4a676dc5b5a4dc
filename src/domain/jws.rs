//! Signing JWTs (RFC 7515) with keys that are parsed once.
//!
//! `jsonwebtoken::encode` parses the private key on every call, a third of the cost of an ES256 signature. Its crypto
//! provider is public, so the library stays in charge while [`KeptKey`] hands it a key that is already parsed: what
//! passes for key bytes is only a handle (the `kid`), and the key itself lies in a registry of the process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, PoisonError, RwLock, Weak},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    crypto::{CryptoProvider, JwtSigner, aws_lc},
    errors,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
        KeyAlgorithm, PublicKeyUse,
    },
    signature,
};
use serde::Serialize;
use thiserror::Error;

/// The parsed keys by handle, for as long as a [`KeptKey`] holds them.
type Registry = RwLock<HashMap<Box<[u8]>, Weak<Es256Key>>>;

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
#[error("not an ES256 private key in PKCS#8")]
pub struct NotAKey;

struct Es256Key {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

struct KeptSigner(Arc<Es256Key>);

impl signature::Signer<Vec<u8>> for KeptSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let signed = self.0.pair.sign(&self.0.random, message).map_err(|_| signature::Error::new())?;
        Ok(signed.as_ref().to_vec())
    }
}

impl JwtSigner for KeptSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
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
    _key: Arc<Es256Key>,
    header: Header,
    handle: EncodingKey,
    jwk: Jwk,
}

impl KeptKey {
    /// Parses and registers an ES256 key (`pkcs8`: PKCS#8 v1, DER). Tokens signed with it carry `typ`.
    ///
    /// The `kid` is the key's thumbprint (RFC 7638), so the same key has the same name everywhere.
    ///
    /// # Errors
    /// [`NotAKey`] if it is none.
    pub fn es256(pkcs8: &[u8], typ: &str) -> Result<Self, NotAKey> {
        LazyLock::force(&INSTALLED);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| NotAKey)?;
        let jwk = es256_jwk(pair.public_key().as_ref())?;
        let kid = jwk.common.key_id.clone().unwrap_or_default();
        let mut kept = KEPT.write().unwrap_or_else(PoisonError::into_inner);
        // The same key may be in use already: then both hold the one.
        let key = kept.get(kid.as_bytes()).and_then(Weak::upgrade);
        let key = key.unwrap_or_else(|| Arc::new(Es256Key { pair, random: SystemRandom::new() }));
        kept.insert(kid.as_bytes().into(), Arc::downgrade(&key));
        drop(kept);
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(kid.clone());
        Ok(Self { _key: key, header, handle: EncodingKey::from_ec_der(kid.as_bytes()), jwk })
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
        jsonwebtoken::encode(&self.header, claims, &self.handle)
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

fn es256_jwk(point: &[u8]) -> Result<Jwk, NotAKey> {
    let (Some(4), Some(x), Some(y)) = (point.first(), point.get(1..33), point.get(33..65)) else {
        return Err(NotAKey);
    };
    let mut jwk = Jwk {
        common: CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::ES256),
            ..CommonParameters::default()
        },
        algorithm: AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
            key_type: EllipticCurveKeyType::EC,
            curve: EllipticCurve::P256,
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        }),
    };
    jwk.common.key_id = Some(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).map_err(|_| NotAKey)?);
    Ok(jwk)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsBigEndian as _;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_kept_key_signs_what_its_public_half_verifies() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let key = KeptKey::es256(pkcs8.as_ref(), "at+jwt").unwrap();
        let token = key.sign(&json!({"sub": "ada", "exp": 4_000_000_000_u64})).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!((header.typ.as_deref(), header.kid.as_deref()), (Some("at+jwt"), Some(key.kid())));
        let data = jsonwebtoken::decode::<Value>(
            &token,
            &DecodingKey::from_jwk(key.jwk()).unwrap(),
            &Validation::new(Algorithm::ES256),
        );
        assert_eq!(data.unwrap().claims["sub"], "ada");
        let private = pair.private_key().as_be_bytes().unwrap();
        assert!(!format!("{:?} {:?}", key, key.handle).contains(&format!("{:?}", private.as_ref())));
    }
}
