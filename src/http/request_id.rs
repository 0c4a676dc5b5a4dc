//! Every request gets an id of ours: it is in the answer, in log lines, and in the audit trail. One that comes with the
//! request counts for nothing: a stranger could send what was another's.

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};

use super::{app::App, client_address::client_address};
use crate::{
    domain::{ids::RequestId, source::Source},
    trace,
};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that is being answered here; `None` where none is.
pub(super) fn current() -> Option<RequestId> {
    trace::request_id()
}

/// Where `request`, which is being answered here, comes from.
pub(super) fn source(app: &App, request: &HttpRequest) -> Source {
    Source { address: client_address(app, request), request_id: current() }
}

/// Puts the id of the request into its answer.
pub(super) fn mark(headers: &mut HeaderMap, id: RequestId) {
    // Hexadecimal digits always fit.
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        headers.insert(HEADER, value);
    }
}
