use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use serde::Deserialize;

use super::{expiry, id, view::view};
use crate::{
    domain::{clock::Timestamp, credential::Permission, nullable::Nullable, scope::Scope},
    http::{
        app::App,
        caller::caller,
        json::{self, Object},
        problem::Problem,
    },
    service::TokenEdit,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default, deserialize_with = "json::given")]
    name: Option<String>,
    #[serde(default, deserialize_with = "json::given")]
    permission: Option<Permission>,
    #[serde(default)]
    scopes: Nullable<Vec<Object<Scope>>>,
    #[serde(default)]
    audiences: Nullable<Vec<String>>,
    #[serde(default)]
    expires_at: Nullable<Timestamp>,
    #[serde(default)]
    expires_in: Nullable<i64>,
}

/// Puts the members of the body in place of the credential's own → 200 with the credential as it is then.
pub(in crate::http) async fn patch(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let id = id(&request)?;
    let body: Body = json::read(&request, payload).await?;
    let edit = TokenEdit {
        expiry: expiry(body.expires_at, body.expires_in)?,
        name: body.name,
        permission: body.permission,
        scopes: body.scopes.map(|scopes| scopes.into_iter().map(|Object(scope)| scope).collect()),
        audiences: body.audiences,
    };
    let seen = app.services.credentials.edit(&caller, id, edit).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(view(&seen)))
}
