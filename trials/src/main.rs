//! Tries out a whole patmint; see `scripts/bench`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use patmint_trials::{guarantee, limit, say};

/// Tries out a whole patmint
#[derive(Parser)]
#[command(name = "patmint-trials")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve what an exchange must cost at the least on this machine
    Limit(limit::Arguments),
    /// Change things on several servers under load, and see that nobody goes by the old state
    Guarantee(guarantee::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Limit(arguments) => limit::run(&arguments),
        Command::Guarantee(arguments) => guarantee::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("patmint-trials: {error}"));
            ExitCode::FAILURE
        }
    }
}
