use std::future::Future;

use opentelemetry_sdk::trace::Span;
use tokio::task_local;

use super::spans::RequestSpan;
use crate::domain::ids::RequestId;

// Not in the request's extensions: those are a box more for each exchange, and errors are written without the request.
task_local! {
    static CURRENT: Current;
}

/// The request that is being answered.
pub(crate) struct Current {
    pub(crate) id: RequestId,
    /// Absent where it is not traced, and within what is timed already.
    pub(crate) span: Option<RequestSpan>,
}

impl Current {
    /// Lets `answer` come as the answer to this request.
    pub(crate) fn during<F: Future>(self, answer: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, answer)
    }
}

/// The id of the request that is being answered here; `None` where none is.
pub(crate) fn request_id() -> Option<RequestId> {
    CURRENT.try_with(|current| current.id).ok()
}

/// Begins what may take long, called `name`: in a request that is traced, a span that ends where it is dropped.
pub(crate) fn begin(name: &'static str) -> Option<Box<Span>> {
    CURRENT.try_with(|current| current.span.as_ref().map(|request| Box::new(request.below(name)))).ok().flatten()
}

/// Does `work` in such a span. What is timed within it has none: a trace tells what a request waited for, not how that
/// was done.
pub(crate) async fn timed<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let (Some(_span), Some(id)) = (begin(name), request_id()) else { return work.await };
    Current { id, span: None }.during(work).await
}
