//! What stands in a path.

use std::str::FromStr;

use actix_web::HttpRequest;

use super::problem::Problem;

/// The id or slug of an organization.
pub(super) fn org(request: &HttpRequest) -> &str {
    request.match_info().get("org").unwrap_or_default()
}

/// An id. What is none looks like one that nobody has.
pub(super) fn id<T: FromStr>(request: &HttpRequest, name: &str) -> Result<T, Problem> {
    request.match_info().get(name).and_then(|id| id.parse().ok()).ok_or(Problem::NotFound)
}
