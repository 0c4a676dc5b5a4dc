//! The `patmint` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    patmint::cli::run()
}
