//! `/api/v1/orgs` and `/api/v1/orgs/{org}`: `{org}` is an id or a slug.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{app::App, caller::caller, json, paging, path::org, problem::Problem};
use crate::service::{NewOrganization, SeenOrganization};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    #[serde(default, deserialize_with = "json::given")]
    slug: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    name: String,
}

/// The caller's organizations, newest first; for an operator all of them.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let part = paging::part(request.query_string(), "", |_, _| Ok(false))?;
    let page = app.services.organizations.list(&caller, part).await?;
    Ok(paging::page(&page.items.iter().map(view).collect::<Vec<_>>(), page.next))
}

/// `{"name", "slug"?}` → 201; the caller is its owner.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let New { name, slug } = json::read(&request, payload).await?;
    let made = app.services.organizations.create(&caller, NewOrganization { name, slug }).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("/api/v1/orgs/{}", made.organization.id)))
        .json(view(&made)))
}

/// One organization.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let seen = app.services.organizations.get(&caller(&app, &request)?, org(&request)).await?;
    Ok(answer(&seen))
}

/// `{"name"}` → 200 with the organization as it is then.
pub(super) async fn patch(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let Edit { name } = json::read(&request, payload).await?;
    let seen = app.services.organizations.rename(&caller, org(&request), &name).await?;
    Ok(answer(&seen))
}

/// Ends the organization for good → 204.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.services.organizations.end(&caller(&app, &request)?, org(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn answer(seen: &SeenOrganization) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(seen))
}

fn view(SeenOrganization { organization, role }: &SeenOrganization) -> Value {
    json!({
        "id": organization.id,
        "number": organization.number,
        "slug": organization.slug,
        "name": organization.name,
        "role": role,
        "created_at": organization.created_at,
        "ended_at": organization.ended_at,
    })
}
