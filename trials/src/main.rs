//! Tries out a whole patmint; see `scripts/bench`.

use std::{future::Future, process::ExitCode};

use clap::{Parser, Subcommand};
use patmint_trials::{Failure, bench, faults, guarantee, limit, retention, say, seed, upgrade, verify};

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
    /// Compare a server with a million credentials and one with ten million
    Scale(bench::ScaleArguments),
    /// Let go wrong what may go wrong
    Faults(faults::Arguments),
    /// Fill a database with credentials
    Seed(seed::Arguments),
    /// Serve what an exchange must cost at the least on this machine
    Limit(limit::Arguments),
    /// Verify access tokens, one a line of standard input
    Verify(verify::Arguments),
    /// Change things on several servers under load, and see that nobody goes by the old state
    Guarantee(guarantee::Arguments),
    /// Run the program of an earlier commit and this one beside each other, and go back
    Upgrade(upgrade::Arguments),
    /// Let three years pass for a database, with the retention job and without
    Retention(retention::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Bench(arguments) => on_this_thread(bench::run(arguments)),
        Command::Scale(arguments) => on_this_thread(bench::scale(&arguments)),
        Command::Faults(arguments) => faults::run(&arguments),
        Command::Seed(arguments) => on_this_thread(seed::run(&arguments)),
        Command::Limit(arguments) => limit::run(&arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Upgrade(arguments) => upgrade::run(&arguments),
        Command::Guarantee(arguments) => on_this_thread(guarantee::run(&arguments)),
        Command::Retention(arguments) => on_this_thread(retention::run(&arguments)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("patmint-trials: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn on_this_thread(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
