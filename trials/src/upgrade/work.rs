//! What callers do all the time: each thing on each server, and what was changed on one is seen on all of them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};

use crate::{
    Failure,
    faults::{asked::Meanwhile, ensure, http::Caller, stage::Owner},
};

/// How many threads exchange on each server.
const EXCHANGING: usize = 2;

/// What a caller only reads.
const READ: [&str; 12] = [
    "/readyz",
    "/.well-known/jwks.json",
    "/revocations",
    "/statuslists/0",
    "/api/v1/session",
    "/api/v1/tokens",
    "/api/v1/users",
    "/api/v1/orgs",
    "/api/v1/orgs/acme/tokens",
    "/api/v1/orgs/acme/members",
    "/api/v1/orgs/acme/invitations",
    "/api/v1/orgs/acme/audit",
];

/// Somebody who manages, signed in once and for all.
pub(super) struct Session {
    text: String,
    token: String,
}

impl Session {
    pub(super) fn begin(address: SocketAddr, owner: &Owner) -> Result<Self, Failure> {
        Ok(Self { text: Caller::new(address).session(owner)?, token: owner.token.clone() })
    }
}

/// How often something was done, by its name.
type Done = BTreeMap<&'static str, usize>;

/// Callers on threads of their own.
pub(super) struct Crew {
    meanwhile: Meanwhile,
    threads: Vec<JoinHandle<Result<Done, Failure>>>,
}

impl Crew {
    /// Starts the callers of these servers.
    pub(super) fn start(servers: &[SocketAddr], session: &Session) -> Self {
        let meanwhile = Meanwhile::default();
        let (text, token) = (Arc::new(session.text.clone()), Arc::new(session.token.clone()));
        let mut threads = Vec::new();
        for (place, server) in servers.iter().enumerate() {
            for _ in 0..EXCHANGING {
                let (server, token, is_over) = (*server, token.clone(), meanwhile.is_over());
                threads.push(thread::spawn(move || exchanging(server, &token, &is_over)));
            }
            // The servers in the order in which this caller goes to them: its own first.
            let mut order = servers.to_vec();
            order.rotate_left(place);
            let (text, is_over) = (text.clone(), meanwhile.is_over());
            threads.push(thread::spawn(move || managing(&order, &text, &is_over)));
            let (server, text, is_over) = (*server, session.text.clone(), meanwhile.is_over());
            threads.push(thread::spawn(move || reading(server, &text, &is_over)));
        }
        Self { meanwhile, threads }
    }

    /// Ends them; what they did.
    ///
    /// # Errors
    /// The first answer that was not as it must be.
    pub(super) fn end(self) -> Result<String, Failure> {
        drop(self.meanwhile);
        let mut all = Done::new();
        for thread in self.threads {
            for (what, count) in thread.join().map_err(|_| "a caller panicked")?? {
                *all.entry(what).or_default() += count;
            }
        }
        let parts: Vec<_> = all.iter().map(|(what, count)| format!("{count} {what}")).collect();
        Ok(format!("{}; 0 errors", parts.join(", ")))
    }
}

fn exchanging(server: SocketAddr, token: &str, is_over: &impl Fn() -> bool) -> Result<Done, Failure> {
    let (caller, mut done) = (Caller::new(server), Done::new());
    while !is_over() {
        caller.exchange(token)?.good(200)?;
        *done.entry("exchanges").or_default() += 1;
    }
    Ok(done)
}

fn reading(server: SocketAddr, session: &str, is_over: &impl Fn() -> bool) -> Result<Done, Failure> {
    let (caller, mut done) = (Caller::new(server), Done::new());
    while !is_over() {
        for path in READ {
            caller.ask("GET", path, Some(session), None)?.good(200).map_err(|error| format!("GET {path}: {error}"))?;
            *done.entry("reads").or_default() += 1;
        }
    }
    Ok(done)
}

/// Makes, edits, rotates and revokes on the first server; all of them see it as soon as it was answered.
fn managing(servers: &[SocketAddr], session: &str, is_over: &impl Fn() -> bool) -> Result<Done, Failure> {
    let callers: Vec<_> = servers.iter().map(|server| Caller::new(*server)).collect();
    let first = callers.first().ok_or("a server")?;
    let mut done = Done::new();
    let sees = |token: &str, status: u16| {
        callers.iter().try_for_each(|caller| caller.exchange(token)?.good(status).map(|_| ()))
    };
    let change = |method: &str, path: &str, body: Value, status: u16| {
        let answer = first.ask(method, path, Some(session), (!body.is_null()).then_some(&body))?;
        answer.good(status).map_err(|error| Failure::from(format!("{method} {path}: {error}")))
    };
    while !is_over() {
        let (id, token) = first.created(session)?;
        sees(&token, 200)?;
        change("PATCH", &format!("/api/v1/tokens/{id}"), json!({ "permission": "read" }), 200)?;
        change(
            "PATCH",
            "/api/v1/orgs/acme/policy",
            json!({ "access_token_ttl": 200 + done.values().sum::<usize>() % 60 }),
            200,
        )?;
        let rotated = change("POST", &format!("/api/v1/tokens/{id}/rotate"), json!({}), 201)?;
        let (new, text) = (rotated.member("id")?, rotated.member("token")?);
        sees(&token, 401)?;
        sees(&text, 200)?;
        let before = head(first)?;
        first.revoke(session, &new)?.good(204)?;
        sees(&text, 401)?;
        for caller in &callers {
            let told = caller.get(&format!("/revocations?after={before}"))?.good(200)?;
            ensure(String::from_utf8_lossy(&told.body).contains(&new), || "the feed is silent".to_owned())?;
        }
        *done.entry("changes seen on all servers").or_default() += 5;
    }
    Ok(done)
}

/// The number up to which the feed is complete.
fn head(caller: &Caller) -> Result<i64, Failure> {
    let feed: Value = serde_json::from_slice(&caller.get("/revocations")?.good(200)?.body)?;
    feed.get("head").and_then(Value::as_i64).ok_or_else(|| "the feed has a head".into())
}
