//! `/livez` and `/readyz`: for whoever starts and stops processes.

use actix_web::{HttpResponse, http::header, web::Data};
use schemars::JsonSchema;
use serde::Serialize;

use super::{app::App, openapi::Operation, problem::RETRY_AFTER, request_id};

/// How this server is.
#[derive(Serialize, JsonSchema)]
struct Status {
    status: State,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum State {
    Ok,
    Unavailable,
}

/// The process runs. Says nothing of the database: restarting this process would not mend that.
pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Status { status: State::Ok })
}

/// What is told of [`livez`].
pub(super) fn livez_told() -> Operation {
    Operation::new("operations", "livez", "Whether the process runs").answers::<Status>(200, "It does")
}

/// `OPTIONS /`: the process runs, as [`livez`] says. So HAProxy asks where nobody tells it better (`/readyz`).
pub(super) async fn options() -> HttpResponse {
    HttpResponse::NoContent().insert_header((header::ALLOW, "HEAD, GET, OPTIONS")).finish()
}

/// What is told of [`options`].
pub(super) fn options_told() -> Operation {
    Operation::new("operations", "options", "Whether the process runs, as HAProxy asks by default")
        .answers_nothing(204, "It does")
        .with_header("Allow", "The methods")
}

/// The process can do its work.
pub(super) async fn readyz(app: Data<App>) -> HttpResponse {
    match app.services.health.check().await {
        Ok(()) => livez().await,
        Err(error) => {
            tracing::warn!(request_id = request_id::current().map(display), %error, "not ready");
            HttpResponse::ServiceUnavailable()
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .insert_header((header::RETRY_AFTER, RETRY_AFTER))
                .json(Status { status: State::Unavailable })
        }
    }
}

/// What is told of [`readyz`].
pub(super) fn readyz_told() -> Operation {
    Operation::new("operations", "readyz", "Whether this server can do its work")
        .answers::<Status>(200, "It can")
        .answers::<Status>(503, "It cannot")
        .with_header("Retry-After", "In how many seconds to ask again")
}
