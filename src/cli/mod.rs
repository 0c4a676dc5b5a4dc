//! The command line: one file a command.

mod bootstrap;
mod doctor;
mod explain;
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

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use thiserror::Error;
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    config::{self, Config, ConfigError, LogFormat, Options, ParseError},
    http::{ServerError, TlsError},
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
    /// Say what became of a request: why a token was refused in it, or what it changed
    Explain(explain::Arguments),
    /// Look at this installation, change nothing, and say what is wrong and what to do
    Doctor(doctor::Arguments),
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
    #[error(transparent)]
    Tls(#[from] TlsError),
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
    #[error(
        "nothing is known of this request: the last 20 refusals of each token are kept, some seconds after they happened, \
         and what changed something; the log may say more"
    )]
    NoSuchRequest,
    #[error("{0} of the checks found something wrong")]
    Unwell(usize),
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
    let cli = match parsed() {
        Ok(cli) => cli,
        // Help and usage have a form and an exit code of their own.
        Err(ParseError::Usage(error)) => error.exit(),
        Err(ParseError::Variable(error)) => {
            output::complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let config = config::refuse_unknown(&Cli::command()).and_then(|()| Config::load(cli.options, cli.config));
    match started(cli.command, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn parsed() -> Result<Cli, ParseError> {
    Ok(Cli::from_arg_matches(&config::parse(&Cli::command())?)?)
}

fn started(command: Command, config: Result<Config, ConfigError>) -> Result<(), CliError> {
    let config = match (&command, config) {
        // It has something to say of that, too.
        (Command::Doctor(arguments), Err(error)) => return doctor::without_configuration(arguments, &error),
        (_, config) => config?,
    };
    log_to_stderr(&config)?;
    let system = actix_web::rt::System::new();
    let result = system.block_on(dispatch(command, &config));
    // Its end would wait for every query under way, and one to a database that hangs never ends.
    mem::forget(system);
    result
}

async fn dispatch(command: Command, config: &Config) -> Result<(), CliError> {
    match command {
        Command::Quickstart => quickstart::run(config).await,
        Command::Serve => serve::run(config).await,
        Command::Bootstrap(arguments) => bootstrap::run(config, arguments).await,
        Command::Migrate => migrate::run(config),
        Command::Restored(arguments) => restored::run(config, arguments).await,
        Command::Explain(arguments) => explain::run(config, arguments).await,
        Command::Doctor(arguments) => doctor::run(config, &arguments).await,
        Command::Keys(command) => keys::run(config, command).await,
        Command::Openapi => openapi::run(),
        Command::Org(command) => org::run(config, command).await,
        Command::User(command) => user::run(config, command).await,
    }
}

fn log_to_stderr(config: &Config) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| CliError::Log(error.to_string()))?;
    let log = tracing_subscriber::registry().with(filter).with(filter_fn(may_be_told));
    let lines = fmt::layer().with_writer(io::stderr);
    match config.log_format {
        LogFormat::Text => log.with(lines.with_ansi(io::stderr().is_terminal())).init(),
        LogFormat::Json => {
            log.with(lines.json().flatten_event(true).with_current_span(false).with_span_list(false)).init();
        }
    }
    Ok(())
}

/// Not what no filter should let through.
fn may_be_told(line: &Metadata<'_>) -> bool {
    // The HTTP client writes down each byte that it sends: the headers for a receiver of traces too.
    let is_secret = line.target().starts_with("ureq") && *line.level() > Level::DEBUG;
    // To actix it is an error if what comes is no HTTP: any stranger could fill the log.
    let is_strangers = line.target() == "actix_http::h1::dispatcher" && *line.level() == Level::ERROR;
    !is_secret && !is_strangers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all commands that do something, with those that they are below.
    fn leaves(command: &clap::Command, name: &str) -> Vec<String> {
        let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
        if below.is_empty() {
            return vec![name.to_owned()];
        }
        below.iter().flat_map(|below| leaves(below, &format!("{name} {}", below.get_name()))).collect()
    }

    #[test]
    fn the_readme_has_each_command() {
        let page = include_str!("../../README.md");
        for name in leaves(&Cli::command(), "patmint") {
            assert!(page.contains(&format!("`{name}`")) || page.contains(&format!("`{name} ")), "{name}");
        }
    }
}
