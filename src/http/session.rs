//! `/api/v1/session`: sign in, see who you are, change the password, sign out, here or everywhere.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header,
    web::{Data, Payload},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    app::App,
    caller::{caller, cookie_name},
    json as body,
    problem::Problem,
    request_id::source,
};
use crate::service::{MAX_TTL, ManageError, SignedIn};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: SecretString,
}

/// `{"email", "password"}` → 201 with the session's secret, which is also set as a cookie.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let SignIn { email, password } = body::read(&request, payload).await?;
    let signed_in = app.services.sessions.sign_in(&email, password, source(&app, &request)).await;
    let signed_in = signed_in.map_err(|error| {
        let is_wrong = matches!(error, ManageError::Unauthenticated);
        if is_wrong { Problem::SignIn } else { error.into() }
    })?;
    let secret = signed_in.token.as_ref().map(|token| token.expose_secret().to_owned()).unwrap_or_default();
    let mut view = view(&signed_in);
    if let Value::Object(members) = &mut view {
        members.insert("session_token".to_owned(), secret.as_str().into());
    }
    Ok(HttpResponse::Created()
        .cookie(cookie(&app, secret, MAX_TTL))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(view))
}

/// Who is calling; no secret.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let signed_in = app.services.sessions.current(&caller(&app, &request)?).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&signed_in)))
}

/// Ends the session → 204.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.services.sessions.sign_out(&caller(&app, &request)?).await?;
    Ok(HttpResponse::NoContent().cookie(cookie(&app, String::new(), 0)).finish())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Passwords {
    current_password: SecretString,
    new_password: SecretString,
}

/// `{"current_password", "new_password"}` → 204; ends the other sessions.
pub(super) async fn password(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let Passwords { current_password, new_password } = body::read(&request, payload).await?;
    app.services.sessions.change_password(&caller, current_password, new_password).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ends all of one's sessions, and the access tokens that are out → 204.
pub(super) async fn delete_all(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.services.users.sign_out_self(&caller(&app, &request)?).await?;
    Ok(HttpResponse::NoContent().cookie(cookie(&app, String::new(), 0)).finish())
}

fn cookie(app: &App, value: String, seconds: i64) -> Cookie<'static> {
    Cookie::build(cookie_name(app.is_https()), value)
        .path("/")
        .http_only(true)
        .secure(app.is_https())
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(seconds))
        .finish()
}

fn view(signed_in: &SignedIn) -> Value {
    let SignedIn { expires_at, user, memberships, .. } = signed_in;
    let memberships: Vec<Value> = memberships
        .iter()
        .map(|(membership, organization)| {
            json!({
                "organization_id": organization.id,
                "organization_slug": organization.slug,
                "organization_name": organization.name,
                "role": membership.role,
                "groups": membership.groups,
            })
        })
        .collect();
    json!({
        "expires_at": expires_at,
        "user": {
            "id": user.id,
            "number": user.number,
            "email": user.email.as_ref().map(ToString::to_string),
            "name": user.name,
            "kind": user.kind,
            "operator": user.operator_since.is_some(),
        },
        "memberships": memberships,
    })
}
