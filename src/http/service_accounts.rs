//! `/api/v1/orgs/{org}/service-accounts`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    app::App,
    caller::caller,
    idempotency, json,
    openapi::{Access, Operation, refusal, shapes},
    paging::{self, Page},
    path::{id, org},
    problem::Problem,
};
use crate::{
    domain::{clock::Timestamp, ids::UserId, membership::Groups, nullable::Nullable},
    service::{Member, ServiceAccountEdit},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewServiceAccount")]
struct New {
    #[schemars(with = "shapes::Name")]
    name: String,
    #[serde(default)]
    #[schemars(with = "Option<Groups>")]
    groups: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ServiceAccountEdit", extend("minProperties" = 1))]
struct Edit {
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(with = "shapes::Name")]
    name: Option<String>,
    #[serde(default)]
    #[schemars(with = "Nullable<Groups>")]
    groups: Nullable<Vec<String>>,
}

/// A member that is a program.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ServiceAccount")]
struct View<'a> {
    id: UserId,
    number: i64,
    name: &'a str,
    groups: Option<&'a Groups>,
    disabled: bool,
    created_at: Timestamp,
    /// Until when it was a member, if that ended.
    ended_at: Option<Timestamp>,
}

/// Those that are or were in the organization, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let part = paging::part(request.query_string(), "", |_, _| Ok(false))?;
    let page = app.services.service_accounts.list(&caller, org(&request), part).await?;
    Ok(paging::page(&page.items.iter().map(view).collect::<Vec<_>>(), page.next))
}

/// What is told of all operations on service accounts.
fn told(id: &'static str, summary: &'static str) -> Operation {
    Operation::new("service accounts", id, summary).by(Access::Caller).of_organization().fails(&[refusal::FORBIDDEN])
}

/// What is told of [`list`].
pub(super) fn list_told() -> Operation {
    told("list_service_accounts", "Those that are or were in the organization, newest first").paged([]).answers::<Page<
        '_,
        View<'_>,
    >>(
        200,
        "A page of them",
    )
}

/// `{"name", "groups"?}` → 201.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (caller, New { name, groups }) = idempotency::read(caller, &request, payload).await?;
    let made = app.services.service_accounts.create(&caller, org(&request), &name, groups).await?;
    let Member { membership, user } = &made;
    let location = format!("/api/v1/orgs/{}/service-accounts/{}", membership.organization_id, user.id);
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, location))
        .json(view(&made)))
}

/// What is told of [`post`].
pub(super) fn post_told() -> Operation {
    told("create_service_account", "Make a service account")
        .reads::<New>()
        .idempotent()
        .answers::<View<'_>>(201, "The service account")
        .with_header("Location", "Its address")
}

/// One of them.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let account = app.services.service_accounts.get(&caller, org(&request), id(&request, "id")?).await?;
    Ok(answer(&account))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    told("get_service_account", "One service account")
        .path::<UserId>("id", "The service account")
        .answers::<View<'_>>(200, "The service account")
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

/// What is told of [`patch`].
pub(super) fn patch_told() -> Operation {
    told("edit_service_account", "Change a service account's name and groups")
        .described("Access tokens that name a group which it is not in any more die.")
        .path::<UserId>("id", "The service account")
        .reads::<Edit>()
        .answers::<View<'_>>(200, "The service account as it is now")
}

/// Ends it → 204, however often.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.service_accounts.end(&caller, org(&request), id(&request, "id")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is told of [`delete`].
pub(super) fn delete_told() -> Operation {
    told("end_service_account", "End a service account")
        .described("Its tokens are refused at once, and the access tokens that are out die.")
        .path::<UserId>("id", "The service account")
        .answers_nothing(204, "It has ended, now or before")
}

fn answer(account: &Member) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(account))
}

fn view(Member { membership, user }: &Member) -> View<'_> {
    View {
        id: user.id,
        number: user.number,
        name: &user.name,
        groups: membership.groups.as_ref(),
        disabled: user.disabled_at.is_some(),
        created_at: membership.created_at,
        ended_at: membership.ended_at,
    }
}
