//! What the operator chose: flags, then `PATMINT_*` variables, then `patmint.toml`, then what stands here. The only
//! reader of the environment.

#[cfg(test)]
mod documented;
mod environment;
mod file;
mod networks;
mod options;

use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

pub use environment::refuse_unknown;
pub use file::ConfigFile;
use networks::Networks;
pub use options::{LogFormat, Options};

use crate::{
    domain::{credential::is_prefix, jws::SigningAlgorithm},
    http::{HttpSettings, TlsFiles, TrustedProxies},
    service::{LARGEST_STALENESS, Settings},
    store::{DatabaseSettings, DatabaseUrl},
};

const LISTEN: &str = "127.0.0.1:8080";
const DATABASE_URL: &str = "sqlite://data/patmint.db";
const KEYS_DIR: &str = "keys";
const TOKEN_PREFIX: &str = "patmint_";
const MAX_STALENESS_SECONDS: f64 = 1.0;
const JWKS_MAX_AGE_SECONDS: u32 = 300;
/// By how much a new key is published longer before it signs than services may keep what is published.
const KEY_LEAD_BEYOND_SECONDS: u32 = 600;
const KEY_ROTATION_SECONDS: u32 = 30 * 86_400;
const SHORTEST_KEY_ROTATION_SECONDS: u32 = 86_400;
const DATABASE_CONNECTIONS: u32 = 8;
const CACHE_CAPACITY: usize = 1_000_000;
const MAX_FEED_WAITERS: usize = 10_000;
const MOST_FEED_WAITERS: usize = 1_000_000;
/// By how many connections there may be more than wait for revocations.
const OTHER_CONNECTIONS: usize = 15_000;
/// More than a client may have to wait for an answer: idle for 75 s (`http/server.rs`), then 30 s for a revocation, and some.
const SILENCE: Duration = Duration::from_secs(150);
const FEED_TOKEN_LENGTH: usize = 16;
const LOG: &str = "info";

/// What is wrong with the configuration. Names the setting, never its value.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A setting has a value that it cannot have.
    #[error("{setting}: {problem}")]
    Invalid {
        /// As it is called in the file.
        setting: &'static str,
        /// What it must be.
        problem: &'static str,
    },
    /// The file is not there or not to be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, String),
    /// The file is not what it should be.
    #[error("{path}, line {line}: {problem}")]
    File {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A variable that nothing reads: a misspelt one would otherwise be missed.
    #[error("unknown setting {0} in the environment")]
    UnknownVariable(String),
}

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
    /// The file that some of it was read from.
    pub file: Option<ConfigFile>,
    token_prefix: String,
    max_staleness: Duration,
    cache_capacity: usize,
    key_lead: u32,
    key_rotation: u32,
    signing_algorithm: SigningAlgorithm,
}

fn invalid(setting: &'static str, problem: &'static str) -> ConfigError {
    ConfigError::Invalid { setting, problem }
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
        let url = options.database_url.as_deref().unwrap_or(DATABASE_URL);
        let url: DatabaseUrl =
            url.parse().map_err(|_| invalid("database_url", "must be sqlite://PATH or postgres://USER@HOST/NAME"))?;
        let connections = options.database_connections.unwrap_or(DATABASE_CONNECTIONS);
        if !(1..=1000).contains(&connections) {
            return Err(invalid("database_connections", "must be 1 to 1000"));
        }
        let token_prefix = options.token_prefix.unwrap_or_else(|| TOKEN_PREFIX.to_owned());
        if !is_prefix(&token_prefix) {
            return Err(invalid("token_prefix", "must be 1 to 32 letters, digits, '-' and '_', the last a '_'"));
        }
        let cache_capacity = options.cache_capacity.unwrap_or(CACHE_CAPACITY);
        if cache_capacity == 0 {
            return Err(invalid("cache_capacity", "must be at least 1"));
        }
        let max_feed_waiters = options.max_feed_waiters.unwrap_or(MAX_FEED_WAITERS);
        if !(1..=MOST_FEED_WAITERS).contains(&max_feed_waiters) {
            return Err(invalid("max_feed_waiters", "must be 1 to 1000000"));
        }
        let max_connections = options.max_connections.unwrap_or(max_feed_waiters + OTHER_CONNECTIONS);
        if max_connections <= max_feed_waiters {
            return Err(invalid("max_connections", "must be above max_feed_waiters"));
        }
        let jwks_max_age = options.jwks_max_age.unwrap_or(JWKS_MAX_AGE_SECONDS);
        let key_lead = options.key_lead.unwrap_or(jwks_max_age.saturating_add(KEY_LEAD_BEYOND_SECONDS));
        if key_lead < jwks_max_age {
            return Err(invalid("key_lead", "must not be less than jwks_max_age"));
        }
        let key_rotation = options.key_rotation.unwrap_or(KEY_ROTATION_SECONDS);
        if key_rotation != 0 && (key_rotation < SHORTEST_KEY_ROTATION_SECONDS || key_rotation <= key_lead) {
            return Err(invalid(
                "key_rotation",
                "must be 0 (only when asked for), or at least 86400 and above key_lead",
            ));
        }
        let tls = checked_tls(options.tls_cert, options.tls_key)?;
        let issuer = options.issuer.map(|issuer| checked_issuer(&issuer)).transpose()?;
        if tls.is_some() && issuer.as_ref().is_some_and(|issuer| !issuer.starts_with("https://")) {
            return Err(invalid("issuer", "must be an https:// address when this server does TLS"));
        }
        Ok(Self {
            listen: options.listen.unwrap_or_else(|| LISTEN.to_owned()),
            issuer,
            tls,
            keys_dir: options.keys_dir.unwrap_or_else(|| KEYS_DIR.into()),
            database: DatabaseSettings { url, connections },
            migrate: !options.no_migrate.unwrap_or(false),
            log: options.log.unwrap_or_else(|| LOG.to_owned()),
            log_format: options.log_format.unwrap_or_default(),
            http: HttpSettings {
                jwks_max_age,
                max_feed_waiters,
                feed_token: options.feed_token.map(checked_feed_token).transpose()?,
                max_connections,
                silence: SILENCE,
                metrics_networks: options.metrics_networks.unwrap_or_else(Networks::loopback).0,
                proxies: TrustedProxies {
                    networks: options.trusted_proxies.unwrap_or_default().0,
                    header: options.proxy_header.unwrap_or_default(),
                },
            },
            file: None,
            token_prefix,
            max_staleness: checked_staleness(options.max_staleness.unwrap_or(MAX_STALENESS_SECONDS))?,
            cache_capacity,
            key_lead,
            key_rotation,
            signing_algorithm: options.signing_algorithm.unwrap_or_default(),
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
        }
    }
}

fn checked_tls(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<TlsFiles>, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(invalid("tls_key", "must come with tls_cert")),
        (None, Some(_)) => Err(invalid("tls_cert", "must come with tls_key")),
    }
}

fn checked_issuer(issuer: &str) -> Result<String, ConfigError> {
    let problem = "must be an http:// or https:// address without query and fragment";
    let rest = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
    let host = rest.unwrap_or_default();
    if host.is_empty()
        || host.starts_with('/')
        || host.contains(['?', '#', '@', '"', '\\'])
        || !host.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err(invalid("issuer", problem));
    }
    Ok(issuer.trim_end_matches('/').to_owned())
}

fn checked_feed_token(token: SecretString) -> Result<SecretString, ConfigError> {
    let text = token.expose_secret();
    let is_good = text.len() >= FEED_TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_good.then_some(token).ok_or_else(|| invalid("feed_token", "must be at least 16 visible ASCII characters"))
}

fn checked_staleness(seconds: f64) -> Result<Duration, ConfigError> {
    // Below the follower's pace memory would never be trusted for long; zero says so outright.
    if seconds == 0.0 || (0.2..=LARGEST_STALENESS.as_secs_f64()).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(invalid("max_staleness", "must be 0 (read the database each time) or 0.2 to 10 seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file() {
        let flags = Options { listen: Some("127.0.0.1:1".to_owned()), ..Options::default() };
        let file = Options {
            listen: Some("127.0.0.1:2".to_owned()),
            token_prefix: Some("acme_".to_owned()),
            ..Options::default()
        };
        let config = Config::new(flags.or(file)).unwrap();
        assert_eq!((config.listen.as_str(), config.token_prefix.as_str()), ("127.0.0.1:1", "acme_"));
        assert!(config.migrate);
    }

    #[test]
    fn a_wrong_value_is_named_and_not_shown() {
        let secret = "mysql://ada:hunter2@db".to_owned();
        let error = Config::new(Options { database_url: Some(secret), ..Options::default() }).unwrap_err().to_string();
        assert!(error.starts_with("database_url") && !error.contains("hunter2"), "{error}");
        for (options, setting) in [
            (Options { issuer: Some("sts.example".to_owned()), ..Options::default() }, "issuer"),
            (Options { tls_cert: Some("a".into()), ..Options::default() }, "tls_key"),
            (Options { tls_key: Some("a".into()), ..Options::default() }, "tls_cert"),
            (
                Options {
                    tls_cert: Some("a".into()),
                    tls_key: Some("b".into()),
                    issuer: Some("http://sts.example".to_owned()),
                    ..Options::default()
                },
                "issuer",
            ),
            (Options { token_prefix: Some("x".to_owned()), ..Options::default() }, "token_prefix"),
            (Options { max_staleness: Some(0.1), ..Options::default() }, "max_staleness"),
            (Options { max_staleness: Some(f64::NAN), ..Options::default() }, "max_staleness"),
            (Options { database_connections: Some(0), ..Options::default() }, "database_connections"),
            (Options { cache_capacity: Some(0), ..Options::default() }, "cache_capacity"),
            (Options { key_lead: Some(299), ..Options::default() }, "key_lead"),
            (Options { key_rotation: Some(86_399), ..Options::default() }, "key_rotation"),
            (Options { key_lead: Some(90_000), key_rotation: Some(90_000), ..Options::default() }, "key_rotation"),
            (Options { max_feed_waiters: Some(0), ..Options::default() }, "max_feed_waiters"),
            (Options { max_connections: Some(10_000), ..Options::default() }, "max_connections"),
            (Options { feed_token: Some("fifteen-letters".into()), ..Options::default() }, "feed_token"),
            (Options { feed_token: Some("sixteen letters!".into()), ..Options::default() }, "feed_token"),
        ] {
            let error = Config::new(options).unwrap_err();
            assert!(matches!(error, ConfigError::Invalid { setting: named, .. } if named == setting), "{error}");
        }
    }

    #[test]
    fn a_new_key_is_published_for_longer_than_services_keep_what_they_know() {
        let lead = |options| Config::new(options).unwrap().settings(String::new()).key_lead;
        assert_eq!(lead(Options::default()), 900);
        assert_eq!(lead(Options { jwks_max_age: Some(3600), ..Options::default() }), 4200);
        assert_eq!(lead(Options { key_lead: Some(300), ..Options::default() }), 300);
        assert!(Config::new(Options { key_rotation: Some(0), ..Options::default() }).is_ok());
    }

    #[test]
    fn an_issuer_has_no_slash_at_its_end() {
        assert_eq!(checked_issuer("https://sts.example/base/").unwrap(), "https://sts.example/base");
    }
}
