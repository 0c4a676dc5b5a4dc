use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::BoolishValueParser};
use secrecy::SecretString;
use serde::Deserialize;

use super::networks::Networks;
use crate::{domain::jws::SigningAlgorithm, http::ProxyHeader, store::DatabaseUrl};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// The settings, each of which may be left out: the same in flags, environment and file.
///
/// Does not print: the database's address may hold a password.
#[derive(Args, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "PATMINT_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    /// `sqlite://PATH` or `postgres://USER@HOST/NAME` [default: `sqlite://data/patmint.db`]
    #[arg(long, global = true, env = "PATMINT_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(super) database_url: Option<String>,
    /// The most connections to the database [default: 8]
    #[arg(long, global = true, env = "PATMINT_DATABASE_CONNECTIONS", value_name = "NUMBER")]
    pub(super) database_connections: Option<u32>,
    /// Leave the database's schema as it is
    #[arg(long, global = true, env = "PATMINT_NO_MIGRATE", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub(super) no_migrate: Option<bool>,
    /// The folder of the root key [default: keys]
    #[arg(long, global = true, env = "PATMINT_KEYS_DIR", value_name = "FOLDER")]
    pub(super) keys_dir: Option<PathBuf>,
    /// The certificate to serve TLS with, in PEM, with those that lead to one that clients know; read again when it
    /// changes [default: none, a proxy in front does TLS]
    #[arg(long, global = true, env = "PATMINT_TLS_CERT", value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// Its key, in PEM [default: none]
    #[arg(long, global = true, env = "PATMINT_TLS_KEY", value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
    /// The address under which people and services reach this server; required when not on loopback
    /// [default: http:// (with TLS https://) and where it listens]
    #[arg(long, global = true, env = "PATMINT_ISSUER", value_name = "URL")]
    pub(super) issuer: Option<String>,
    /// What new opaque tokens begin with; ends in '_' [default: `patmint_`]
    #[arg(long, global = true, env = "PATMINT_TOKEN_PREFIX", value_name = "PREFIX")]
    pub(super) token_prefix: Option<String>,
    /// How old the state may be that an exchange goes by, in seconds; 0 = read the database each time [default: 1]
    #[arg(long, global = true, env = "PATMINT_MAX_STALENESS", value_name = "SECONDS")]
    pub(super) max_staleness: Option<f64>,
    /// The most tokens kept in memory [default: 1000000]
    #[arg(long, global = true, env = "PATMINT_CACHE_CAPACITY", value_name = "NUMBER")]
    pub(super) cache_capacity: Option<usize>,
    /// How long services may keep the published keys, in seconds [default: 300]
    #[arg(long, global = true, env = "PATMINT_JWKS_MAX_AGE", value_name = "SECONDS")]
    pub(super) jwks_max_age: Option<u32>,
    /// For how long a new key is published before it signs, in seconds [default: jwks-max-age + 600]
    #[arg(long, global = true, env = "PATMINT_KEY_LEAD", value_name = "SECONDS")]
    pub(super) key_lead: Option<u32>,
    /// How old the newest key may be before another one is made, in seconds; 0 = only when somebody asks [default: 2592000]
    #[arg(long, global = true, env = "PATMINT_KEY_ROTATION", value_name = "SECONDS")]
    pub(super) key_rotation: Option<u32>,
    /// How new keys sign: ES256, RS256 or EdDSA; counts from the next rotation on [default: ES256]
    #[arg(long, global = true, env = "PATMINT_SIGNING_ALGORITHM", value_name = "ALGORITHM")]
    pub(super) signing_algorithm: Option<SigningAlgorithm>,
    /// For how many days to keep counts of use and single refusals; 0 = for ever [default: 90]
    #[arg(long, global = true, env = "PATMINT_USAGE_RETENTION_DAYS", value_name = "DAYS")]
    pub(super) usage_retention_days: Option<u32>,
    /// For how many days to keep the audit trail; 0 = for ever [default: 400]
    #[arg(long, global = true, env = "PATMINT_AUDIT_RETENTION_DAYS", value_name = "DAYS")]
    pub(super) audit_retention_days: Option<u32>,
    /// For how many days to keep tokens that were revoked or expired; 0 = for ever [default: 365]
    #[arg(long, global = true, env = "PATMINT_TOKEN_RETENTION_DAYS", value_name = "DAYS")]
    pub(super) token_retention_days: Option<u32>,
    /// For how many days to keep invitations that were accepted, withdrawn or expired; 0 = for ever [default: 30]
    #[arg(long, global = true, env = "PATMINT_INVITATION_RETENTION_DAYS", value_name = "DAYS")]
    pub(super) invitation_retention_days: Option<u32>,
    /// The most clients that may wait for revocations at once; each holds a connection [default: 10000]
    #[arg(long, global = true, env = "PATMINT_MAX_FEED_WAITERS", value_name = "NUMBER")]
    pub(super) max_feed_waiters: Option<usize>,
    /// The most of them at one address (IPv6: one /64); holders of the feed token are not counted [default: 1000]
    #[arg(long, global = true, env = "PATMINT_MAX_FEED_WAITERS_PER_ADDRESS", value_name = "NUMBER")]
    pub(super) max_feed_waiters_per_address: Option<usize>,
    /// The most connections at once; others wait until one is closed [default: max-feed-waiters + 15000]
    #[arg(long, global = true, env = "PATMINT_MAX_CONNECTIONS", value_name = "NUMBER")]
    pub(super) max_connections: Option<usize>,
    /// What services must send as a Bearer token to see what was revoked; better in the file or the environment, since
    /// others on the machine see a flag [default: none, anybody may]
    #[arg(long, global = true, env = "PATMINT_FEED_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(super) feed_token: Option<SecretString>,
    /// The networks of the proxies in front of this server, with commas between them: only they are believed what they say
    /// of the client's address [default: none]
    #[arg(long, global = true, env = "PATMINT_TRUSTED_PROXIES", value_name = "NETWORKS")]
    pub(super) trusted_proxies: Option<Networks>,
    /// In which header these proxies say it: x-forwarded-for or forwarded; the other is never read
    /// [default: x-forwarded-for]
    #[arg(long, global = true, env = "PATMINT_PROXY_HEADER", value_name = "HEADER")]
    pub(super) proxy_header: Option<ProxyHeader>,
    /// The networks from which /metrics may be seen, with commas between them [default: `127.0.0.0/8,::1`]
    #[arg(long, global = true, env = "PATMINT_METRICS_NETWORKS", value_name = "NETWORKS")]
    pub(super) metrics_networks: Option<Networks>,
    /// What to log: error, warn, info, debug, trace, or a filter such as info,patmint=debug [default: info]
    #[arg(long, global = true, env = "PATMINT_LOG", value_name = "FILTER")]
    pub(super) log: Option<String>,
    /// How to log: text, or json, an object a line [default: text]
    #[arg(long, global = true, env = "PATMINT_LOG_FORMAT", value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
    /// Where to send traces, by OTLP over HTTP (protobuf); /v1/traces is appended [default: none, no traces]
    #[arg(long, global = true, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", hide_env_values = true)]
    pub(super) otlp_endpoint: Option<String>,
    /// What to send along, as NAME=VALUE with commas between them; better in the file or the environment, since others on
    /// the machine see a flag [default: none]
    #[arg(long, global = true, env = "OTEL_EXPORTER_OTLP_HEADERS", value_name = "HEADERS", hide_env_values = true)]
    pub(super) otlp_headers: Option<SecretString>,
    /// What this server is called in traces [default: patmint]
    #[arg(long, global = true, env = "OTEL_SERVICE_NAME", value_name = "NAME")]
    pub(super) otlp_service_name: Option<String>,
    /// What else traces say of this server, as NAME=VALUE with commas between them [default: none]
    #[arg(long, global = true, env = "OTEL_RESOURCE_ATTRIBUTES", value_name = "ATTRIBUTES", hide_env_values = true)]
    pub(super) otlp_resource: Option<String>,
    /// Which part of the requests to trace, 0 to 1 [default: 1]
    #[arg(long, global = true, env = "PATMINT_TRACE_RATIO", value_name = "NUMBER")]
    pub(super) trace_ratio: Option<f64>,
}

impl Options {
    /// Whether one of them is a secret.
    pub(super) fn hold_secret(&self) -> bool {
        let url = self.database_url.as_ref().and_then(|url| url.parse::<DatabaseUrl>().ok());
        self.feed_token.is_some() || self.otlp_headers.is_some() || url.is_some_and(|url| url.has_password())
    }

    /// These settings, and for those left out the ones of `other`.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            database_url: self.database_url.or(other.database_url),
            database_connections: self.database_connections.or(other.database_connections),
            no_migrate: self.no_migrate.or(other.no_migrate),
            keys_dir: self.keys_dir.or(other.keys_dir),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            issuer: self.issuer.or(other.issuer),
            token_prefix: self.token_prefix.or(other.token_prefix),
            max_staleness: self.max_staleness.or(other.max_staleness),
            cache_capacity: self.cache_capacity.or(other.cache_capacity),
            jwks_max_age: self.jwks_max_age.or(other.jwks_max_age),
            key_lead: self.key_lead.or(other.key_lead),
            key_rotation: self.key_rotation.or(other.key_rotation),
            signing_algorithm: self.signing_algorithm.or(other.signing_algorithm),
            usage_retention_days: self.usage_retention_days.or(other.usage_retention_days),
            audit_retention_days: self.audit_retention_days.or(other.audit_retention_days),
            token_retention_days: self.token_retention_days.or(other.token_retention_days),
            invitation_retention_days: self.invitation_retention_days.or(other.invitation_retention_days),
            max_feed_waiters: self.max_feed_waiters.or(other.max_feed_waiters),
            max_feed_waiters_per_address: self.max_feed_waiters_per_address.or(other.max_feed_waiters_per_address),
            max_connections: self.max_connections.or(other.max_connections),
            feed_token: self.feed_token.or(other.feed_token),
            trusted_proxies: self.trusted_proxies.or(other.trusted_proxies),
            proxy_header: self.proxy_header.or(other.proxy_header),
            metrics_networks: self.metrics_networks.or(other.metrics_networks),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
            otlp_endpoint: self.otlp_endpoint.or(other.otlp_endpoint),
            otlp_headers: self.otlp_headers.or(other.otlp_headers),
            otlp_service_name: self.otlp_service_name.or(other.otlp_service_name),
            otlp_resource: self.otlp_resource.or(other.otlp_resource),
            trace_ratio: self.trace_ratio.or(other.trace_ratio),
        }
    }
}
