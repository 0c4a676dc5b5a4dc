//! `POST /api/v1/revocations`: a leaked credential dies, whoever hands it in. Anonymous, and silent about what it was.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{app::App, json, openapi::Operation, problem::Problem, request_id::source};
use crate::domain::credential::RevocationReason;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LeakedToken")]
struct Leaked {
    token: String,
}

/// `{"token": …}` → 202, always.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let Leaked { token } = json::read(&request, payload).await?;
    let source = source(&app, &request);
    app.services.credentials.revoke_handed_in(token.trim(), RevocationReason::Leaked, source).await?;
    Ok(HttpResponse::Accepted().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// What is told of [`post`].
pub(super) fn post_told() -> Operation {
    Operation::new("leaks", "revoke_leaked_token", "Hand in a leaked token, whoever you are")
        .described("The answer is the same whatever it was.")
        .reads::<Leaked>()
        .needs_the_database()
        .answers_nothing(202, "If it was a credential of ours, it is dead")
}
