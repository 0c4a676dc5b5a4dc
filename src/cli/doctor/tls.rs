//! Looks at the certificate and the key with which this server does TLS.

#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio_rustls::rustls::{
    CertificateError, Error, RootCertStore,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use crate::{
    cli::open,
    config::Config,
    domain::clock::Timestamp,
    http::{TlsError, TlsFiles},
    service::{FileModes, Finding},
};

const CERTIFICATE: &str = "TLS certificate";
const KEY: &str = "TLS key file";

/// A certificate should have been renewed before it has less left.
const SOON: i64 = 14 * 86_400;

/// The first second after all that a certificate can say (RFC 5280 section 4.1.2.5).
const NEVER: u64 = 253_402_300_800;

/// Nothing, where the server does no TLS.
pub(super) fn look(config: &Config, now: Timestamp) -> Vec<Finding> {
    let Some(files) = &config.tls else { return Vec::new() };
    let issuer = open::issuer_of_commands(config).ok();
    vec![certificate(files, issuer.as_deref().map(host), now), key(files)]
}

/// The host in the address of an issuer.
fn host(issuer: &str) -> &str {
    let authority = issuer.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    let host = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(authority, |(host, _)| host);
    host.trim_matches(['[', ']'])
}

/// What clients that ask `host` will think of it.
fn certificate(files: &TlsFiles, host: Option<&str>, now: Timestamp) -> Finding {
    let chain = match files.certificates() {
        Ok(chain) => chain,
        Err(error) => return Finding::wrong(CERTIFICATE, error.to_string(), advice(&error)),
    };
    let shown = files.certificate.display();
    let Some(life) = Life::of_all(&chain) else {
        let message = format!("{shown} has a certificate in it that clients cannot read");
        return Finding::wrong(CERTIFICATE, message, "let it be made anew (X.509 version 3)");
    };
    let renew = "renew it; a running server finds the new one within a minute";
    if now < life.from {
        let message = format!("{shown} counts only from {} on", life.from);
        return Finding::wrong(CERTIFICATE, message, "see that this machine's clock is right");
    }
    // The last second still counts.
    if now >= life.until.plus_seconds(1) {
        return Finding::wrong(CERTIFICATE, format!("{shown} has ended at {}", life.until), renew);
    }
    if life.is_short(now) {
        return Finding::warning(CERTIFICATE, format!("{shown} ends at {}", life.until), renew);
    }
    match (host, chain.first()) {
        (Some(host), Some(own)) if !is_for(own, host) => {
            let message = format!(
                "{shown} is not for {host}, the host of the issuer: who asks this server by that name refuses it"
            );
            Finding::warning(
                CERTIFICATE,
                message,
                "name that host in it too, unless a proxy with another certificate stands before it",
            )
        }
        _ => Finding::good(CERTIFICATE, format!("{shown} belongs to its key and counts until {}", life.until)),
    }
}

fn advice(error: &TlsError) -> &'static str {
    match error {
        TlsError::Unreadable(..) => "run this as the user that serves, and see that --tls-cert and --tls-key are right",
        TlsError::Missing(..) => "put it there, in PEM: first the server's own certificate, then those above it",
        TlsError::Unusable(..) => "put a certificate and the key of that certificate there",
    }
}

/// From when until when certificates count.
#[derive(Clone, Copy, Debug)]
struct Life {
    from: Timestamp,
    until: Timestamp,
}

impl Life {
    /// When all of them do: clients need each.
    fn of_all(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let lives: Option<Vec<_>> = chain.iter().map(Self::of).collect();
        let both = |one: Self, other: Self| Self { from: one.from.max(other.from), until: one.until.min(other.until) };
        lives?.into_iter().reduce(both)
    }

    /// webpki tells of a certificate's times only in what it says of one that does not count (yet, or any more).
    fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = ParsedCertificate::try_from(certificate).ok()?;
        let judged = |seconds| {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            verify_server_cert_signed_by_trust_anchor(&certificate, &RootCertStore::empty(), &[], time, &[]).err()
        };
        let from = match judged(0) {
            Some(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => not_before,
            // It counted in 1970 already.
            _ => UnixTime::since_unix_epoch(Duration::ZERO),
        };
        let Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) = judged(NEVER) else {
            return None;
        };
        Some(Self { from: timestamp(from)?, until: timestamp(not_after)? })
    }

    /// Whether little is left; of a certificate of a few days that is a third of them.
    fn is_short(self, now: Timestamp) -> bool {
        let third = self.until.unix_seconds().saturating_sub(self.from.unix_seconds()) / 3;
        now.plus_seconds(SOON.min(third)) >= self.until
    }
}

fn timestamp(time: UnixTime) -> Option<Timestamp> {
    Timestamp::from_unix_micros(i64::try_from(time.as_secs()).ok()?.checked_mul(1_000_000)?)
}

fn is_for(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let (Ok(certificate), Ok(host)) = (ParsedCertificate::try_from(certificate), ServerName::try_from(host)) else {
        return false;
    };
    verify_server_name(&certificate, &host).is_ok()
}

/// Who may get at the key.
fn key(files: &TlsFiles) -> Finding {
    let shown = files.key.display();
    match FileModes::of(&files.key) {
        Ok(modes) if modes.others_can_read() => {
            let message = format!("others on this machine can read {shown}");
            Finding::wrong(
                KEY,
                message,
                format!("chmod 600 {shown}; if somebody may have read it, get a new key and certificate"),
            )
        }
        Ok(modes) if modes.others_can_replace() => {
            let message = format!("others on this machine can replace {shown}");
            Finding::wrong(KEY, message, format!("chmod 600 {shown}, and let nobody else write its folder"))
        }
        Ok(_) => Finding::good(KEY, format!("only its owner and group can read {shown}")),
        Err(error) => {
            Finding::wrong(KEY, format!("cannot look at {shown}: {error}"), "run this as the user that serves")
        }
    }
}
