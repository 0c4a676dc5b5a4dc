//! `/api/v1/orgs/{org}/tokens`: everybody's credentials in an organization, for its admins. `{org}` is an id or a slug.

pub(super) use super::tokens::{post_for as post, post_for_told as post_told};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{
    app::App,
    caller::caller,
    openapi::{Access, Operation, Parameter, refusal},
    paging::Page,
    path::org,
    problem::Problem,
    tokens::{Query, UsageView, View, created_by, filters, id, page_of, usage_view, view},
};
use crate::domain::ids::{CredentialId, UserId};

/// A page of them, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let Query { whose, listing } = Query::parse_of_organization(request.query_string(), "owner")?;
    Ok(page_of(&app.services.credentials.list_of(&caller, org(&request), whose, listing).await?))
}

/// What is told of all of it.
fn told(id: &'static str, summary: &'static str) -> Operation {
    Operation::new("organization tokens", id, summary).by(Access::Caller).of_organization().fails(&[refusal::FORBIDDEN])
}

/// What is told of [`list`].
pub(super) fn list_told() -> Operation {
    told("list_organization_tokens", "Everybody's tokens in an organization, newest first")
        .paged(filters(Parameter::of::<UserId>("owner", "Only those of this user")).into_iter().chain([created_by()]))
        .answers::<Page<'_, View<'_>>>(200, "A page of them; go on as long as there is a `next`")
}

/// One of them.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let seen = app.services.credentials.get_of(&caller, org(&request), id(&request)?).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&seen)))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    told("get_organization_token", "One of an organization's tokens")
        .path::<CredentialId>("id", "The token")
        .answers::<View<'_>>(200, "Everything about it but its text")
}

/// Revokes one of them → 204, however often.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.credentials.revoke_of(&caller, org(&request), id(&request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is told of [`delete`].
pub(super) fn delete_told() -> Operation {
    told("revoke_organization_token", "Revoke one of an organization's tokens")
        .path::<CredentialId>("id", "The token")
        .answers_nothing(204, "It is revoked, now or before")
}

/// How one of them was used.
pub(super) async fn usage(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    Ok(usage_view(&app.services.credentials.usage_of(&caller, org(&request), id(&request)?).await?))
}

/// What is told of [`usage`].
pub(super) fn usage_told() -> Operation {
    told("get_organization_token_usage", "How often one of an organization's tokens was exchanged and refused")
        .described("By day, for the last 90, with the last addresses and refusals; some seconds behind.")
        .path::<CredentialId>("id", "The token")
        .answers::<UsageView<'_>>(200, "How it was used")
}
