//! `/.well-known/oauth-authorization-server` (RFC 8414): where things are. Names only what is there.

use actix_web::{HttpResponse, http::header, web::Data};
use serde_json::json;

use super::app::App;

/// The addresses of this issuer.
pub(super) async fn get(app: Data<App>) -> HttpResponse {
    let issuer = &app.services.settings().issuer;
    let at = |path: &str| format!("{issuer}{path}");
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={}", app.settings.jwks_max_age)))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .json(json!({
            "issuer": issuer,
            "jwks_uri": at("/.well-known/jwks.json"),
            "revocation_endpoint": at("/oauth/revoke"),
            "revocation_endpoint_auth_methods_supported": ["none"],
            "response_types_supported": [],
            "grant_types_supported": [],
        }))
}
