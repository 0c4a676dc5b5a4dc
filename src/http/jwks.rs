//! `/.well-known/jwks.json` (RFC 7517): what services verify access tokens with.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{
    app::App,
    etag,
    openapi::{Operation, refusal, shapes::AnyObject},
    problem::Problem,
};

/// The published keys.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let cache = format!("public, max-age={}", app.settings.jwks_max_age);
    // Keys of strings always become JSON.
    let body = serde_json::to_string(&app.services.confirmed_keys().await?).unwrap_or_default();
    let etag = etag::of(body.as_bytes());
    let is_known = etag::is_known(&request, &etag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::ETAG, etag))
        // Browsers of other sites verify tokens too; there is nothing secret here.
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    if is_known {
        return Ok(response.finish());
    }
    Ok(response.insert_header((header::CONTENT_TYPE, "application/json")).body(body))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("services", "get_jwks", "The keys that verify access tokens")
        .described("A JSON Web Key Set (RFC 7517).")
        .header_parameter("If-None-Match", "The `ETag` of what is known already")
        .answers::<AnyObject>(200, "The keys")
        .with_header("ETag", "Their version")
        .with_header("Cache-Control", "For how long they may be kept")
        .answers_nothing(304, "They are what `If-None-Match` named")
        .fails(&[refusal::UNAVAILABLE])
}
