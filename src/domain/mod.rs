//! The rules, without I/O: what a credential is, what a policy says, and the verdict over both.
//!
//! No rule here reads a clock, a random source, a file or a database: those come in as arguments (`clock.rs` and
//! `random.rs` also have the real ones).

pub mod clock;
pub mod credential;
pub mod digest;
pub mod email;
pub mod idempotency;
pub mod ids;
pub mod invitation;
pub mod jws;
pub mod list;
pub mod means;
pub mod membership;
pub mod network;
pub mod newer_word;
pub mod nullable;
pub mod organization;
pub mod password;
pub mod policy;
pub mod random;
pub mod refused;
pub mod retention;
pub mod schedule;
pub mod scope;
pub mod source;
pub mod standing;
pub mod tagged_secret;
pub mod token_filter;
pub mod verdict;
