//! What every answer gets, whatever it says.

use std::future::Future;

use actix_web::{
    Error,
    dev::ServiceResponse,
    http::{
        ConnectionType,
        header::{self, HeaderValue},
    },
};

use super::{request_id, traced};
use crate::{
    domain::ids::RequestId,
    trace::{Current, RequestSpan},
};

/// What is known of a request before it is answered.
pub(super) struct Begun {
    pub(super) id: RequestId,
    /// If it is traced.
    pub(super) span: Option<RequestSpan>,
    /// Whether the connection ends with the answer.
    pub(super) is_last: bool,
}

/// Lets `answer` come under the id of the request, and in its span.
pub(super) async fn finished<B>(
    Begun { id, span, is_last }: Begun,
    answer: impl Future<Output = Result<ServiceResponse<B>, Error>>,
) -> Result<ServiceResponse<B>, Error> {
    let answer = Current { id, span: span.clone() }.during(answer).await;
    if let Some(span) = span {
        traced::answered(&span, &answer);
    }
    let mut response = answer?;
    request_id::mark(response.headers_mut(), id);
    // What is told as JSON stays JSON: no browser shall find a page or a script in it.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_last {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}
