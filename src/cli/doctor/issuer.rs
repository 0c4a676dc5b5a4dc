//! Asks the issuer's address as a service would: is this installation what answers there?

use std::{net::ToSocketAddrs as _, time::Duration};

use serde_json::Value;
use ureq::Agent;

use crate::{cli::open, config::Config, outbound::agent, service::Finding};

const CHECK: &str = "issuer";

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// `signer` is the key that this installation signs with, if that is known.
pub(super) fn look(config: &Config, signer: Option<&str>) -> Vec<Finding> {
    let Ok(issuer) = open::issuer_of_commands(config) else {
        let advice = "set it to the https:// address under which people reach this server";
        return vec![Finding::wrong(CHECK, "--issuer is required when not on loopback", advice)];
    };
    let mut findings = Vec::new();
    if is_in_the_clear(&issuer) {
        let message = format!("{issuer} is not https://: whoever is on the way reads tokens and passwords");
        findings.push(Finding::warning(CHECK, message, "put TLS before it, and name the https:// address"));
    }
    findings.push(ask(&issuer, signer));
    findings
}

fn is_in_the_clear(issuer: &str) -> bool {
    let Some(rest) = issuer.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let address = if host.rsplit_once(']').unwrap_or(("", host)).1.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    !address.to_socket_addrs().is_ok_and(|mut all| all.all(|one| one.ip().is_loopback()))
}

fn ask(issuer: &str, signer: Option<&str>) -> Finding {
    let agent = agent(PATIENCE);
    let jwks = match get(&agent, &format!("{issuer}/.well-known/jwks.json")) {
        Ok(jwks) => jwks,
        Err(finding) => return finding,
    };
    let keys = jwks.get("keys").and_then(Value::as_array);
    let publishes = |kid: &str| keys.is_some_and(|keys| keys.iter().any(|key| says(key, "kid", kid)));
    if let Some(signer) = signer.filter(|signer| !publishes(signer)) {
        let message =
            format!("{issuer} does not publish {signer}, the key that signs here: another installation answers");
        return Finding::wrong(CHECK, message, "let the address lead to these servers, or correct --issuer");
    }
    // Where the issuer has a path, proxies differ in where they show this (RFC 8414 section 3).
    let has_path = issuer.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    if has_path {
        return Finding::good(CHECK, format!("{issuer} answers with this installation's keys"));
    }
    match get(&agent, &format!("{issuer}/.well-known/oauth-authorization-server")) {
        Ok(metadata) if says(&metadata, "issuer", issuer) => {
            Finding::good(CHECK, format!("{issuer} answers as itself, with this installation's keys"))
        }
        Ok(_) => {
            let message = format!("what answers at {issuer} was started with another --issuer");
            Finding::wrong(CHECK, message, "start all servers and commands with the same one")
        }
        Err(finding) => finding,
    }
}

fn says(object: &Value, member: &str, text: &str) -> bool {
    object.get(member).and_then(Value::as_str) == Some(text)
}

fn get(agent: &Agent, address: &str) -> Result<Value, Finding> {
    let mut answer = agent.get(address).call().map_err(|error| {
        let message = format!("{address} does not answer: {error}");
        Finding::warning(CHECK, message, "start patmint serve, or see the proxy and its certificate")
    })?;
    let status = answer.status().as_u16();
    let read = if status == 200 { answer.body_mut().read_json().ok() } else { None };
    read.ok_or_else(|| {
        let message = format!("{address} answers with {status}, and not with what patmint has there");
        Finding::wrong(CHECK, message, "let the address lead to patmint, or correct --issuer")
    })
}
