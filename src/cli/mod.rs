//! The command line: one file a command.

mod bootstrap;
mod keys;
mod migrate;
mod open;
mod openapi;
mod org;
mod output;
mod quickstart;
mod restored;
mod serve;
mod user;

use std::{
    io::{self, IsTerminal as _},
    mem,
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};
use thiserror::Error;
use tracing_subscriber::EnvFilter;

use crate::{
    config::{self, Config, ConfigError, Options},
    http::ServerError,
    service::{BootstrapError, KeyRingError, ManageError, StartError},
    store::StoreError,
};

/// A self-hosted security token service: long-lived tokens in, five-minute JWTs out.
#[derive(Parser)]
#[command(name = "patmint", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
    /// The configuration file [default: patmint.toml, if there is one]
    #[arg(long, global = true, env = "PATMINT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve with everything set up: database, keys, an organization, an owner and a first token
    Quickstart,
    /// Serve
    Serve,
    /// Make the first organization, its owner and first tokens in an empty database
    Bootstrap(bootstrap::Arguments),
    /// Bring the database's schema up to date
    Migrate,
    /// Set right what a restored backup leaves behind; run it after each restore
    Restored(restored::Arguments),
    /// Manage the keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print what the server does, as an OpenAPI document
    Openapi,
    /// Manage organizations
    #[command(subcommand)]
    Org(org::Command),
    /// Manage users
    #[command(subcommand)]
    User(user::Command),
}

/// Why a command failed: one line for the person in front of it.
#[derive(Debug, Error)]
enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("log: {0}")]
    Log(String),
    #[error("cannot listen on {address}: {error} (choose another address with --listen)")]
    Listen { address: String, error: io::Error },
    #[error("--issuer is required when not on loopback: the https:// address under which people reach this server")]
    IssuerRequired,
    #[error("cannot make the folder {folder}: {error}")]
    Folder { folder: PathBuf, error: io::Error },
    #[error("cannot open the file {file}: {error}")]
    File { file: PathBuf, error: io::Error },
    #[error("{url}: {error}")]
    Database { url: String, error: StoreError },
    #[error(transparent)]
    Start(StartError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    #[error("no signing key has this name (patmint keys list shows them)")]
    NoSuchKey,
    #[error("no user has this e-mail address")]
    NoSuchUser,
    #[error("{0}")]
    Manage(#[from] ManageError),
    #[error("cannot read or write: {0}")]
    Io(#[from] io::Error),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = config::refuse_unknown(&Cli::command())
        .and_then(|()| Config::load(cli.options, cli.config))
        .map_err(CliError::from)
        .and_then(|config| {
            log_to_stderr(&config.log)?;
            let system = actix_web::rt::System::new();
            let result = system.block_on(dispatch(cli.command, &config));
            // Its end would wait for every query under way, and one to a database that hangs never ends.
            mem::forget(system);
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command, config: &Config) -> Result<(), CliError> {
    match command {
        Command::Quickstart => quickstart::run(config).await,
        Command::Serve => serve::run(config).await,
        Command::Bootstrap(arguments) => bootstrap::run(config, arguments).await,
        Command::Migrate => migrate::run(config),
        Command::Restored(arguments) => restored::run(config, arguments).await,
        Command::Keys(command) => keys::run(config, command).await,
        Command::Openapi => openapi::run(),
        Command::Org(command) => org::run(config, command).await,
        Command::User(command) => user::run(config, command).await,
    }
}

fn log_to_stderr(filter: &str) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| CliError::Log(error.to_string()))?;
    let is_terminal = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(io::stderr).init();
    Ok(())
}
