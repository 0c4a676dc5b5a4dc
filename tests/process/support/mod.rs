//! What the tests stand on: the program, the folder and the database it runs on, and a client of it.

#[expect(dead_code, reason = "shared with the tests of the API, which use all of it")]
#[path = "../../api/support/client.rs"]
mod client;
#[path = "../../api/support/database.rs"]
mod database;
#[path = "../../api/support/documented.rs"]
mod documented;
mod look;
mod place;
mod program;
mod receiver;
mod server;
mod stream;

pub use client::Answer;
pub use look::Look;
pub use place::{Owner, Place};
pub use program::{Program, Running};
pub use receiver::{Mood, TraceReceiver, attribute, spans};
pub use server::{Client, Server, claims, header};

use std::time::Duration;

/// How many rounds a test makes: `PATMINT_TEST_ROUNDS`, else `usual`.
pub fn rounds(usual: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "chooses the length of the whole run")]
    let chosen = std::env::var("PATMINT_TEST_ROUNDS");
    chosen.map_or(usual, |rounds| rounds.parse().expect("a number"))
}

/// How long anything may take that is sure to come: only a hanging program waits so long.
pub const PATIENCE: Duration = Duration::from_mins(1);
