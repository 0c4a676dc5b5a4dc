//! `/api/v1/users`: for operators.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::{
    app::App,
    caller::caller,
    openapi::{Access, Operation, Parameter, refusal, shapes},
    paging::{self, Page, invalid},
    path::id,
    problem::Problem,
};
use crate::domain::{
    clock::Timestamp,
    email::Email,
    ids::UserId,
    membership::{User, UserKind},
};

/// A user, as an operator sees them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "User")]
struct View<'a> {
    id: UserId,
    number: i64,
    email: Option<&'a str>,
    name: &'a str,
    kind: UserKind,
    /// Whether they run this installation.
    operator: bool,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
}

/// A new password.
#[derive(Serialize, JsonSchema)]
struct NewPassword<'a> {
    /// Shown here only.
    password: &'a str,
}

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

/// What is told of [`list`].
pub(super) fn list_told() -> Operation {
    Operation::new("users", "list_users", "All users, newest first")
        .by(Access::Caller)
        .paged([Parameter::of::<shapes::EmailAddress>("email", "Only the one with this address")])
        .fails(&[refusal::FORBIDDEN])
        .answers::<Page<'_, View<'_>>>(200, "A page of them")
}

/// What is told of everything that an operator does to a user.
fn told(id: &'static str, summary: &'static str) -> Operation {
    Operation::new("users", id, summary)
        .by(Access::Caller)
        .path::<UserId>("id", "The user")
        .fails(&[refusal::FORBIDDEN])
}

/// Refuses all that the user has → 200 with the user.
pub(super) async fn disable(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    set_enabled(&app, &request, false).await
}

/// What is told of [`disable`].
pub(super) fn disable_told() -> Operation {
    told("disable_user", "Refuse all that a user has")
        .described("Sessions and access tokens end; tokens are good again when the user is enabled.")
        .fails(&[refusal::LAST_OPERATOR])
        .answers::<View<'_>>(200, "The user")
}

/// Takes that back → 200 with the user.
pub(super) async fn enable(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    set_enabled(&app, &request, true).await
}

/// What is told of [`enable`].
pub(super) fn enable_told() -> Operation {
    told("enable_user", "Let a user in again").answers::<View<'_>>(200, "The user")
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
    let body = NewPassword { password: password.expose_secret() };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body))
}

/// What is told of [`reset_password`].
pub(super) fn reset_password_told() -> Operation {
    told("reset_password", "Give a user a new password")
        .described("Ends their sessions.")
        .fails(&[refusal::NO_PASSWORD])
        .answers::<NewPassword<'_>>(200, "The password, which is shown here only")
}

/// Ends the user's sessions and access tokens → 204.
pub(super) async fn sign_out(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.users.sign_out(&caller, id(&request, "id")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is told of [`sign_out`].
pub(super) fn sign_out_told() -> Operation {
    told("sign_out_user", "Sign a user out everywhere")
        .answers_nothing(204, "Their sessions and access tokens have ended")
}

fn view(user: &User) -> View<'_> {
    View {
        id: user.id,
        number: user.number,
        email: user.email.as_ref().map(Email::as_str),
        name: &user.name,
        kind: user.kind,
        operator: user.operator_since.is_some(),
        created_at: user.created_at,
        disabled_at: user.disabled_at,
    }
}
