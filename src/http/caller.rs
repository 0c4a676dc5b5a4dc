//! The one way in for all of `/api`: a session (cookie, or as Bearer), an access token made for patmint itself, any
//! credential as Bearer, a legacy one as `Token`.

use actix_web::{HttpRequest, http::header};

use super::{app::App, origin, problem::Problem, request_id::source};
use crate::{
    domain::credential::CredentialKind,
    service::{Caller, ManageError, Proof},
};

/// The name of the session's cookie. The prefix makes browsers hold it to this host and TLS (RFC 6265bis).
pub(super) fn cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-patmint_session" } else { "patmint_session" }
}

/// Who is calling, as far as that shows without the database.
pub(crate) fn caller(app: &App, request: &HttpRequest) -> Result<Caller, Problem> {
    let nobody = || Problem::from(ManageError::Unauthenticated);
    let (credentials, source) = (&app.services.credentials, source(app, request));
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(nobody)?;
        let caller = credentials.caller(token.trim(), source)?;
        let is_legacy = matches!(&caller.proof, Proof::Credential(own) if own.kind == CredentialKind::Legacy);
        let fits = scheme.eq_ignore_ascii_case("bearer") || (scheme.eq_ignore_ascii_case("token") && is_legacy);
        return if fits { Ok(caller) } else { Err(nobody()) };
    }
    let cookie = request.cookie(cookie_name(app.is_https())).ok_or_else(nobody)?;
    let caller = credentials.caller(cookie.value(), source)?;
    if !matches!(caller.proof, Proof::Session(_)) {
        return Err(nobody());
    }
    if !request.method().is_safe() && !origin::is_own(request, &app.services.settings().issuer) {
        return Err(Problem::CrossSite);
    }
    Ok(caller)
}
