use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{expiry, view::view};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{CredentialKind, Permission},
        ids::OrganizationId,
        nullable::Nullable,
        scope::Scope,
    },
    http::{
        app::App,
        caller::caller,
        json::{self, Object},
        problem::Problem,
    },
    service::{Expiry, NewToken, Seen},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: String,
    #[serde(default = "opaque")]
    kind: CredentialKind,
    #[serde(default = "read_write")]
    permission: Permission,
    #[serde(default)]
    scopes: Option<Vec<Object<Scope>>>,
    #[serde(default)]
    audiences: Option<Vec<String>>,
    #[serde(default)]
    expires_at: Nullable<Timestamp>,
    #[serde(default)]
    expires_in: Nullable<i64>,
    #[serde(default)]
    organization_id: Option<OrganizationId>,
}

fn opaque() -> CredentialKind {
    CredentialKind::Opaque
}

fn read_write() -> Permission {
    Permission::ReadWrite
}

/// Makes a credential → 201 with `token`, which is shown here only.
pub(in crate::http) async fn post(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let body: Body = json::read(&request, payload).await?;
    let new = NewToken {
        expiry: expiry(body.expires_at, body.expires_in)?.unwrap_or(Expiry::ByPolicy),
        name: body.name,
        kind: body.kind,
        permission: body.permission,
        scopes: body.scopes.map(|scopes| scopes.into_iter().map(|Object(scope)| scope).collect()),
        audiences: body.audiences,
        organization_id: body.organization_id,
    };
    let (seen, token) = app.services.credentials.create(&caller, new).await?;
    Ok(made(&seen, &token))
}

/// 201 with a new credential and its text.
pub(super) fn made(seen: &Seen, token: &SecretString) -> HttpResponse {
    let mut view = view(seen);
    if let Value::Object(members) = &mut view {
        members.insert("token".to_owned(), token.expose_secret().into());
    }
    HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("/api/v1/tokens/{}", seen.record.standing.credential.id)))
        .json(view)
}
