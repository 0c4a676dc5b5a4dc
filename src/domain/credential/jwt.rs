//! A credential in the shape of a JWT, for clients that decode their token before they use it.
//!
//! Signed with HS256 under a random key that is thrown away: nobody can check the signature, and nobody has to. Only
//! `jti` (id and tag) is read from it; everything else comes from the row, and the hash of the whole must match.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::tag::TagKey;
use crate::domain::{
    clock::Timestamp,
    ids::{CredentialId, UserId},
    random::{self, Randomness},
};

const KIND: &str = "jwt";
const HEADER: &str = r#"{"alg":"HS256","typ":"refresh+jwt"}"#;

/// The largest token that is looked at, in bytes; an issued one has about 500.
const MAX_LENGTH: usize = 4096;

/// What `exp` is set to when a token never expires: clients refuse one without, and some a year past 9999. 200 years.
pub const NEVER_SECONDS: i64 = 200 * 365 * 86_400;

#[derive(Serialize)]
struct Claims<'a> {
    token_type: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
    sub: String,
    iss: &'a str,
}

#[derive(Deserialize)]
struct OnlyJti {
    jti: String,
}

/// What a new token says of itself.
pub(super) struct Particulars<'a> {
    pub(super) id: CredentialId,
    pub(super) owner: UserId,
    pub(super) issuer: &'a str,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
}

/// A new token.
pub(super) fn issue(particulars: &Particulars<'_>, key: &TagKey, random: &dyn Randomness) -> String {
    let mut jti = particulars.id.as_bytes().to_vec();
    jti.extend(key.tag::<8>(KIND, particulars.id.as_bytes()));
    let iat = particulars.issued_at.unix_seconds();
    let claims = Claims {
        token_type: "refresh",
        jti: &URL_SAFE_NO_PAD.encode(jti),
        iat,
        // A client that decodes it must not give it up before the server does.
        exp: particulars.expires_at.map_or(iat + NEVER_SECONDS, Timestamp::unix_seconds_rounded_up),
        sub: particulars.owner.to_string(),
        iss: particulars.issuer,
    };
    // A struct of strings and numbers always becomes JSON.
    let payload = serde_json::to_vec(&claims).unwrap_or_default();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(payload));
    let thrown_away = hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>(random));
    let signature = hmac::sign(&thrown_away, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The id in a token; `None` unless patmint made that id. The caller compares the hash of the whole token.
pub(super) fn parse(text: &str, key: &TagKey) -> Option<CredentialId> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut parts = text.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims: OnlyJti = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let jti = URL_SAFE_NO_PAD.decode(claims.jti).ok()?;
    let (id, tag) = jti.split_first_chunk::<16>()?;
    let tag: &[u8; 8] = tag.try_into().ok()?;
    if !key.is_tag::<8>(KIND, id, tag) {
        return None;
    }
    CredentialId::from_bytes(*id).ok()
}
