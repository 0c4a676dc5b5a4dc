use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    expiry, id, token_told,
    view::{View, view},
};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{Audiences, NEVER_SECONDS, Permission},
        nullable::Nullable,
        scope::{Scope, Scopes},
    },
    http::{
        app::App,
        caller::caller,
        json::{self, Object},
        openapi::{Operation, refusal, shapes},
        problem::Problem,
    },
    service::TokenEdit,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TokenEdit", extend("minProperties" = 1, "not" = super::two_ends()))]
struct Body {
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(with = "shapes::Name")]
    name: Option<String>,
    #[serde(default, deserialize_with = "json::given")]
    #[schemars(with = "Permission")]
    permission: Option<Permission>,
    /// Cannot be lifted from a token that has some.
    #[serde(default)]
    #[schemars(with = "Nullable<Scopes>")]
    scopes: Nullable<Vec<Object<Scope>>>,
    /// Those that the policy allows; `null`: the policy's default.
    #[serde(default)]
    #[schemars(with = "Nullable<Audiences>")]
    audiences: Nullable<Vec<String>>,
    /// In the future, and within the policy; `null`: never. Of a `jwt` token it can only become earlier.
    #[serde(default)]
    expires_at: Nullable<Timestamp>,
    /// The same in seconds from now. Only one of the two.
    #[serde(default)]
    #[schemars(range(min = 1, max = NEVER_SECONDS))]
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

/// What is told of [`patch`].
pub(in crate::http) fn patch_told() -> Operation {
    token_told("edit_token", "Edit one of your tokens")
        .described(
            "What is left out stays. What the token may not do any more ends at once, for the access tokens that are out too.",
        )
        .reads::<Body>()
        .fails(&[refusal::TOKEN_REVOKED, refusal::TOKEN_LIMIT_REACHED, refusal::NOT_UNDERSTOOD])
        .answers::<View<'_>>(200, "The token as it is now")
}
