//! `/api/v1/orgs/{org}/invitations` and `/api/v1/invitations/accept`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    app::App,
    caller::caller,
    json, paging,
    path::{id, org},
    problem::Problem,
    request_id::source,
};
use crate::{
    domain::membership::Role,
    service::{Acceptance, Accepted, NewInvitation, SeenInvitation},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    email: String,
    role: Role,
    #[serde(default)]
    groups: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    token: SecretString,
    #[serde(default, deserialize_with = "json::given")]
    name: Option<String>,
    #[serde(default, deserialize_with = "json::given")]
    password: Option<SecretString>,
}

/// The invitations of an organization, newest first.
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let part = paging::part(request.query_string(), "", |_, _| Ok(false))?;
    let page = app.services.invitations.list(&caller, org(&request), part).await?;
    Ok(paging::page(&page.items.iter().map(view).collect::<Vec<_>>(), page.next))
}

/// `{"email", "role", "groups"?}` → 201 with `link`, which is shown here only.
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let New { email, role, groups } = json::read(&request, payload).await?;
    let new = NewInvitation { email, role, groups };
    let (seen, secret) = app.services.invitations.create(&caller, org(&request), new).await?;
    let mut view = view(&seen);
    if let Value::Object(members) = &mut view {
        // A fragment: browsers send it to no server, so it is in nobody's log.
        let link = format!("{}/invitations#{}", app.services.settings().issuer, secret.expose_secret());
        members.insert("link".to_owned(), link.into());
    }
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(view))
}

/// Takes an invitation back → 204, however often.
pub(super) async fn delete(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    app.services.invitations.withdraw(&caller, org(&request), id(&request, "id")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `{"token", "name"?, "password"?}` → 200 with what whoever was invited is now. Also for whoever is not signed in.
pub(super) async fn accept(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let caller = match caller(&app, &request) {
        Ok(caller) => Some(caller),
        // Nobody, or a cookie that has outlived its session.
        Err(Problem::Unauthenticated) => None,
        Err(problem) => return Err(problem),
    };
    let Accept { token, name, password } = json::read(&request, payload).await?;
    let acceptance = Acceptance { secret: token, name, password };
    let accepted = app.services.invitations.accept(caller.as_ref(), acceptance, source(&app, &request)).await?;
    let Accepted { organization, user, membership } = accepted;
    let body = json!({
        "user_id": user.id,
        "organization_id": organization.id,
        "organization_slug": organization.slug,
        "organization_name": organization.name,
        "role": membership.role,
        "groups": membership.groups,
    });
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(body))
}

fn view(SeenInvitation { invitation, state }: &SeenInvitation) -> Value {
    json!({
        "id": invitation.id,
        "email": invitation.email.as_str(),
        "role": invitation.role,
        "groups": invitation.groups,
        "state": state,
        "created_at": invitation.created_at,
        "created_by": invitation.created_by,
        "expires_at": invitation.expires_at,
        "accepted_at": invitation.accepted_at,
        "accepted_by": invitation.accepted_by,
        "withdrawn_at": invitation.withdrawn_at,
    })
}
