use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    expiry,
    view::{View, view},
};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{Audiences, CredentialKind, NEVER_SECONDS, Permission},
        ids::OrganizationId,
        nullable::Nullable,
        scope::{Scope, Scopes},
    },
    http::{
        app::App,
        caller::caller,
        json::{self, Object},
        openapi::{Access, Operation, refusal, shapes},
        problem::Problem,
    },
    service::{Expiry, NewToken, Seen},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewToken", extend("not" = super::two_ends()))]
struct Body {
    #[schemars(with = "shapes::Name")]
    name: String,
    #[serde(default = "opaque")]
    kind: CredentialKind,
    #[serde(default = "read_write")]
    permission: Permission,
    /// Left out or `null`: not restricted by scopes. None: may do nothing.
    #[serde(default)]
    #[schemars(with = "Option<Scopes>")]
    scopes: Option<Vec<Object<Scope>>>,
    /// Those that the policy allows; left out or `null`: the policy's default.
    #[serde(default)]
    #[schemars(with = "Option<Audiences>")]
    audiences: Option<Vec<String>>,
    /// In the future, and within the policy; `null`: never; left out: as the policy has it.
    #[serde(default)]
    expires_at: Nullable<Timestamp>,
    /// The same in seconds from now. Only one of the two.
    #[serde(default)]
    #[schemars(range(min = 1, max = NEVER_SECONDS))]
    expires_in: Nullable<i64>,
    /// Needed by who is in several organizations.
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

/// What is told of [`post`].
pub(in crate::http) fn post_told() -> Operation {
    Operation::new("tokens", "create_token", "Make a token")
        .by(Access::Caller)
        .reads::<Body>()
        .fails(&[refusal::FORBIDDEN, refusal::NOT_FOUND, refusal::TOKEN_LIMIT_REACHED])
        .answers::<Made<'_>>(201, "The token, with its text, which is shown here only")
        .with_header("Location", "Its address")
}

/// A token that was just made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadeToken")]
pub(super) struct Made<'a> {
    #[serde(flatten)]
    view: View<'a>,
    /// The text to keep and to exchange. Shown here only.
    token: &'a str,
}

/// 201 with a new credential and its text.
pub(super) fn made(seen: &Seen, token: &SecretString) -> HttpResponse {
    let body = Made { view: view(seen), token: token.expose_secret() };
    HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("/api/v1/tokens/{}", seen.record.standing.credential.id)))
        .json(body)
}
