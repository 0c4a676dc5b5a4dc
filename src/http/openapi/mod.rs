//! What the server does, as an OpenAPI 3.1 document. Each route in the table comes with what is told of it; the schemas are
//! those of the types that are read and written.

mod document;
mod operation;
mod parameter;
pub(crate) mod refusal;
pub(crate) mod shapes;

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, http::header};

pub(crate) use self::{
    operation::{Access, Errors, Operation},
    parameter::Parameter,
};
use super::{etag, routes};

/// Made once: it is the same for every request.
static TEXT: LazyLock<(String, String)> = LazyLock::new(|| {
    let document = document::of(routes::operations());
    // Keys of strings always become JSON.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    let etag = etag::of(text.as_bytes());
    (text, etag)
});

/// The document, as `/openapi.json` serves it.
#[must_use]
pub fn openapi() -> &'static str {
    &TEXT.0
}

/// `GET /openapi.json`.
pub(super) async fn get(request: HttpRequest) -> HttpResponse {
    let (text, etag) = &*TEXT;
    let is_known = etag::is_known(&request, etag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .insert_header((header::ETAG, etag.as_str()))
        // Pages of other sites read it too; there is nothing secret here.
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    if is_known {
        return response.finish();
    }
    response.content_type("application/json").body(text.as_str())
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("operations", "get_openapi", "This document")
        .header_parameter("If-None-Match", "The `ETag` of what is known already")
        .answers_as::<shapes::AnyObject>(200, "application/json", "The document")
        .with_header("ETag", "Its version")
        .answers_nothing(304, "It is what `If-None-Match` named")
}
