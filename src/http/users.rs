//! `/api/v1/users`: for operators.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{
    app::App,
    caller::caller,
    paging::{self, invalid},
    path::id,
    problem::Problem,
};
use crate::domain::membership::User;

/// All users, newest first, or the one with the address `email`.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let mut email = None;
    let part = paging::part(request.query_string(), ", email", |name, value| {
        if name == "email" {
            email = Some(value.parse().map_err(|_| invalid(name, "is no e-mail address"))?);
        }
        Ok(name == "email")
    })?;
    let page = app.services.users.list(&caller, email, part).await?;
    Ok(paging::page(&page.items.iter().map(view).collect::<Vec<_>>(), page.next))
}

/// Refuses all that the user has → 200 with the user.
pub(super) async fn disable(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    set_enabled(&app, &request, false).await
}

/// Takes that back → 200 with the user.
pub(super) async fn enable(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    set_enabled(&app, &request, true).await
}

async fn set_enabled(app: &App, request: &HttpRequest, enabled: bool) -> Result<HttpResponse, Problem> {
    let caller = caller(app, request)?;
    let user = app.services.users.set_enabled(&caller, id(request, "id")?, enabled).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&user)))
}

/// A new random password → 200 `{"password"}`, which is shown here only.
pub(super) async fn reset_password(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let password = app.services.users.reset_password(&caller, id(&request, "id")?).await?;
    let body = json!({ "password": password.expose_secret() });
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body))
}

/// Ends the user's sessions and access tokens → 204.
pub(super) async fn sign_out(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.users.sign_out(&caller, id(&request, "id")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn view(user: &User) -> Value {
    json!({
        "id": user.id,
        "number": user.number,
        "email": user.email.as_ref().map(ToString::to_string),
        "name": user.name,
        "kind": user.kind,
        "operator": user.operator_since.is_some(),
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
    })
}
