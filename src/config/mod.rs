//! What the operator chose: flags, then `PATMINT_*` variables, then `patmint.toml`, then what stands here. The only
//! reader of the environment.

mod checked;
#[cfg(test)]
mod documented;
mod environment;
mod error;
mod file;
mod networks;
mod options;
#[cfg(test)]
mod tests;
mod traces;

use std::{path::PathBuf, time::Duration};

use self::{checked::KeyTimes, error::invalid};
pub use environment::{ParseError, parse, refuse_unknown};
pub use error::ConfigError;
pub use file::ConfigFile;
use networks::Networks;
pub use options::{LogFormat, Options};

use crate::{
    domain::{jws::SigningAlgorithm, retention::Retention},
    http::{HttpSettings, TlsFiles, TrustedProxies},
    service::Settings,
    store::DatabaseSettings,
    trace::TraceSettings,
};

const LISTEN: &str = "127.0.0.1:8080";
const KEYS_DIR: &str = "keys";
/// More than a client may have to wait for an answer: idle for 75 s (`http/server.rs`), then 30 s for a revocation, and some.
const SILENCE: Duration = Duration::from_secs(150);
const LOG: &str = "info";

/// The whole configuration.
#[derive(Debug)]
pub struct Config {
    /// Where to listen: `ADDRESS:PORT`.
    pub listen: String,
    /// The address under which this patmint is known; `None` = where it listens.
    pub issuer: Option<String>,
    /// What to serve TLS with, if it does.
    pub tls: Option<TlsFiles>,
    /// The folder of the root key.
    pub keys_dir: PathBuf,
    /// The database.
    pub database: DatabaseSettings,
    /// Whether to bring the schema up to date at the start.
    pub migrate: bool,
    /// What to log (`tracing_subscriber`'s filter).
    pub log: String,
    /// How it is written.
    pub log_format: LogFormat,
    /// What HTTP goes by.
    pub http: HttpSettings,
    /// Where traces go; `None` = nowhere, and none are made.
    pub traces: Option<TraceSettings>,
    /// The file that some of it was read from.
    pub file: Option<ConfigFile>,
    token_prefix: String,
    max_staleness: Duration,
    cache_capacity: usize,
    key_lead: u32,
    key_rotation: u32,
    signing_algorithm: SigningAlgorithm,
    retention: Retention,
}

impl Config {
    /// Reads the file and puts everything together.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(flags: Options, file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let (options, file) = file::read(file)?;
        Ok(Self { file, ..Self::new(flags.or(options))? })
    }

    fn new(options: Options) -> Result<Self, ConfigError> {
        let key_times = checked::key_times(options.jwks_max_age, options.key_lead, options.key_rotation)?;
        let KeyTimes { jwks_max_age, lead, rotation } = key_times;
        let (max_feed_waiters, max_connections) = checked::crowd(options.max_feed_waiters, options.max_connections)?;
        let traces = traces::settings(&options)?;
        let retention = checked::retention(&options)?;
        let tls = checked::tls(options.tls_cert, options.tls_key)?;
        let issuer = options.issuer.as_deref().map(checked::issuer).transpose()?;
        if tls.is_some() && issuer.as_ref().is_some_and(|issuer| !issuer.starts_with("https://")) {
            return Err(invalid("issuer", "must be an https:// address when this server does TLS"));
        }
        Ok(Self {
            listen: options.listen.unwrap_or_else(|| LISTEN.to_owned()),
            issuer,
            tls,
            keys_dir: options.keys_dir.unwrap_or_else(|| KEYS_DIR.into()),
            database: checked::database(options.database_url.as_deref(), options.database_connections)?,
            migrate: !options.no_migrate.unwrap_or(false),
            log: options.log.unwrap_or_else(|| LOG.to_owned()),
            log_format: options.log_format.unwrap_or_default(),
            http: HttpSettings {
                jwks_max_age,
                max_feed_waiters,
                max_feed_waiters_per_address: checked::waiters_per_address(options.max_feed_waiters_per_address)?,
                feed_token: options.feed_token.map(checked::feed_token).transpose()?,
                max_connections,
                silence: SILENCE,
                metrics_networks: options.metrics_networks.unwrap_or_else(Networks::loopback).0,
                proxies: TrustedProxies {
                    networks: options.trusted_proxies.unwrap_or_default().0,
                    header: options.proxy_header.unwrap_or_default(),
                },
            },
            traces,
            file: None,
            token_prefix: checked::token_prefix(options.token_prefix)?,
            max_staleness: checked::staleness(options.max_staleness)?,
            cache_capacity: checked::cache_capacity(options.cache_capacity)?,
            key_lead: lead,
            key_rotation: rotation,
            signing_algorithm: options.signing_algorithm.unwrap_or_default(),
            retention,
        })
    }

    /// How the server is reached where no proxy does TLS for it.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// What the services go by, under the address `issuer`.
    #[must_use]
    pub fn settings(&self, issuer: String) -> Settings {
        Settings {
            issuer,
            token_prefix: self.token_prefix.clone(),
            max_staleness: self.max_staleness,
            cache_capacity: self.cache_capacity,
            key_lead: i64::from(self.key_lead),
            key_rotation: i64::from(self.key_rotation),
            signing_algorithm: self.signing_algorithm,
            retention: self.retention,
        }
    }
}
