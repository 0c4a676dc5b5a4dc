//! What is tried on a whole patmint from outside: a load generator, a release server to point it at, credentials by the
//! hundred thousand, and the limit of the machine to compare with.

pub mod bench;
pub mod faults;
pub mod guarantee;
pub mod limit;
pub mod load;
pub mod process;
pub mod retention;
pub mod seed;
pub mod server;
pub mod upgrade;
pub mod verify;

#[cfg(test)]
#[path = "../../tests/api/support/database.rs"]
#[expect(unreachable_pub, reason = "made for the tests outside")]
mod test_database;

/// Why a trial could not go on: for the person in front of it, so a text is enough.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Says how a trial goes, on standard error.
#[expect(clippy::print_stderr, reason = "for the person in front of it")]
pub fn say(text: &str) {
    eprintln!("{text}");
}
