//! Every request gets an id of ours: it is in the answer, in log lines, and in the audit trail. One that comes with the
//! request counts for nothing: a stranger could send what was another's.

use std::future::Future;

use actix_web::{
    Error, HttpRequest,
    dev::ServiceResponse,
    http::header::{HeaderName, HeaderValue},
};

use super::{app::App, client_address::client_address, traced};
use crate::{
    domain::{ids::RequestId, source::Source},
    trace::{self, Current, RequestSpan},
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

/// Lets `answer` come under the id `id`, and in `span` if it is traced.
pub(super) async fn marked<B>(
    id: RequestId,
    span: Option<RequestSpan>,
    answer: impl Future<Output = Result<ServiceResponse<B>, Error>>,
) -> Result<ServiceResponse<B>, Error> {
    let answer = Current { id, span: span.clone() }.during(answer).await;
    if let Some(span) = span {
        traced::answered(&span, &answer);
    }
    let mut response = answer?;
    // Hexadecimal digits always fit.
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}
