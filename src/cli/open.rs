//! From configuration to services.

use std::{
    fs::{DirBuilder, OpenOptions},
    net::{TcpListener, ToSocketAddrs as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    sync::Arc,
};

use super::CliError;
use crate::{
    config::Config,
    domain::{clock::SystemClock, random::SystemRandomness},
    http::Tls,
    service::{Environment, Services, StartError, ensure_served},
    store::{Database, StoreError},
    trace::Tracing,
};

/// Listens, before anything else is done: a taken port should cost nothing.
pub(super) fn listener(config: &Config) -> Result<TcpListener, CliError> {
    let refuse = |error| CliError::Listen { address: config.listen.clone(), error };
    TcpListener::bind(&config.listen).map_err(refuse)
}

/// The address under which the server on `listener` is known.
pub(super) fn issuer(config: &Config, listener: &TcpListener) -> Result<String, CliError> {
    let address = listener.local_addr()?;
    match &config.issuer {
        Some(issuer) => Ok(issuer.clone()),
        None if address.ip().is_loopback() => Ok(format!("{}://{address}", config.scheme())),
        None => Err(CliError::IssuerRequired),
    }
}

/// What the server does TLS with, if it does.
pub(super) fn tls(config: &Config) -> Result<Option<Arc<Tls>>, CliError> {
    Ok(config.tls.clone().map(Tls::load).transpose()?.map(Arc::new))
}

/// What traces requests, if they are traced.
pub(super) fn tracing(config: &Config) -> Option<Arc<Tracing>> {
    config.traces.as_ref().map(Tracing::new).map(Arc::new)
}

/// The database, its schema as it is, if its connections can be worked with. An SQLite file that is not there is made, with its folder.
pub(super) fn database(config: &Config) -> Result<Database, CliError> {
    let url = &config.database.url;
    if let Some(folder) = url.sqlite_path().and_then(|path| Path::new(path).parent())
        && !folder.as_os_str().is_empty()
    {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| CliError::Folder { folder: folder.to_owned(), error })?;
    }
    if let Some(path) = url.sqlite_path() {
        // Made here, and not by SQLite, so that nobody else can read it.
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        made.map_err(|error| CliError::File { file: path.into(), error })?;
    }
    let db = Database::new(&config.database);
    db.check_sessions().map_err(|error| database_error(config, error))?;
    Ok(db)
}

/// Brings the schema of `db` up to date.
pub(super) fn migrate(config: &Config, db: &Database) -> Result<(), CliError> {
    let schema = db.migrate().map_err(|error| database_error(config, error))?;
    ensure_served(schema).map_err(CliError::Start)
}

/// The database, with its schema up to date unless the operator wants to do that by hand.
fn environment(config: &Config) -> Result<Environment, CliError> {
    let db = database(config)?;
    if config.migrate {
        migrate(config, &db)?;
    }
    Ok(Environment { clock: Arc::new(SystemClock), random: Arc::new(SystemRandomness::default()), db })
}

/// The address under which the server will be known: what a command writes into a token says it.
pub(super) fn issuer_of_commands(config: &Config) -> Result<String, CliError> {
    let is_local = |listen: &str| listen.to_socket_addrs().is_ok_and(|mut all| all.all(|one| one.ip().is_loopback()));
    match &config.issuer {
        Some(issuer) => Ok(issuer.clone()),
        None if is_local(&config.listen) => Ok(format!("{}://{}", config.scheme(), config.listen)),
        None => Err(CliError::IssuerRequired),
    }
}

/// The services of a command that serves nobody.
pub(super) async fn for_command(config: &Config) -> Result<Services, CliError> {
    let issuer = issuer_of_commands(config)?;
    let outside = environment(config)?;
    Services::for_command(config.settings(issuer), &config.keys_dir, outside)
        .await
        .map_err(|error| start_error(config, error))
}

/// The services of a server.
pub(super) async fn for_server(config: &Config, issuer: String) -> Result<Services, CliError> {
    let outside = environment(config)?;
    Services::for_server(config.settings(issuer), &config.keys_dir, outside)
        .await
        .map_err(|error| start_error(config, error))
}

fn start_error(config: &Config, error: StartError) -> CliError {
    match error {
        StartError::Store(error) => database_error(config, error),
        other @ (StartError::Keys(_) | StartError::Schema(_)) => CliError::Start(other),
    }
}

pub(super) fn database_error(config: &Config, error: StoreError) -> CliError {
    CliError::Database { url: config.database.url.describe(), error }
}
