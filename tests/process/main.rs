//! What the program does, seen from outside: started, asked, told to stop, killed. Each test runs the real binary in a
//! folder and on a database of its own; `PATMINT_TEST_DATABASE` chooses the engine (see `../api/support/database.rs`).

#![expect(unreachable_pub, reason = "a test binary has no outside; pub reads better than pub(crate) everywhere")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells what it measured"
)]

mod support;

mod bootstrap;
mod clocks;
mod crash;
mod crowd;
mod doctor;
mod environment;
mod explain;
mod hang;
mod keys;
mod log;
mod openapi;
mod org;
mod pgbouncer;
mod precedence;
mod quickstart;
mod refusals;
mod request_ids;
mod restore;
mod second_process;
mod stop;
mod tls;
mod traces;
