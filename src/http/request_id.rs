//! Every request gets an id of ours: it is in the answer, in log lines, and in the audit trail. One that comes with the
//! request counts for nothing: a stranger could send what was another's.

use std::future::Future;

use actix_web::{
    Error, HttpRequest,
    dev::ServiceResponse,
    http::header::{HeaderName, HeaderValue},
};

use super::{app::App, client_address::client_address};
use crate::domain::{ids::RequestId, source::Source};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

// Not in the request's extensions: those are a box more for each exchange, and errors are written without the request.
tokio::task_local! {
    static CURRENT: RequestId;
}

/// The id of the request that is being answered here; `None` where none is.
pub(super) fn current() -> Option<RequestId> {
    CURRENT.try_with(|id| *id).ok()
}

/// Where `request`, which is being answered here, comes from.
pub(super) fn source(app: &App, request: &HttpRequest) -> Source {
    Source { address: client_address(app, request), request_id: current() }
}

/// Lets `answer` come under the id `id`.
pub(super) async fn marked<B>(
    id: RequestId,
    answer: impl Future<Output = Result<ServiceResponse<B>, Error>>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = CURRENT.scope(id, answer).await?;
    // Hexadecimal digits always fit.
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}
