use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    create::{Made, made},
    expiry, id, token_told,
};
use crate::{
    domain::{clock::Timestamp, credential::NEVER_SECONDS, nullable::Nullable},
    http::{
        app::App,
        caller::caller,
        idempotency, json,
        openapi::{Operation, refusal},
        problem::Problem,
    },
    service::{MAX_OVERLAP, Rotation},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rotation", extend("not" = super::two_ends()))]
struct Body {
    /// For how many seconds the old one still is good, at the longest. Left out: not at all; with `after_use` 30 days. By a
    /// token at least 60.
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(required, range(min = 0, max = MAX_OVERLAP))]
    overlap: Option<i64>,
    /// Whether the old one ends soon after the new one was first used, a minute after the rotation at the earliest.
    #[serde(default)]
    after_use: bool,
    /// When the new one ends, within the policy; `null`: never; left out: it lives as long as the old one was to live.
    #[serde(default)]
    expires_at: Nullable<Timestamp>,
    /// The same in seconds from now. Only one of the two.
    #[serde(default)]
    #[schemars(range(min = 1, max = NEVER_SECONDS))]
    expires_in: Nullable<i64>,
}

/// Replaces a credential → 201 with the new one and its `token`, which is shown here only.
pub(in crate::http) async fn post(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let id = id(&request)?;
    let (caller, body) = idempotency::read(caller, &request, payload).await?;
    let Body { overlap, after_use, expires_at, expires_in } = body;
    let rotation = Rotation { overlap, after_use, expiry: expiry(expires_at, expires_in)? };
    let (seen, token) = app.services.credentials.rotate(&caller, id, rotation).await?;
    Ok(made(&seen, &token, "/api/v1"))
}

/// What is told of [`post`].
pub(in crate::http) fn post_told() -> Operation {
    token_told("rotate_token", "A new token in place of one of yours")
        .described(
            "The new one may do the same. A token is rotated once, and not while the one that it replaced itself is still good. \
             By a token (not a session) the old one stays good for 60 seconds at least, so that it can ask again when the \
             answer is lost.",
        )
        .reads::<Body>()
        .idempotent()
        .fails(&[
            refusal::TOKEN_ROTATED,
            refusal::TOKEN_REVOKED,
            refusal::PREDECESSOR_ALIVE,
            refusal::TOKEN_LIMIT_REACHED,
            refusal::NOT_UNDERSTOOD,
        ])
        .answers::<Made<'_>>(201, "The new token, with its text, which is shown here only")
        .with_header("Location", "Its address")
}
