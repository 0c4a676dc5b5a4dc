//! `POST /api/v1/revocations`: a leaked credential dies, whoever hands it in. Anonymous, and silent about what it was.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use serde::Deserialize;

use super::{app::App, json, problem::Problem, request_id::source};
use crate::domain::credential::RevocationReason;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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
