//! `/api/v1/orgs/{org}/service-accounts`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    app::App,
    caller::caller,
    json, paging,
    path::{id, org},
    problem::Problem,
};
use crate::{
    domain::nullable::Nullable,
    service::{Member, ServiceAccountEdit},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    #[serde(default)]
    groups: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    #[serde(default, deserialize_with = "json::given")]
    name: Option<String>,
    #[serde(default)]
    groups: Nullable<Vec<String>>,
}

/// Those that are or were in the organization, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let part = paging::part(request.query_string(), "", |_, _| Ok(false))?;
    let page = app.services.service_accounts.list(&caller, org(&request), part).await?;
    Ok(paging::page(&page.items.iter().map(view).collect::<Vec<_>>(), page.next))
}

/// `{"name", "groups"?}` → 201.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let New { name, groups } = json::read(&request, payload).await?;
    let made = app.services.service_accounts.create(&caller, org(&request), &name, groups).await?;
    let Member { membership, user } = &made;
    let location = format!("/api/v1/orgs/{}/service-accounts/{}", membership.organization_id, user.id);
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, location))
        .json(view(&made)))
}

/// One of them.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let account = app.services.service_accounts.get(&caller, org(&request), id(&request, "id")?).await?;
    Ok(answer(&account))
}

/// Puts `name` and `groups` in place of its own → 200 with the account as it is then.
pub(super) async fn patch(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let id = id(&request, "id")?;
    let Edit { name, groups } = json::read(&request, payload).await?;
    let edit = ServiceAccountEdit { name, groups };
    let account = app.services.service_accounts.edit(&caller, org(&request), id, edit).await?;
    Ok(answer(&account))
}

/// Ends it → 204, however often.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.service_accounts.end(&caller, org(&request), id(&request, "id")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn answer(account: &Member) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(account))
}

fn view(Member { membership, user }: &Member) -> Value {
    json!({
        "id": user.id,
        "number": user.number,
        "name": user.name,
        "groups": membership.groups,
        "disabled": user.disabled_at.is_some(),
        "created_at": membership.created_at,
        "ended_at": membership.ended_at,
    })
}
