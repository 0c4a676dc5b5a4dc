//! `/api/v1/session`: sign in, see who you are, change the password, sign out, here or everywhere.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header,
    web::{Data, Payload},
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    app::App,
    caller::{caller, cookie_name},
    json as body,
    openapi::{Access, Operation, refusal, shapes},
    problem::Problem,
    request_id::source,
};
use crate::{
    domain::{
        clock::Timestamp,
        email::Email,
        ids::{OrganizationId, UserId},
        membership::{Groups, Role, UserKind},
    },
    service::{MAX_TTL, ManageError, SignedIn},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    #[schemars(with = "String")]
    password: SecretString,
}

/// Who is calling.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Session")]
struct View<'a> {
    /// When the session ends if nobody uses it; `null` for a caller who showed a token.
    expires_at: Option<Timestamp>,
    user: UserView<'a>,
    memberships: Vec<MembershipView<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionUser")]
struct UserView<'a> {
    id: UserId,
    number: i64,
    email: Option<&'a str>,
    name: &'a str,
    kind: UserKind,
    /// Whether they run this installation.
    operator: bool,
}

/// Where somebody is a member, and as what.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionMembership")]
struct MembershipView<'a> {
    organization_id: OrganizationId,
    organization_slug: &'a str,
    organization_name: &'a str,
    role: Role,
    groups: Option<&'a Groups>,
}

/// A session that has just begun.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewSession")]
struct Begun<'a> {
    #[serde(flatten)]
    view: View<'a>,
    /// Shown here only.
    session_token: &'a str,
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
    let body = Begun { view: view(&signed_in), session_token: &secret };
    Ok(HttpResponse::Created()
        .cookie(cookie(&app, secret.clone(), MAX_TTL))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body))
}

/// What is told of [`post`].
pub(super) fn post_told() -> Operation {
    Operation::new("sessions", "sign_in", "Sign in")
        .reads::<SignIn>()
        .needs_the_database()
        .fails(&[refusal::SIGN_IN_FAILED, refusal::TOO_MANY_ATTEMPTS])
        .answers::<Begun<'_>>(201, "The session, with its secret, which is shown here only")
        .with_header("Set-Cookie", "The secret again, for browsers")
}

/// Who is calling; no secret.
pub(super) async fn get(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let signed_in = app.services.sessions.current(&caller(&app, &request)?).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&signed_in)))
}

/// What is told of [`get`].
pub(super) fn get_told() -> Operation {
    Operation::new("sessions", "get_session", "See who you are")
        .by(Access::Caller)
        .answers::<View<'_>>(200, "Who is calling; no secret")
}

/// Ends the session → 204.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.services.sessions.sign_out(&caller(&app, &request)?).await?;
    Ok(HttpResponse::NoContent().cookie(cookie(&app, String::new(), 0)).finish())
}

/// What is told of [`delete`].
pub(super) fn delete_told() -> Operation {
    Operation::new("sessions", "sign_out", "Sign out")
        .by(Access::Caller)
        .fails(&[refusal::FORBIDDEN])
        .answers_nothing(204, "The session has ended")
        .with_header("Set-Cookie", "Takes the cookie away")
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Passwords {
    #[schemars(with = "String")]
    current_password: SecretString,
    #[schemars(with = "shapes::Password")]
    new_password: SecretString,
}

/// `{"current_password", "new_password"}` → 204; ends the other sessions.
pub(super) async fn password(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let Passwords { current_password, new_password } = body::read(&request, payload).await?;
    app.services.sessions.change_password(&caller, current_password, new_password).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is told of [`password`].
pub(super) fn password_told() -> Operation {
    Operation::new("sessions", "change_password", "Change your password")
        .described("Ends your other sessions. A wrong `current_password` is a 422.")
        .by(Access::Caller)
        .reads::<Passwords>()
        .fails(&[refusal::FORBIDDEN, refusal::TOO_MANY_ATTEMPTS])
        .answers_nothing(204, "The new password counts")
}

/// Ends all of one's sessions, and the access tokens that are out → 204.
pub(super) async fn delete_all(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    app.services.users.sign_out_self(&caller(&app, &request)?).await?;
    Ok(HttpResponse::NoContent().cookie(cookie(&app, String::new(), 0)).finish())
}

/// What is told of [`delete_all`].
pub(super) fn delete_all_told() -> Operation {
    Operation::new("sessions", "sign_out_everywhere", "Sign out everywhere")
        .described("Your sessions and the access tokens that are out end; your tokens stay good.")
        .by(Access::Caller)
        .fails(&[refusal::FORBIDDEN])
        .answers_nothing(204, "All sessions have ended")
        .with_header("Set-Cookie", "Takes the cookie away")
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

fn view(signed_in: &SignedIn) -> View<'_> {
    let SignedIn { expires_at, user, memberships, .. } = signed_in;
    View {
        expires_at: *expires_at,
        user: UserView {
            id: user.id,
            number: user.number,
            email: user.email.as_ref().map(Email::as_str),
            name: &user.name,
            kind: user.kind,
            operator: user.operator_since.is_some(),
        },
        memberships: memberships
            .iter()
            .map(|(membership, organization)| MembershipView {
                organization_id: organization.id,
                organization_slug: &organization.slug,
                organization_name: &organization.name,
                role: membership.role,
                groups: membership.groups.as_ref(),
            })
            .collect(),
    }
}
