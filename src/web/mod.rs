//! The web pages.

mod docs;
mod invitations;

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::header};
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};

pub(crate) use self::{
    docs::{docs, docs_told},
    invitations::{invitations, invitations_script, invitations_script_told, invitations_told},
};
use crate::http::openapi::{Operation, shapes};

const INDEX: &str = include_str!("index.html");

static INDEX_POLICY: LazyLock<String> = LazyLock::new(|| policy(INDEX, ""));

/// Pages and scripts are the same for everybody, until the server is another.
const CACHE_CONTROL: &str = "public, max-age=300";

/// What a page may have: its own style, by its hash, and what `more` says; nothing else, and it is in nobody's frame.
fn policy(page: &str, more: &str) -> String {
    let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, style.map_or("", |(style, _)| style).as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; {more}base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

fn page(text: &'static str, policy: &str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
        .body(text)
}

/// `/`: what this is and where to go.
pub(crate) async fn index() -> HttpResponse {
    page(INDEX, &INDEX_POLICY)
}

/// What is told of [`index`].
pub(crate) fn index_told() -> Operation {
    Operation::new("operations", "index", "A page that says what this is").answers_as::<shapes::Text>(
        200,
        "text/html; charset=utf-8",
        "The page",
    )
}
