//! What belongs to the request that is being answered, wherever in the code that is: its id, for log lines, and its span,
//! for traces. Those go to a receiver of OpenTelemetry's protocol (OTLP over HTTP) if the operator names one.
//!
//! A trace has a span for the request and, below it, one for each thing in it that may take long. Nothing in them is a
//! secret: names are of this program, values are what `http/traced.rs` lists.

mod current;
mod export;
mod spans;

pub(crate) use current::{Current, begin, request_id, timed};
pub(crate) use spans::{Caller, RequestSpan};
pub use spans::{TraceSettings, Tracing};
