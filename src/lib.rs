//! patmint: a self-hosted security token service.
//!
//! Data flows one way: `http` (and `compat`, `web`, `cli`) → `service` → `store`; `domain` has the rules and imports
//! nothing of ours. What takes long says so to `trace`, wherever it is.

pub mod cli;
mod compat;
pub mod config;
pub mod domain;
pub mod http;
mod outbound;
pub mod service;
pub mod store;
pub mod trace;
mod web;

// What the tests inside the crate share with those outside.
#[cfg(test)]
#[path = "../tests/api/support/clock.rs"]
#[expect(unreachable_pub, reason = "made for the tests outside")]
mod test_clock;
#[cfg(test)]
#[path = "../tests/api/support/database.rs"]
#[expect(unreachable_pub, reason = "made for the tests outside")]
mod test_database;
