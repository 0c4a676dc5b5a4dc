//! The one way in for all of `/api`: a session (cookie, or as Bearer), an access token made for patmint itself, any
//! credential as Bearer, a legacy one as `Token`.

use actix_web::{HttpRequest, http::header};

use super::{app::App, origin, problem::Problem, request_id::source};
use crate::{
    domain::credential::CredentialKind,
    service::{Caller, ManageError, Proof},
};

/// A scheme of `Authorization` that is for patmint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Token,
}

/// The name of the session's cookie. The prefix makes browsers hold it to this host and TLS (RFC 6265bis).
pub(super) fn cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-patmint_session" } else { "patmint_session" }
}

/// Who is calling, as far as that shows without the database.
pub(crate) fn caller(app: &App, request: &HttpRequest) -> Result<Caller, Problem> {
    let nobody = || Problem::from(ManageError::Unauthenticated);
    let (credentials, source) = (&app.services.credentials, source(app, request));
    if let Some((scheme, token)) = authorization(request) {
        let caller = credentials.caller(token, source)?;
        let is_legacy = matches!(&caller.proof, Proof::Credential(own) if own.kind == CredentialKind::Legacy);
        return if scheme == Scheme::Bearer || is_legacy { Ok(caller) } else { Err(nobody()) };
    }
    let session = |value| credentials.caller(value, source).ok().filter(|own| matches!(own.proof, Proof::Session(_)));
    let caller = cookies(request, cookie_name(app.is_https())).find_map(session).ok_or_else(nobody)?;
    if !request.method().is_safe() && !origin::is_own(request, &app.services.settings().issuer) {
        return Err(Problem::CrossSite);
    }
    Ok(caller)
}

/// What stands in `Authorization` under a scheme that is for patmint. Another one, such as the Basic of a proxy in front,
/// is nothing that was shown to us, and hides no cookie.
fn authorization(request: &HttpRequest) -> Option<(Scheme, &str)> {
    request.headers().get_all(header::AUTHORIZATION).find_map(|value| {
        let value = value.as_bytes();
        let (scheme, token) = value.split_at(value.iter().position(|byte| *byte == b' ').unwrap_or(value.len()));
        let scheme = match scheme {
            bearer if bearer.eq_ignore_ascii_case(b"bearer") => Scheme::Bearer,
            token if token.eq_ignore_ascii_case(b"token") => Scheme::Token,
            _ => return None,
        };
        // What is no text is no token of ours.
        Some((scheme, str::from_utf8(token).unwrap_or_default().trim()))
    })
}

/// The values of all cookies of this name. One that cannot be read, or that somebody set beside ours, hides none.
fn cookies<'a>(request: &'a HttpRequest, name: &'static str) -> impl Iterator<Item = &'a str> {
    let pairs = request.headers().get_all(header::COOKIE).flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let (own, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        let value = value.strip_prefix(b"=").filter(|_| own.trim_ascii() == name.as_bytes())?;
        str::from_utf8(value.trim_ascii()).ok()
    })
}
