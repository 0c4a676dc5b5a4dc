//! Reading a request's body, bounded in size and time. What is wrong with it is never quoted: it may be a secret.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header,
    web::{Bytes, Payload},
};
use thiserror::Error;
use tokio::time;

/// How much of a stranger's body is read, and for how long.
pub(super) struct Limits;

impl Limits {
    /// The largest body, in bytes.
    pub(super) const BODY: usize = 64 * 1024;
    /// How long a body may take to arrive. actix bounds the headers only.
    pub(super) const BODY_TIME: Duration = Duration::from_secs(10);
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum BodyError {
    #[error("the request body is larger than 65536 bytes")]
    TooLarge,
    #[error("the request body took longer than 10 seconds")]
    TooSlow,
    #[error("the request body broke off or is not encoded as its headers say")]
    Broken,
    #[error("unsupported media type in request")]
    MediaType,
}

/// How a body is written, by its `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Form,
    /// No `Content-Type` at all.
    Unnamed,
    Other,
}

impl Media {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return Self::Unnamed };
        let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Other
        }
    }
}

/// The whole body.
pub(crate) async fn read(payload: Payload) -> Result<Bytes, BodyError> {
    match time::timeout(Limits::BODY_TIME, payload.to_bytes_limited(Limits::BODY)).await {
        Err(_) => Err(BodyError::TooSlow),
        Ok(Err(_)) => Err(BodyError::TooLarge),
        Ok(Ok(Err(_))) => Err(BodyError::Broken),
        Ok(Ok(Ok(body))) => Ok(body),
    }
}

/// The members of a form (WHATWG URL, `application/x-www-form-urlencoded`).
pub(crate) fn form(body: &[u8]) -> Option<Vec<(String, String)>> {
    // What is percent-encoded and no UTF-8 becomes U+FFFD, which is in no token; what stands there plain is refused.
    std::str::from_utf8(body).ok()?;
    serde_urlencoded::from_bytes(body).ok()
}
