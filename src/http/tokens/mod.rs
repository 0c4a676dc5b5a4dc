//! `/api/v1/tokens`: one's own credentials.

mod create;
mod edit;
mod query;
mod rotate;
mod view;

pub(super) use create::{post, post_for};
pub(super) use edit::patch;
pub(super) use query::Query;
pub(super) use rotate::post as rotate;
pub(super) use view::{usage as usage_view, view};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{app::App, caller::caller, paging, path, problem::Problem};
use crate::{
    domain::{clock::Timestamp, ids::CredentialId, nullable::Nullable},
    service::{Expiry, Page},
};

/// A page of one's own credentials, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let Query { whose, listing } = Query::parse(request.query_string(), "organization_id")?;
    Ok(page_of(&app.services.credentials.list(&caller, whose, listing).await?))
}

/// How one of one's own credentials was used.
pub(super) async fn usage(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    Ok(usage_view(&app.services.credentials.usage(&caller, id(&request)?).await?))
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

/// Revokes one of one's own credentials → 204, however often.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.credentials.revoke(&caller, id(&request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The credential in the path.
pub(super) fn id(request: &HttpRequest) -> Result<CredentialId, Problem> {
    path::id(request, "id")
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
