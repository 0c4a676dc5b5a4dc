//! The web pages.

mod docs;

use actix_web::{HttpResponse, http::header};

pub(crate) use self::docs::{docs, docs_told};
use crate::http::openapi::{Operation, shapes};

const INDEX: &str = include_str!("index.html");

/// Nothing but this page's own style, and in nobody's frame.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/`: what this is and where to go.
pub(crate) async fn index() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(INDEX)
}

/// What is told of [`index`].
pub(crate) fn index_told() -> Operation {
    Operation::new("operations", "index", "A page that says what this is").answers_as::<shapes::Text>(
        200,
        "text/html; charset=utf-8",
        "The page",
    )
}
