//! What stands in a path.

use actix_web::HttpRequest;

/// The id or slug of an organization.
pub(super) fn org(request: &HttpRequest) -> &str {
    request.match_info().get("org").unwrap_or_default()
}
