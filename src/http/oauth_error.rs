//! Errors of `/oauth/…`: RFC 6749 section 5.2, with the codes that RFC 7009 adds.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde_json::json;

use super::{
    body::BodyError,
    problem::{RETRY_AFTER, logged},
};
use crate::{domain::ids::RequestId, store::StoreError};

/// What went wrong with a request.
#[derive(Debug)]
pub(super) enum OAuthError {
    /// A parameter is missing, repeated or unreadable.
    InvalidRequest(&'static str),
    /// The body could not be read.
    Body(BodyError),
    /// This kind of token is not revoked here (RFC 7009 section 2.2.1).
    UnsupportedTokenType,
    /// The database does not answer.
    Unavailable(Option<RequestId>),
}

impl From<BodyError> for OAuthError {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(logged(&error))
    }
}

impl OAuthError {
    fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::Body(_) => "invalid_request",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::Unavailable(_) => "temporarily_unavailable",
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl ResponseError for OAuthError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Body(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Body(BodyError::Broken | BodyError::MediaType)
            | Self::InvalidRequest(_)
            | Self::UnsupportedTokenType => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        let code = self.code();
        match self {
            Self::InvalidRequest(description) => {
                response.json(json!({ "error": code, "error_description": description }))
            }
            Self::Body(error) => response.json(json!({ "error": code, "error_description": error.to_string() })),
            Self::UnsupportedTokenType => response.json(json!({
                "error": code,
                "error_description": "an access token lives a few minutes; revoke the credential it was made from",
            })),
            Self::Unavailable(id) => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
                response.json(json!({ "error": code, "request_id": id }))
            }
        }
    }
}
