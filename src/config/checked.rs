//! Single settings, checked, with what stands for those that are left out.

use std::{path::PathBuf, time::Duration};

use actix_web::http::Uri;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Options,
    error::{ConfigError, invalid},
};
use crate::{
    domain::{
        credential::is_prefix,
        retention::{Days, MOST_DAYS, Retention},
    },
    http::TlsFiles,
    service::LARGEST_STALENESS,
    store::{DatabaseSettings, DatabaseUrl, NotADatabaseUrl},
};

const DATABASE_URL: &str = "sqlite://data/patmint.db";
const DATABASE_CONNECTIONS: u32 = 8;
const TOKEN_PREFIX: &str = "patmint_";
const MAX_STALENESS_SECONDS: f64 = 1.0;
const CACHE_CAPACITY: usize = 1_000_000;
const JWKS_MAX_AGE_SECONDS: u32 = 300;
/// By how much a new key is published longer before it signs than services may keep what is published.
const KEY_LEAD_BEYOND_SECONDS: u32 = 600;
const KEY_ROTATION_SECONDS: u32 = 30 * 86_400;
const SHORTEST_KEY_ROTATION_SECONDS: u32 = 86_400;
const MAX_FEED_WAITERS: usize = 10_000;
const MOST_FEED_WAITERS: usize = 1_000_000;
const MAX_FEED_WAITERS_PER_ADDRESS: usize = 1_000;
/// By how many connections there may be more than wait for revocations.
const OTHER_CONNECTIONS: usize = 15_000;
const FEED_TOKEN_LENGTH: usize = 16;

pub(super) fn database(url: Option<&str>, connections: Option<u32>) -> Result<DatabaseSettings, ConfigError> {
    let url: DatabaseUrl = url
        .unwrap_or(DATABASE_URL)
        .parse()
        .map_err(|error: NotADatabaseUrl| invalid("database_url", error.problem()))?;
    let connections = connections.unwrap_or(DATABASE_CONNECTIONS);
    if !(1..=1000).contains(&connections) {
        return Err(invalid("database_connections", "must be 1 to 1000"));
    }
    Ok(DatabaseSettings { url, connections })
}

pub(super) fn token_prefix(prefix: Option<String>) -> Result<String, ConfigError> {
    let prefix = prefix.unwrap_or_else(|| TOKEN_PREFIX.to_owned());
    if !is_prefix(&prefix) {
        return Err(invalid("token_prefix", "must be 1 to 32 letters, digits, '-' and '_', the last a '_'"));
    }
    Ok(prefix)
}

pub(super) fn staleness(seconds: Option<f64>) -> Result<Duration, ConfigError> {
    let seconds = seconds.unwrap_or(MAX_STALENESS_SECONDS);
    // Below the follower's pace memory would never be trusted for long; zero says so outright.
    if seconds == 0.0 || (0.2..=LARGEST_STALENESS.as_secs_f64()).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(invalid("max_staleness", "must be 0 (read the database each time) or 0.2 to 10 seconds"))
}

pub(super) fn cache_capacity(capacity: Option<usize>) -> Result<usize, ConfigError> {
    let capacity = capacity.unwrap_or(CACHE_CAPACITY);
    if capacity == 0 {
        return Err(invalid("cache_capacity", "must be at least 1"));
    }
    Ok(capacity)
}

/// How long keys are kept, published and used, in seconds.
pub(super) struct KeyTimes {
    pub(super) jwks_max_age: u32,
    pub(super) lead: u32,
    pub(super) rotation: u32,
}

pub(super) fn key_times(
    jwks_max_age: Option<u32>,
    lead: Option<u32>,
    rotation: Option<u32>,
) -> Result<KeyTimes, ConfigError> {
    let jwks_max_age = jwks_max_age.unwrap_or(JWKS_MAX_AGE_SECONDS);
    let lead = lead.unwrap_or(jwks_max_age.saturating_add(KEY_LEAD_BEYOND_SECONDS));
    if lead < jwks_max_age {
        return Err(invalid("key_lead", "must not be less than jwks_max_age"));
    }
    let rotation = rotation.unwrap_or(KEY_ROTATION_SECONDS);
    if rotation != 0 && (rotation < SHORTEST_KEY_ROTATION_SECONDS || rotation <= lead) {
        return Err(invalid("key_rotation", "must be 0 (only when asked for), or at least 86400 and above key_lead"));
    }
    Ok(KeyTimes { jwks_max_age, lead, rotation })
}

/// How long rows are kept that no verdict needs any more.
pub(super) fn retention(options: &Options) -> Result<Retention, ConfigError> {
    let days = |days: Option<u32>, otherwise: Days, setting| match days {
        None => Ok(otherwise),
        Some(days) if days <= MOST_DAYS => Ok(Days(days)),
        Some(_) => Err(invalid(setting, "must be 0 (for ever) to 36500 days")),
    };
    let default = Retention::default();
    Ok(Retention {
        usage: days(options.usage_retention_days, default.usage, "usage_retention_days")?,
        audit: days(options.audit_retention_days, default.audit, "audit_retention_days")?,
        tokens: days(options.token_retention_days, default.tokens, "token_retention_days")?,
        invitations: days(options.invitation_retention_days, default.invitations, "invitation_retention_days")?,
    })
}

/// How many may wait for revocations, and how many connections there may be.
pub(super) fn crowd(waiters: Option<usize>, connections: Option<usize>) -> Result<(usize, usize), ConfigError> {
    let waiters = waiters.unwrap_or(MAX_FEED_WAITERS);
    if !(1..=MOST_FEED_WAITERS).contains(&waiters) {
        return Err(invalid("max_feed_waiters", "must be 1 to 1000000"));
    }
    let connections = connections.unwrap_or(waiters + OTHER_CONNECTIONS);
    if connections <= waiters {
        return Err(invalid("max_connections", "must be above max_feed_waiters"));
    }
    Ok((waiters, connections))
}

/// How many may wait for revocations at one address. It may be above what there is in all.
pub(super) fn waiters_per_address(waiters: Option<usize>) -> Result<usize, ConfigError> {
    let waiters = waiters.unwrap_or(MAX_FEED_WAITERS_PER_ADDRESS);
    if !(1..=MOST_FEED_WAITERS).contains(&waiters) {
        return Err(invalid("max_feed_waiters_per_address", "must be 1 to 1000000"));
    }
    Ok(waiters)
}

pub(super) fn feed_token(token: SecretString) -> Result<SecretString, ConfigError> {
    let text = token.expose_secret();
    let is_good = text.len() >= FEED_TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_good.then_some(token).ok_or_else(|| invalid("feed_token", "must be at least 16 visible ASCII characters"))
}

pub(super) fn tls(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<TlsFiles>, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(invalid("tls_key", "must come with tls_cert")),
        (None, Some(_)) => Err(invalid("tls_cert", "must come with tls_key")),
    }
}

/// An address without a slash at its end.
pub(super) fn issuer(issuer: &str) -> Result<String, ConfigError> {
    if !is_address(issuer) {
        return Err(invalid("issuer", "must be an http:// or https:// address without query and fragment"));
    }
    Ok(issuer.trim_end_matches('/').to_owned())
}

/// In bytes.
const LONGEST_ADDRESS: usize = 2048;

/// Whether this is `http://` or `https://`, a host, and perhaps a path: nothing that could hold a secret.
pub(super) fn is_address(text: &str) -> bool {
    let is_plain = text.len() <= LONGEST_ADDRESS
        && (text.starts_with("https://") || text.starts_with("http://"))
        && !text.contains(['?', '#', '@', '"', '\\'])
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    let authority = text.parse().map(Uri::into_parts).ok().and_then(|parts| parts.authority);
    is_plain
        && authority.is_some_and(|authority| {
            let has_port = authority.as_str() != authority.host();
            !authority.host().is_empty() && (!has_port || authority.port_u16().is_some_and(|port| port > 0))
        })
}
