//! What a caller shows, checked as far as that goes without the database.

use jsonwebtoken::{DecodingKey, Validation};
use patmint_verifier::{ACCESS_TOKEN_TYP, AccessClaims, TOKEN_TYPE_ACCESS};

use crate::{
    domain::{
        credential::Presented,
        digest::SecretHash,
        idempotency::IdempotencyKey,
        means::Means,
        source::Source,
        tagged_secret::{self, Purpose},
    },
    service::{core::Core, error::ManageError},
};

/// What a caller showed, checked as far as that goes without the database.
#[derive(Clone)]
pub enum Proof {
    /// The secret of a session.
    Session(SecretHash),
    /// A credential itself.
    Credential(Presented),
    /// An access token of ours, for us, not expired.
    AccessToken(Box<Signed>),
}

/// What an access token says, and the key that signed it.
#[derive(Clone)]
pub struct Signed {
    /// What it says.
    pub claims: AccessClaims<'static>,
    /// The name of the key.
    pub kid: String,
}

/// A caller, before anybody looked into the database.
#[derive(Clone)]
pub struct Caller {
    /// What was shown.
    pub proof: Proof,
    /// Where the request came from.
    pub source: Source,
    /// How the caller names the request, where it makes something and may come again.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Proof {
    pub(super) fn means(&self) -> Means {
        match self {
            Self::Session(_) => Means::Session,
            Self::Credential(_) => Means::Token,
            Self::AccessToken(_) => Means::AccessToken,
        }
    }
}

impl Core {
    /// What `token` proves, sent as `Authorization: Bearer`, `Token` or a cookie.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`].
    pub(crate) fn proof(&self, token: &str) -> Result<Proof, ManageError> {
        if let Some(hash) = tagged_secret::parse(Purpose::Session, token, self.keys.tag()) {
            return Ok(Proof::Session(hash));
        }
        if let Ok(presented) = self.format.parse(token) {
            return Ok(Proof::Credential(presented));
        }
        self.access_claims(token).map(|signed| Proof::AccessToken(Box::new(signed)))
    }

    /// The claims of an access token that this patmint made for itself.
    fn access_claims(&self, token: &str) -> Result<Signed, ManageError> {
        let signed = self.signed_claims(token).ok_or(ManageError::Unauthenticated)?;
        let (claims, now) = (&signed.claims, self.clock.now().unix_seconds());
        if claims.exp <= now || !claims.aud.contains(&self.settings.issuer) {
            return Err(ManageError::Unauthenticated);
        }
        Ok(signed)
    }

    /// The claims of an access token that this patmint made, for whomever, expired or not.
    pub(crate) fn signed_claims(&self, token: &str) -> Option<Signed> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(ACCESS_TOKEN_TYP) {
            return None;
        }
        let signed_by = self.keys.find(&header.kid?, self.clock.now())?;
        let mut validation = Validation::new(signed_by.algorithm().jws());
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Both are the callers' to check, the time by the injected clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let key = DecodingKey::from_jwk(signed_by.jwk()).ok()?;
        let claims = jsonwebtoken::decode::<AccessClaims<'static>>(token, &key, &validation).ok()?.claims;
        (claims.token_type == TOKEN_TYPE_ACCESS).then(|| Signed { claims, kid: signed_by.kid().to_owned() })
    }
}
