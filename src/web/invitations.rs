//! `/invitations`: what the link of an invitation opens. The secret stands in the link's fragment, where only the
//! page's own script sees it.

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::header};

use super::{page, policy};
use crate::http::openapi::{Operation, shapes};

const PAGE: &str = include_str!("invitations/page.html");
const SCRIPT: &str = include_str!("invitations/script.js");

/// The script is ours, asks nobody but us, and makes no markup of what it is answered.
static POLICY: LazyLock<String> =
    LazyLock::new(|| policy(PAGE, "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; "));

/// `GET /invitations`.
pub(crate) async fn invitations() -> HttpResponse {
    page(PAGE, &POLICY)
}

/// What is told of [`invitations`].
pub(crate) fn invitations_told() -> Operation {
    Operation::new("members", "invitation_page", "The page that the link of an invitation opens")
        .described("It takes the secret out of the link's fragment and accepts the invitation with it.")
        .answers_as::<shapes::Text>(200, "text/html; charset=utf-8", "The page")
}

/// `GET /invitations.js`.
pub(crate) async fn invitations_script() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, super::CACHE_CONTROL))
        .body(SCRIPT)
}

/// What is told of [`invitations_script`].
pub(crate) fn invitations_script_told() -> Operation {
    Operation::new("members", "invitation_script", "The script of that page").answers_as::<shapes::Text>(
        200,
        "text/javascript; charset=utf-8",
        "The script",
    )
}
