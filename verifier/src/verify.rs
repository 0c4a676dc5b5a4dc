use jsonwebtoken::{
    Validation, decode, decode_header,
    errors::{Error, ErrorKind},
};

use crate::{ACCESS_TOKEN_TYP, AccessClaims, KeySet, TOKEN_TYPE_ACCESS};

/// Why a token is refused. Never quotes the token.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// It is no JWT, or not one that a patmint signs for services (RFC 9068 section 4).
    #[error("is not an access token")]
    NotAnAccessToken,
    /// It was signed by a key that is not among those given.
    #[error("was signed by an unknown key")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("has a wrong signature")]
    WrongSignature,
    /// Another issuer's.
    #[error("is from another issuer")]
    WrongIssuer,
    /// For somebody else.
    #[error("is for another audience")]
    WrongAudience,
    /// Dead.
    #[error("has expired")]
    Expired,
}

/// What a service accepts.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The address of the patmint, as `iss` has it.
    pub issuer: String,
    /// The name of the service, as `aud` has it.
    pub audience: String,
    /// For how many seconds after its end a token is accepted, where clocks differ.
    pub leeway: i64,
}

impl Verifier {
    /// The claims of the access token `token`, at the time `now` (seconds since 1970), if it is good (RFC 9068 section 4,
    /// RFC 8725 section 3). It may have been revoked since it was signed: the list of revocations says so, not the token.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn verify(&self, keys: &KeySet, token: &str, now: i64) -> Result<AccessClaims<'static>, Refusal> {
        let header = decode_header(token).map_err(|_| Refusal::NotAnAccessToken)?;
        if header.typ.as_deref() != Some(ACCESS_TOKEN_TYP) {
            return Err(Refusal::NotAnAccessToken);
        }
        let key = keys.find(&header.kid.unwrap_or_default()).ok_or(Refusal::UnknownKey)?;
        // The key says how it signs; what the token says of it is only compared.
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Below, by the caller's clock.
        validation.validate_exp = false;
        let claims =
            decode::<AccessClaims<'static>>(token, &key.key, &validation).map_err(|error| reason(&error))?.claims;
        if claims.token_type != TOKEN_TYPE_ACCESS {
            return Err(Refusal::NotAnAccessToken);
        }
        if claims.exp.saturating_add(self.leeway) <= now {
            return Err(Refusal::Expired);
        }
        Ok(claims)
    }
}

fn reason(error: &Error) -> Refusal {
    let reasons = [
        (ErrorKind::InvalidSignature, Refusal::WrongSignature),
        (ErrorKind::InvalidIssuer, Refusal::WrongIssuer),
        (ErrorKind::InvalidAudience, Refusal::WrongAudience),
    ];
    let found = reasons.into_iter().find(|(kind, _)| kind == error.kind());
    found.map_or(Refusal::NotAnAccessToken, |(_, refusal)| refusal)
}
