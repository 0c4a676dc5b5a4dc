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
        ids::{OrganizationId, UserId},
        nullable::Nullable,
        scope::Scope,
    },
    http::{
        app::App,
        caller::caller,
        json::{self, Object},
        path::org,
        problem::Problem,
    },
    service::{Expiry, NewToken, Seen},
};

/// A body that says what a new credential shall be, and in one more member whose. (serde's `flatten` would let unknown
/// members pass.)
macro_rules! body {
    ($name:ident { $(#[$how:meta])* $whose:ident: $type:ty }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name {
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

body!(Own { #[serde(default)] organization_id: Option<OrganizationId> });
body!(Foreign { owner_id: UserId });

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
    let (organization, new) = json::read::<Own>(&request, payload).await?.parts()?;
    let (seen, token) = app.services.credentials.create(&caller, organization, new).await?;
    Ok(made(&seen, &token, "/api/v1"))
}

/// Makes a credential for a service account of an organization, as an admin → 201 with `token`, which is shown here only.
pub(in crate::http) async fn post_for(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&app, &request)?;
    let (owner, new) = json::read::<Foreign>(&request, payload).await?.parts()?;
    let (seen, token) = app.services.credentials.create_for(&caller, org(&request), owner, new).await?;
    Ok(made(&seen, &token, &format!("/api/v1/orgs/{}", seen.record.standing.organization_id())))
}

/// 201 with a new credential, which is to be seen below `place`, and its text.
pub(super) fn made(seen: &Seen, token: &SecretString, place: &str) -> HttpResponse {
    let mut view = view(seen);
    if let Value::Object(members) = &mut view {
        members.insert("token".to_owned(), token.expose_secret().into());
    }
    HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("{place}/tokens/{}", seen.record.standing.credential.id)))
        .json(view)
}
