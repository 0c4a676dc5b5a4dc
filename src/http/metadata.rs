//! `/.well-known/oauth-authorization-server` (RFC 8414): where things are. Names only what is there.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use schemars::JsonSchema;
use serde::Serialize;

use super::{app::App, openapi::Operation, origin::origin_of, problem::Problem};

/// This issuer, for programs (RFC 8414).
#[derive(Serialize, JsonSchema)]
struct Metadata<'a> {
    issuer: &'a str,
    jwks_uri: String,
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'a str; 1],
    response_types_supported: [&'a str; 0],
    grant_types_supported: [&'a str; 0],
}

/// The addresses of this issuer.
pub(super) async fn get(app: Data<App>) -> HttpResponse {
    let issuer = &app.services.settings().issuer;
    let at = |path: &str| format!("{issuer}{path}");
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={}", app.settings.jwks_max_age)))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .json(Metadata {
            issuer,
            jwks_uri: at("/.well-known/jwks.json"),
            revocation_endpoint: at("/oauth/revoke"),
            revocation_endpoint_auth_methods_supported: ["none"],
            response_types_supported: [],
            grant_types_supported: [],
        })
}

/// The same at another of its addresses: behind a doubled slash (of an issuer with a slash at its end and a client that
/// adds one), or where RFC 8414 section 3.1 has it for an issuer with a path, which stands at the end then.
pub(super) async fn get_elsewhere(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let issuer = &app.services.settings().issuer;
    let own = issuer.strip_prefix(origin_of(issuer)).unwrap_or_default();
    let asked = request.match_info().get("path").unwrap_or(own);
    if asked.trim_matches('/') == own.trim_matches('/') { Ok(get(app).await) } else { Err(Problem::NotFound) }
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("services", "get_metadata", "The addresses of this issuer (RFC 8414)")
        .answers::<Metadata<'_>>(200, "The metadata")
}
