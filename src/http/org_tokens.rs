//! `/api/v1/orgs/{org}/tokens`: everybody's credentials in an organization, for its admins. `{org}` is an id or a slug.

pub(super) use super::tokens::post_for as post;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{
    app::App,
    caller::caller,
    path::org,
    problem::Problem,
    tokens::{Query, id, page_of, usage_view, view},
};

/// A page of them, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let Query { whose, listing } = Query::parse(request.query_string(), "owner")?;
    Ok(page_of(&app.services.credentials.list_of(&caller, org(&request), whose, listing).await?))
}

/// One of them.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let seen = app.services.credentials.get_of(&caller, org(&request), id(&request)?).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&seen)))
}

/// Revokes one of them → 204, however often.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.credentials.revoke_of(&caller, org(&request), id(&request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How one of them was used.
pub(super) async fn usage(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    Ok(usage_view(&app.services.credentials.usage_of(&caller, org(&request), id(&request)?).await?))
}
