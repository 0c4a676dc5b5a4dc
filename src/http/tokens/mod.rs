//! `/api/v1/tokens`: one's own credentials.

mod create;
mod edit;
mod query;
mod rotate;
mod view;

pub(super) use create::{post, post_for, post_for_told, post_told};
pub(super) use edit::{patch, patch_told};
pub(super) use query::{Query, created_by, filters};
pub(super) use rotate::{post as rotate, post_told as rotate_told};
pub(super) use view::{UsageView, View, usage as usage_view, view};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use serde_json::{Value, json};

use super::{
    app::App,
    caller::caller,
    openapi::{Access, Operation, Parameter, refusal},
    paging, path,
    problem::Problem,
};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{CredentialId, OrganizationId},
        nullable::Nullable,
    },
    service::{Expiry, Page},
};

/// A page of one's own credentials, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let Query { whose, listing } = Query::parse(request.query_string(), "organization_id")?;
    Ok(page_of(&app.services.credentials.list(&caller, whose, listing).await?))
}

/// What is told of [`list`].
pub(super) fn list_told() -> Operation {
    let organization = Parameter::of::<OrganizationId>("organization_id", "Needed by who is in several organizations");
    Operation::new("tokens", "list_tokens", "Your tokens in one organization, newest first")
        .by(Access::Caller)
        .paged(filters(organization))
        .fails(&[refusal::FORBIDDEN, refusal::NOT_FOUND])
        .answers::<paging::Page<'_, View<'_>>>(200, "A page of them; go on as long as there is a `next`")
}

/// What is told of everything about one token.
fn token_told(id: &'static str, summary: &'static str) -> Operation {
    Operation::new("tokens", id, summary)
        .by(Access::Caller)
        .path::<CredentialId>("id", "The token")
        .fails(&[refusal::FORBIDDEN])
}

/// How one of one's own credentials was used.
pub(super) async fn usage(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    Ok(usage_view(&app.services.credentials.usage(&caller, id(&request)?).await?))
}

/// What is told of [`usage`].
pub(super) fn usage_told() -> Operation {
    token_told("get_token_usage", "How often one of your tokens was exchanged and refused")
        .described("By day, for the last 90; some seconds behind.")
        .answers::<UsageView<'_>>(200, "The days on which it was used")
}

/// A page of a list, as all lists of tokens show it.
pub(super) fn page_of(page: &Page) -> HttpResponse {
    let items: Vec<_> = page.items.iter().map(view).collect();
    paging::page(&items, page.next)
}

/// One of one's own credentials.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let seen = app.services.credentials.get(&caller, id(&request)?).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&seen)))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    token_told("get_token", "One of your tokens").answers::<View<'_>>(200, "Everything about it but its text")
}

/// Revokes one of one's own credentials → 204, however often.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.credentials.revoke(&caller, id(&request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is told of [`delete`].
pub(super) fn delete_told() -> Operation {
    token_told("revoke_token", "Revoke one of your tokens").answers_nothing(204, "It is revoked, now or before")
}

/// The credential in the path.
pub(super) fn id(request: &HttpRequest) -> Result<CredentialId, Problem> {
    path::id(request, "id")
}

/// What no schema of a body admits: both `expires_at` and `expires_in`.
fn two_ends() -> Value {
    let both = json!({ "expires_at": { "type": "string" }, "expires_in": { "type": "integer" } });
    json!({ "required": ["expires_at", "expires_in"], "properties": both })
}

/// What `expires_at` and `expires_in` ask for together; `None` = nothing was said.
fn expiry(at: Nullable<Timestamp>, within: Nullable<i64>) -> Result<Option<Expiry>, Problem> {
    Ok(Some(match (at, within) {
        (Nullable::Absent, Nullable::Absent) => return Ok(None),
        (Nullable::Value(_), Nullable::Value(_)) => {
            let problem = "must not come with expires_at".to_owned();
            return Err(Problem::Invalid { member: "expires_in".to_owned(), problem });
        }
        (Nullable::Value(at), Nullable::Absent | Nullable::Null) => Expiry::At(at),
        (Nullable::Absent | Nullable::Null, Nullable::Value(seconds)) => Expiry::In(seconds),
        (Nullable::Null, Nullable::Absent | Nullable::Null) | (Nullable::Absent, Nullable::Null) => Expiry::Never,
    }))
}
