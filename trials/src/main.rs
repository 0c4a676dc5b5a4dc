//! Tries out a whole patmint; see `scripts/bench`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use patmint_trials::{Failure, bench, limit, say};

/// Tries out a whole patmint
#[derive(Parser)]
#[command(name = "patmint-trials")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure patmint beside the limit of the machine
    Bench(bench::Arguments),
    /// Serve what an exchange must cost at the least on this machine
    Limit(limit::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Bench(arguments) => benchmark(arguments),
        Command::Limit(arguments) => limit::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("patmint-trials: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn benchmark(arguments: bench::Arguments) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bench::run(arguments))
}
