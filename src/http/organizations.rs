//! `/api/v1/orgs` and `/api/v1/orgs/{org}`: `{org}` is an id or a slug.

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
    path::org,
    problem::Problem,
};
use crate::{
    domain::{clock::Timestamp, ids::OrganizationId, membership::Role},
    service::{NewOrganization, SeenOrganization},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewOrganization")]
struct New {
    #[schemars(with = "shapes::Name")]
    name: String,
    /// The name in addresses, which is never given out again; made of the name unless it is given.
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(with = "shapes::Slug")]
    slug: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OrganizationEdit")]
struct Edit {
    #[schemars(with = "shapes::Name")]
    name: String,
}

/// An organization.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Organization")]
struct View<'a> {
    id: OrganizationId,
    number: i64,
    slug: &'a str,
    name: &'a str,
    /// What the caller is there; `null` for an operator who is no member.
    role: Option<Role>,
    created_at: Timestamp,
    /// When it ended, if it did: for good.
    ended_at: Option<Timestamp>,
}

/// The caller's organizations, newest first; for an operator all of them.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let part = paging::part(request.query_string(), "", |_, _| Ok(false))?;
    let page = app.services.organizations.list(&caller, part).await?;
    Ok(paging::page(&page.items.iter().map(view).collect::<Vec<_>>(), page.next))
}

/// What is told of [`list`].
pub(super) fn list_told() -> Operation {
    Operation::new(
        "organizations",
        "list_organizations",
        "Your organizations, newest first; for an operator all of them",
    )
    .by(Access::Caller)
    .paged([])
    .fails(&[refusal::FORBIDDEN])
    .answers::<Page<'_, View<'_>>>(200, "A page of them")
}

/// `{"name", "slug"?}` → 201; the caller is its owner.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (caller, New { name, slug }) = idempotency::read(caller, &request, payload).await?;
    let made = app.services.organizations.create(&caller, NewOrganization { name, slug }).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("/api/v1/orgs/{}", made.organization.id)))
        .json(view(&made)))
}

/// What is told of [`post`].
pub(super) fn post_told() -> Operation {
    Operation::new("organizations", "found_organization", "Found an organization, as an operator")
        .by(Access::Caller)
        .reads::<New>()
        .idempotent()
        .fails(&[refusal::FORBIDDEN, refusal::SLUG_TAKEN])
        .answers::<View<'_>>(201, "The organization, which the caller owns")
        .with_header("Location", "Its address")
}

/// One organization.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let seen = app.services.organizations.get(&caller(&app, &request)?, org(&request)).await?;
    Ok(answer(&seen))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("organizations", "get_organization", "One organization")
        .by(Access::Caller)
        .of_organization()
        .fails(&[refusal::FORBIDDEN])
        .answers::<View<'_>>(200, "The organization")
}

/// `{"name"}` → 200 with the organization as it is then.
pub(super) async fn patch(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let Edit { name } = json::read(&request, payload).await?;
    let seen = app.services.organizations.rename(&caller, org(&request), &name).await?;
    Ok(answer(&seen))
}

/// What is told of [`patch`].
pub(super) fn patch_told() -> Operation {
    Operation::new("organizations", "rename_organization", "Rename an organization")
        .described("Its slug stays.")
        .by(Access::Caller)
        .of_organization()
        .reads::<Edit>()
        .fails(&[refusal::FORBIDDEN])
        .answers::<View<'_>>(200, "The organization as it is now")
}

/// Ends the organization for good → 204.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.services.organizations.end(&caller(&app, &request)?, org(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is told of [`delete`].
pub(super) fn delete_told() -> Operation {
    Operation::new("organizations", "end_organization", "End an organization for good")
        .described("All memberships in it end, its tokens are refused at once, and the access tokens that are out die.")
        .by(Access::Caller)
        .of_organization()
        .fails(&[refusal::FORBIDDEN])
        .answers_nothing(204, "It has ended")
}

fn answer(seen: &SeenOrganization) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(seen))
}

fn view(SeenOrganization { organization, role }: &SeenOrganization) -> View<'_> {
    View {
        id: organization.id,
        number: organization.number,
        slug: &organization.slug,
        name: &organization.name,
        role: *role,
        created_at: organization.created_at,
        ended_at: organization.ended_at,
    }
}
