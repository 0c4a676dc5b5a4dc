//! No secret shows anywhere: a run through everything, every log line of it kept, and then a search. A binary of its
//! own, so that the log is that of this run alone.

#![expect(unreachable_pub, reason = "a test binary has no outside; pub reads better than pub(crate) everywhere")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it must be"
)]

#[path = "../api/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the other tests, which use the rest")]
mod support;

mod binary;
mod debug;
mod library;
mod mistakes;
mod watch;
