//! What servers answered of tokens, and whether it still holds.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{asked::pass, ensure, http::Caller};
use crate::Failure;

/// How long a server may say 503 in the end.
const PATIENCE: Duration = Duration::from_secs(20);

/// How far the revocation of a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revocation {
    Unasked,
    Asked,
    /// Since then no server may grant the token.
    Answered(Instant),
}

/// A token whose creation was answered.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) revocation: Revocation,
}

/// Each token by its place, and which answers about it were wrong.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) tokens: Vec<Token>,
    /// Exchanges that began after the answer to a revocation, and were granted.
    pub(super) late: Vec<usize>,
    /// Exchanges of a live token that were refused as unknown.
    pub(super) missing: Vec<usize>,
    /// Other answers that should not be.
    pub(super) odd: BTreeMap<String, usize>,
}

/// What does not hold in the end.
pub(super) struct Lost {
    pub(super) creations: Vec<usize>,
    pub(super) revocations: Vec<usize>,
}

impl Lost {
    pub(super) fn contains(&self, place: usize) -> bool {
        self.creations.contains(&place) || self.revocations.contains(&place)
    }

    pub(super) fn count(&self) -> usize {
        self.creations.len() + self.revocations.len()
    }
}

impl Ledger {
    pub(super) fn note(&mut self, what: String) {
        *self.odd.entry(what).or_default() += 1;
    }

    pub(super) fn set(&mut self, place: usize, revocation: Revocation) {
        if let Some(token) = self.tokens.get_mut(place) {
            token.revocation = revocation;
        }
    }

    /// The ids of the tokens whose revocation was answered, but for these.
    pub(super) fn revoked(&self, but: &Lost) -> Vec<String> {
        let is_meant = |(place, token): &(usize, &Token)| {
            matches!(token.revocation, Revocation::Answered(_)) && !but.contains(*place)
        };
        self.tokens.iter().enumerate().filter(is_meant).map(|(_, token)| token.id.clone()).collect()
    }

    /// Asks each server about each token.
    ///
    /// # Errors
    /// If a server does not answer.
    pub(super) fn lost(&self, servers: &[SocketAddr]) -> Result<Lost, Failure> {
        let mut lost = Lost { creations: Vec::new(), revocations: Vec::new() };
        for caller in servers.iter().copied().map(Caller::new) {
            for (place, token) in self.tokens.iter().enumerate() {
                let status = settled(&caller, token).map_err(|error| format!("{}: {error}", caller.address()))?;
                match (token.revocation, status) {
                    (Revocation::Unasked, 200) | (Revocation::Asked, 200 | 401) | (Revocation::Answered(_), 401) => {}
                    (Revocation::Unasked, 401) => lost.creations.push(place),
                    (Revocation::Answered(_), 200) => lost.revocations.push(place),
                    (_, status) => return Err(format!("{status} for {}", token.id).into()),
                }
            }
        }
        for places in [&mut lost.creations, &mut lost.revocations] {
            places.sort_unstable();
            places.dedup();
        }
        Ok(lost)
    }
}

/// The status of an exchange once it is no 503.
fn settled(caller: &Caller, token: &Token) -> Result<u16, Failure> {
    let began = Instant::now();
    loop {
        match caller.exchange(&token.text)?.status {
            503 => ensure(began.elapsed() < PATIENCE, || format!("503 for {PATIENCE:?}"))?,
            status => return Ok(status),
        }
        pass(Duration::from_millis(10));
    }
}
