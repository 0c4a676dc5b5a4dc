//! The span of a request, with the names that OpenTelemetry's conventions have for HTTP servers.
//!
//! Of what the client sent it has the method, the address and the caller's span, each in a form of bounded length. The
//! path and the query are left out: anybody may write anything there. The route is enough.

use actix_web::{Error, HttpRequest, dev::ServiceResponse, http::Method};
use opentelemetry::KeyValue;

use super::{app::App, client_address::client_address};
use crate::{
    domain::ids::RequestId,
    trace::{Caller, RequestSpan},
};

/// Begins the span of `request`, if it is to be traced. A caller who does not keep a span of their own wants none here. Of all
/// others it is the part that the operator chose, whatever they say: anybody can send the header, also through a proxy, and
/// could have everything traced.
pub(super) fn begun(app: &App, request: &HttpRequest, id: RequestId) -> Option<RequestSpan> {
    let tracing = app.tracing.as_ref()?;
    let caller = caller(request);
    if caller.as_ref().is_some_and(|caller| !caller.is_sampled()) || !tracing.takes(id) {
        return None;
    }
    let (method, name) = named(request.method());
    let mut known = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.scheme", if app.is_https() { "https" } else { "http" }),
        KeyValue::new("patmint.request_id", id.to_string()),
    ];
    known.extend(client_address(app, request).map(|address| KeyValue::new("client.address", address.to_string())));
    Some(tracing.begin(name, caller, known))
}

/// Tells the span how the request was answered.
pub(super) fn answered<B>(span: &RequestSpan, answer: &Result<ServiceResponse<B>, Error>) {
    let (status, name, route) = match answer {
        Ok(response) => {
            let (method, route) = (named(response.request().method()).1, response.request().match_pattern());
            (response.status(), route.as_ref().map(|route| format!("{method} {route}")), route)
        }
        Err(error) => (error.as_response_error().status_code(), None, None),
    };
    let mut known = vec![KeyValue::new("http.response.status_code", i64::from(status.as_u16()))];
    known.extend(route.map(|route| KeyValue::new("http.route", route)));
    let is_defect = status.is_server_error();
    if is_defect {
        known.push(KeyValue::new("error.type", status.as_str().to_owned()));
    }
    span.tell(name, known, is_defect);
}

fn caller(request: &HttpRequest) -> Option<Caller> {
    let mut all = request.headers().get_all("traceparent");
    let (first, second) = (all.next()?, all.next());
    // Of two nobody can say which is right.
    if second.is_some() { None } else { Caller::of(first.to_str().ok()?) }
}

/// The method, and what a span of it is called while its route is not known. Any word may be sent as a method.
fn named(method: &Method) -> (&'static str, &'static str) {
    match method.as_str() {
        "GET" => ("GET", "GET"),
        "HEAD" => ("HEAD", "HEAD"),
        "POST" => ("POST", "POST"),
        "PUT" => ("PUT", "PUT"),
        "PATCH" => ("PATCH", "PATCH"),
        "DELETE" => ("DELETE", "DELETE"),
        "OPTIONS" => ("OPTIONS", "OPTIONS"),
        _ => ("_OTHER", "HTTP"),
    }
}
