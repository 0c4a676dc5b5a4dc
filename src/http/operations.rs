//! `/livez` and `/readyz`: for whoever starts and stops processes.

use actix_web::{HttpResponse, http::header, web::Data};
use serde_json::json;

use super::{app::App, problem::RETRY_AFTER, request_id};

/// The process runs. Says nothing of the database: restarting this process would not mend that.
pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({ "status": "ok" }))
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
                .json(json!({ "status": "unavailable" }))
        }
    }
}
