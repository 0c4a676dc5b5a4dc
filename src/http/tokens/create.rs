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
        ids::{OrganizationId, UserId},
        nullable::Nullable,
        scope::{Scope, Scopes},
    },
    http::{
        app::App,
        caller::caller,
        idempotency,
        json::Object,
        openapi::{Access, Operation, refusal, shapes},
        path::org,
        problem::Problem,
    },
    service::{Expiry, NewToken, Seen},
};

/// A body that says what a new credential shall be, and in one more member whose. (serde's `flatten` would let unknown
/// members pass.)
macro_rules! body {
    ($name:ident, $shown:tt { $(#[$how:meta])* $whose:ident: $type:ty }) => {
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(rename = $shown, extend("not" = super::two_ends()))]
        struct $name {
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
            $(#[$how])*
            $whose: $type,
        }

        impl $name {
            /// Whose, and what.
            fn parts(self) -> Result<($type, NewToken), Problem> {
                let new = NewToken {
                    expiry: expiry(self.expires_at, self.expires_in)?.unwrap_or(Expiry::ByPolicy),
                    name: self.name,
                    kind: self.kind,
                    permission: self.permission,
                    scopes: self.scopes.map(|scopes| scopes.into_iter().map(|Object(scope)| scope).collect()),
                    audiences: self.audiences,
                };
                Ok((self.$whose, new))
            }
        }
    };
}

body!(Own, "NewToken" {
    /// Needed by who is in several organizations.
    #[serde(default)]
    organization_id: Option<OrganizationId>
});
body!(Foreign, "NewOrganizationToken" {
    /// A service account of the organization.
    owner_id: UserId
});

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
    let (caller, body) = idempotency::read::<Own>(caller, &request, payload).await?;
    let (organization, new) = body.parts()?;
    let (seen, token) = app.services.credentials.create(&caller, organization, new).await?;
    Ok(made(&seen, &token, "/api/v1"))
}

/// What is told of [`post`].
pub(in crate::http) fn post_told() -> Operation {
    Operation::new("tokens", "create_token", "Make a token")
        .by(Access::Caller)
        .reads::<Own>()
        .idempotent()
        .fails(&[refusal::FORBIDDEN, refusal::NOT_FOUND, refusal::TOKEN_LIMIT_REACHED])
        .fails(&[refusal::TOKEN_REVOKED, refusal::TOKEN_ROTATED])
        .answers::<Made<'_>>(201, "The token, with its text, which is shown here only")
        .with_header("Location", "Its address")
}

/// Makes a credential for a service account of an organization, as an admin → 201 with `token`, which is shown here only.
pub(in crate::http) async fn post_for(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (caller, body) = idempotency::read::<Foreign>(caller, &request, payload).await?;
    let (owner, new) = body.parts()?;
    let (seen, token) = app.services.credentials.create_for(&caller, org(&request), owner, new).await?;
    Ok(made(&seen, &token, &format!("/api/v1/orgs/{}", seen.record.standing.organization_id())))
}

/// What is told of [`post_for`].
pub(in crate::http) fn post_for_told() -> Operation {
    Operation::new("organization tokens", "create_organization_token", "Make a token for a service account")
        .by(Access::Caller)
        .of_organization()
        .reads::<Foreign>()
        .idempotent()
        .fails(&[refusal::FORBIDDEN, refusal::TOKEN_LIMIT_REACHED, refusal::TOKEN_REVOKED, refusal::TOKEN_ROTATED])
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

/// 201 with a new credential, which is to be seen below `place`, and its text.
pub(super) fn made(seen: &Seen, token: &SecretString, place: &str) -> HttpResponse {
    let body = Made { view: view(seen), token: token.expose_secret() };
    HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("{place}/tokens/{}", seen.record.standing.credential.id)))
        .json(body)
}
