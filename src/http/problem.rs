//! Errors of `/api/v1` and of everything without a shape of its own: problem+json (RFC 9457) with a stable `code`.

use std::{
    fmt,
    sync::LazyLock,
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde_json::{Value, json};

use super::{body::BodyError, request_id};
use crate::{
    domain::ids::RequestId,
    service::{LogSample, ManageError},
    store::StoreError,
};

const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds after which a client may try again what failed for lack of something.
pub(super) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// What went wrong with a request.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The body could not be read.
    Body(BodyError),
    /// The body is no JSON.
    MalformedJson,
    /// An object in the body has a member twice.
    RepeatedMember,
    /// A member of the body, or a parameter, is wrong.
    Invalid { member: String, problem: String },
    /// A parameter of the query of something that is not of `/api/v1`.
    Query { member: String, problem: String },
    /// No such thing, or not the caller's to know.
    NotFound,
    /// Another method; these are allowed.
    MethodNotAllowed(String),
    /// A cookie came with a request from another site.
    CrossSite,
    /// The e-mail address and the password do not belong together.
    SignIn,
    /// Too many wrong passwords; the next may come after so many seconds.
    TooManyAttempts(u64),
    /// The caller is nobody, or nobody any more.
    Unauthenticated,
    /// The feed is only for those who have its token.
    FeedToken,
    /// The caller may not.
    Forbidden(&'static str),
    /// The user has as many tokens as the policy allows.
    LimitReached,
    /// What there is stands against it.
    Conflict { code: &'static str, why: &'static str },
    /// The token is revoked.
    Revoked,
    /// The token was replaced by another.
    Rotated,
    /// An earlier request with the same `Idempotency-Key` asked for something else.
    KeyReused,
    /// A change without `If-Match`.
    PreconditionRequired,
    /// It has changed since it was read.
    PreconditionFailed,
    /// The database does not answer; `request_id` finds the log line.
    Unavailable(Option<RequestId>),
    /// A defect; `request_id` finds the log line.
    Internal(Option<RequestId>),
}

/// Logs what a stranger is not told, under the request's id, which the stranger is told.
pub(super) fn logged(error: &dyn fmt::Display) -> Option<RequestId> {
    let request_id = request_id::current();
    tracing::error!(request_id = request_id.map(display), %error, "request failed");
    request_id
}

/// Which of the requests that were put off are told in the log, by seconds since the first one.
static PUT_OFF: LazyLock<(Instant, LogSample<Option<RequestId>>)> =
    LazyLock::new(|| (Instant::now(), LogSample::default()));

/// Logs that a request was put off since there are too many: nothing is wrong here, and strangers can be many. So some of
/// them, or the lines would fill the disk.
pub(super) fn put_off(error: &dyn fmt::Display) -> Option<RequestId> {
    let (request_id, (first, sample)) = (request_id::current(), &*PUT_OFF);
    if let Some(left_out) = sample.take(request_id, i64::try_from(first.elapsed().as_secs()).unwrap_or(i64::MAX)) {
        let left_out = (left_out > 0).then_some(left_out);
        tracing::info!(request_id = request_id.map(display), %error, left_out, "request put off");
    }
    request_id
}

/// Rounded up: whoever comes back then is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy | StoreError::Unavailable(_) => Self::Unavailable(logged(&error)),
            StoreError::Conflict | StoreError::Query(_) => Self::Internal(logged(&error)),
        }
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Store(error) => error.into(),
            ManageError::NotFound => Self::NotFound,
            ManageError::Invalid { field, problem } => Self::Invalid { member: field.to_owned(), problem },
            ManageError::Busy => Self::Unavailable(put_off(&error)),
            ManageError::Slowed(wait) => Self::TooManyAttempts(whole_seconds(wait)),
            ManageError::Defect(error) => Self::Internal(logged(&error)),
            ManageError::Unauthenticated => Self::Unauthenticated,
            ManageError::Forbidden(why) => Self::Forbidden(why),
            ManageError::LimitReached => Self::LimitReached,
            ManageError::Conflict { code, why } => Self::Conflict { code, why },
            ManageError::Revoked => Self::Revoked,
            ManageError::Rotated => Self::Rotated,
            ManageError::KeyReused => Self::KeyReused,
            ManageError::PreconditionRequired => Self::PreconditionRequired,
            ManageError::PreconditionFailed => Self::PreconditionFailed,
        }
    }
}

impl Problem {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Body(BodyError::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::Body(BodyError::TooSlow) => (StatusCode::REQUEST_TIMEOUT, "body_too_slow"),
            Self::Body(BodyError::Broken) => (StatusCode::BAD_REQUEST, "body_broken"),
            Self::Body(BodyError::MediaType) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            Self::MalformedJson | Self::RepeatedMember => (StatusCode::BAD_REQUEST, "malformed_json"),
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Self::Query { .. } => (StatusCode::BAD_REQUEST, "invalid_query"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross_site"),
            Self::SignIn => (StatusCode::UNAUTHORIZED, "sign_in_failed"),
            Self::TooManyAttempts(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_attempts"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::FeedToken => (StatusCode::UNAUTHORIZED, "feed_token_required"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::LimitReached => (StatusCode::CONFLICT, "token_limit_reached"),
            Self::Conflict { code, .. } => (StatusCode::CONFLICT, code),
            Self::Revoked => (StatusCode::CONFLICT, "token_revoked"),
            Self::Rotated => (StatusCode::CONFLICT, "token_rotated"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "precondition_required"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Body(error) => Some(error.to_string()),
            Self::MalformedJson => Some("the request body is not JSON".to_owned()),
            Self::RepeatedMember => Some("an object in the request body has a member twice; send each once".to_owned()),
            Self::Invalid { member, problem } | Self::Query { member, problem } => Some(format!("{member} {problem}")),
            Self::CrossSite => Some("a cookie counts only in requests from this site's own pages".to_owned()),
            Self::SignIn => Some("e-mail address and password do not belong to an account".to_owned()),
            Self::TooManyAttempts(seconds) => {
                Some(format!("too many wrong passwords from here or for this account; try again in {seconds} seconds"))
            }
            Self::Unauthenticated => Some("sign in, or send a token that is alive".to_owned()),
            Self::FeedToken => Some("send the feed token that the operator set as a Bearer token".to_owned()),
            Self::Forbidden(why) | Self::Conflict { why, .. } => Some((*why).to_owned()),
            Self::LimitReached => {
                Some("the organization's policy allows no more active tokens per user; revoke one".to_owned())
            }
            Self::Revoked => Some("the token is revoked; make a new one".to_owned()),
            Self::Rotated => Some("the token was rotated already; rotate the one that replaced it".to_owned()),
            Self::KeyReused => Some(
                "an earlier request with this Idempotency-Key asked for something else; choose another key".to_owned(),
            ),
            Self::PreconditionRequired => Some("send the ETag of what you read in If-Match".to_owned()),
            Self::PreconditionFailed => Some("it has changed since you read it; read it again".to_owned()),
            Self::NotFound | Self::MethodNotAllowed(_) | Self::Unavailable(_) | Self::Internal(_) => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status_and_code().1)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status_and_code().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code) = self.status_and_code();
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": code,
        });
        if let (Some(detail), Value::Object(members)) = (self.detail(), &mut body) {
            members.insert("detail".to_owned(), detail.into());
        }
        if let (Self::Unavailable(id) | Self::Internal(id), Value::Object(members)) = (self, &mut body) {
            members.insert("request_id".to_owned(), json!(id));
        }
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_TYPE, MEDIA_TYPE)).insert_header((header::CACHE_CONTROL, "no-store"));
        match self {
            Self::MethodNotAllowed(allowed) => {
                response.insert_header((header::ALLOW, allowed.as_str()));
            }
            Self::Unavailable(_) => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            Self::TooManyAttempts(seconds) => {
                response.insert_header((header::RETRY_AFTER, *seconds));
            }
            Self::SignIn | Self::Unauthenticated | Self::FeedToken => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"api\""));
            }
            Self::Body(_)
            | Self::MalformedJson
            | Self::RepeatedMember
            | Self::Invalid { .. }
            | Self::Query { .. }
            | Self::NotFound
            | Self::CrossSite
            | Self::Forbidden(_)
            | Self::LimitReached
            | Self::Conflict { .. }
            | Self::Revoked
            | Self::Rotated
            | Self::KeyReused
            | Self::PreconditionRequired
            | Self::PreconditionFailed
            | Self::Internal(_) => {}
        }
        response.body(body.to_string())
    }
}
