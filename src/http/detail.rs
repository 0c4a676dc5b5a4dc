//! Errors as Django REST framework and simplejwt write them: what the clients of the exchange paths know how to read.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use super::{
    body::BodyError,
    json_value::JsonError,
    problem::{RETRY_AFTER, logged, put_off},
};
use crate::{
    domain::ids::RequestId,
    service::{ExchangeError, ManageError},
    store::StoreError,
};

/// What went wrong with a request.
#[derive(Debug)]
pub(crate) enum Detail {
    /// The body could not be read.
    Body(BodyError),
    /// The body is no JSON.
    MalformedJson,
    /// A member of the body stands there twice.
    RepeatedMember,
    /// A member is wrong (`non_field_errors`: the body as a whole).
    Member { member: &'static str, problem: &'static str },
    /// The credential is dead, unknown or malformed: all alike, so that nobody learns which.
    TokenNotValid,
    /// The caller is nobody.
    NotAuthenticated,
    /// Another method than these.
    MethodNotAllowed { method: Option<&'static str>, allowed: String },
    /// The database does not answer.
    Unavailable(Option<RequestId>),
    /// A defect.
    Internal(Option<RequestId>),
}

impl From<BodyError> for Detail {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<JsonError> for Detail {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed => Self::MalformedJson,
            JsonError::RepeatedMember => Self::RepeatedMember,
        }
    }
}

impl From<StoreError> for Detail {
    // Never a 401, whatever fails: clients throw their tokens away on one.
    fn from(error: StoreError) -> Self {
        Self::Unavailable(logged(&error))
    }
}

impl From<ExchangeError> for Detail {
    fn from(error: ExchangeError) -> Self {
        use crate::domain::verdict::Refusal;
        match error {
            ExchangeError::Refused(Refusal::ScopeExceeded) => {
                Self::Member { member: "scope", problem: "The token does not have this scope." }
            }
            ExchangeError::Refused(Refusal::AudienceExceeded) => {
                Self::Member { member: "audience", problem: "The token does not have this audience." }
            }
            ExchangeError::Unknown
            | ExchangeError::Refused(
                Refusal::Revoked
                | Refusal::Expired
                | Refusal::Stale
                | Refusal::UserDisabled
                | Refusal::MembershipEnded
                | Refusal::KindDisallowed
                | Refusal::AudienceDisallowed
                | Refusal::NetworkDisallowed
                | Refusal::NotUnderstood
                | Refusal::Unknown(_),
            ) => Self::TokenNotValid,
            ExchangeError::Store(error) => error.into(),
            ExchangeError::Signing(error) => Self::Internal(logged(&error)),
        }
    }
}

impl From<ManageError> for Detail {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Store(error) => error.into(),
            ManageError::Unauthenticated => Self::NotAuthenticated,
            ManageError::Busy => Self::Unavailable(put_off(&error)),
            other @ (ManageError::Forbidden(_)
            | ManageError::NotFound
            | ManageError::Invalid { .. }
            | ManageError::LimitReached
            | ManageError::Conflict { .. }
            | ManageError::Slowed(_)
            | ManageError::Revoked
            | ManageError::Rotated
            | ManageError::KeyReused
            | ManageError::PreconditionRequired
            | ManageError::PreconditionFailed
            | ManageError::Defect(_)) => Self::Internal(logged(&other)),
        }
    }
}

impl Detail {
    fn body(&self) -> Value {
        match self {
            Self::Body(error) => json!({ "detail": error.to_string() }),
            Self::MalformedJson => json!({ "detail": "JSON parse error" }),
            Self::RepeatedMember => json!({ "detail": "The request names a member twice; send each once." }),
            Self::Member { member, problem } => json!({ *member: [problem] }),
            Self::TokenNotValid => json!({ "detail": "Token is invalid or expired", "code": "token_not_valid" }),
            Self::NotAuthenticated => json!({ "detail": "Authentication credentials were not provided." }),
            Self::MethodNotAllowed { method: Some(method), .. } => {
                json!({ "detail": format!("Method \"{method}\" not allowed.") })
            }
            Self::MethodNotAllowed { method: None, .. } => json!({ "detail": "Method not allowed." }),
            Self::Unavailable(id) => {
                json!({ "detail": "Temporarily unavailable, try again.", "code": "unavailable", "request_id": id })
            }
            Self::Internal(id) => json!({ "detail": "Internal error.", "code": "internal", "request_id": id }),
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.body())
    }
}

impl ResponseError for Detail {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Body(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Body(BodyError::MediaType) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BodyError::Broken) | Self::MalformedJson | Self::RepeatedMember | Self::Member { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::TokenNotValid | Self::NotAuthenticated => StatusCode::UNAUTHORIZED,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match self {
            Self::TokenNotValid | Self::NotAuthenticated => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"api\""));
            }
            Self::MethodNotAllowed { allowed, .. } => {
                response.insert_header((header::ALLOW, allowed.as_str()));
            }
            Self::Unavailable(_) => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            Self::Body(_) | Self::MalformedJson | Self::RepeatedMember | Self::Member { .. } | Self::Internal(_) => {}
        }
        response.json(self.body())
    }
}
