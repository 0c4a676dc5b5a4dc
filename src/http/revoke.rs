//! `POST /oauth/revoke` (RFC 7009): whoever holds a credential may end it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{
    app::App,
    body::{self, BodyError, Media},
    oauth_error::OAuthError,
    openapi::{Errors, Operation, refusal},
    request_id::source,
};
use crate::{domain::credential::RevocationReason, service::HandedIn};

/// `token=…` → 200, also for what is unknown or dead already (RFC 7009 section 2.2).
pub(super) async fn post(app: Data<App>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, OAuthError> {
    if Media::of(&request) != Media::Form {
        return Err(OAuthError::InvalidRequest("send application/x-www-form-urlencoded"));
    }
    let pairs = body::form(&body::read(payload).await?).ok_or(BodyError::Broken)?;
    let mut tokens = pairs.into_iter().filter_map(|(name, value)| (name == "token").then_some(value));
    let (Some(token), None) = (tokens.next(), tokens.next()) else {
        return Err(OAuthError::InvalidRequest("exactly one parameter token is required"));
    };
    let source = source(&app, &request);
    let handed_in = app.services.credentials.revoke_handed_in(&token, RevocationReason::Holder, source).await?;
    match handed_in {
        HandedIn::AccessToken => Err(OAuthError::UnsupportedTokenType),
        HandedIn::Credential | HandedIn::Unknown => {
            Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish())
        }
    }
}

/// What is told of [`post`].
pub(super) fn post_told() -> Operation {
    Operation::new("leaks", "revoke", "Revoke a token that you hold (RFC 7009)")
        .with_errors(Errors::OAuth)
        .reads_as(&["application/x-www-form-urlencoded"], form)
        .fails(&refusal::INVALID_REQUEST)
        .fails(&[refusal::UNSUPPORTED_TOKEN_TYPE, refusal::TEMPORARILY_UNAVAILABLE])
        .answers_nothing(200, "It is dead, now or before, or it never was a credential of ours")
}

fn form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "required": ["token"],
        "properties": {
            "token": { "type": "string", "description": "The credential" },
            "token_type_hint": { "type": "string", "description": "Not looked at" },
        },
    })
}
