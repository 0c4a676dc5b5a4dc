//! What the tests stand on: a real server on a real socket, over a fresh database, with a clock that the test moves.

mod app;
mod changes;
pub mod client;
mod clock;
mod database;
pub mod documented;
mod people;
pub mod traces;

// `clock.rs` is shared with the crate's own tests, where the domain has another path.
use patmint::domain;

pub use app::Options;
pub use app::TestApp;
pub use client::{Answer, Request};
pub use database::TestDatabase;
pub use people::{Credential, Person};

use std::time::Duration;

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn minutes(count: u64) -> Duration {
    seconds(60 * count)
}

pub fn hours(count: u64) -> Duration {
    minutes(60 * count)
}

pub fn days(count: u64) -> Duration {
    hours(24 * count)
}

/// What a JWT says, its signature not looked at.
pub fn claims(jwt: &str) -> serde_json::Value {
    part(jwt, 1)
}

/// The header of a JWT.
pub fn header(jwt: &str) -> serde_json::Value {
    part(jwt, 0)
}

fn part(jwt: &str, index: usize) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = jwt.split('.').nth(index).expect("a JWT has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
