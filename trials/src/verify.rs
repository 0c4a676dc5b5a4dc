//! A service that verifies access tokens by patmint's own crate, and keeps the published keys as long as it may.

use std::{
    collections::BTreeMap,
    io::stdin,
    time::{Duration, Instant},
};

use patmint::domain::clock::{Clock as _, SystemClock};
use patmint_verifier::{KeyCache, KeySet, Verifier};
use serde_json::json;

use crate::Failure;

/// What the service is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The address of the patmint; also the audience
    #[arg(long)]
    issuer: String,
    /// How long it keeps the published keys
    #[arg(long, value_name = "SECONDS")]
    max_age: u64,
}

/// Verifies each line of standard input, and says at the end how many were good and why the others were refused.
///
/// # Errors
/// If the keys cannot be fetched or read.
#[expect(clippy::print_stdout, reason = "the result")]
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { issuer, max_age } = arguments;
    let published = format!("{issuer}/.well-known/jwks.json");
    let verifier = Verifier { audience: issuer.clone(), issuer, leeway: 0 };
    let mut cache = KeyCache::new(Duration::from_secs(max_age));
    let (mut good, mut refused) = (0_u64, BTreeMap::<String, u64>::new());
    for line in stdin().lines() {
        let (token, now) = (line?, Instant::now());
        if cache.should_fetch(&token, now) {
            let keys = ureq::get(&published).call()?.body_mut().read_to_vec()?;
            cache.put(KeySet::from_json(&keys)?, now);
        }
        match verifier.verify(cache.keys(), &token, SystemClock.now().unix_seconds()) {
            Ok(_) => good += 1,
            Err(refusal) => *refused.entry(refusal.to_string()).or_default() += 1,
        }
    }
    println!("{}", json!({ "good": good, "refused": refused }));
    Ok(())
}
