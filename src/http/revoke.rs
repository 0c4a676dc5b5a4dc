//! `POST /oauth/revoke` (RFC 7009): whoever holds a credential may end it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};

use super::{
    app::App,
    body::{self, BodyError, Media},
    oauth_error::OAuthError,
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
