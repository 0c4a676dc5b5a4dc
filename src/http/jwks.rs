//! `/.well-known/jwks.json` (RFC 7517): what services verify access tokens with.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::app::App;

/// The published keys.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let cache = format!("public, max-age={}", app.settings.jwks_max_age);
    // Keys of strings always become JSON.
    let body = serde_json::to_string(&app.services.published_keys()).unwrap_or_default();
    let etag = etag(&body);
    let is_known = is_known(&request, &etag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::ETAG, etag))
        // Browsers of other sites verify tokens too; there is nothing secret here.
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    if is_known {
        return response.finish();
    }
    response.insert_header((header::CONTENT_TYPE, "application/json")).body(body)
}

fn etag(body: &str) -> String {
    let digest = digest::digest(&digest::SHA256, body.as_bytes());
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default()))
}

/// RFC 9110 section 13.1.2.
fn is_known(request: &HttpRequest, etag: &str) -> bool {
    let values = request.headers().get_all(header::IF_NONE_MATCH);
    let mut tags = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    tags.any(|tag| matches!(tag.trim(), tag if tag == "*" || tag.trim_start_matches("W/") == etag))
}
