//! A server that runs, and a client of it.

use std::net::SocketAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ureq::Agent;

use super::{
    client::{self, Answer, Request},
    place::Owner,
    program::{Finished, Running},
};

/// Asks one server; may be cloned for other threads.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    agent: Agent,
}

/// A running server; killed when dropped.
pub struct Server {
    pub client: Client,
    running: Running,
}

impl Server {
    /// Waits until it listens.
    pub fn of(mut running: Running) -> Self {
        let said = running.err.line_with("listening on http://");
        let line = said.unwrap_or_else(|| panic!("it does not come up: {}", running.err.read_to_end()));
        let (_, rest) = line.split_once("listening on http://").unwrap();
        let address = rest.split_whitespace().next().unwrap().parse().expect("an address");
        Self { client: Client::new(address), running }
    }

    /// Tells it to stop, and lets it run on.
    pub fn terminate(&self) {
        self.running.terminate();
    }

    pub fn finish(self) -> Finished {
        self.running.finish()
    }

    /// SIGTERM, and a good end.
    #[track_caller]
    pub fn stop(self) -> Finished {
        self.terminate();
        let finished = self.finish();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        finished
    }

    /// Waits for a line of the log that contains `wanted`.
    #[track_caller]
    pub fn logs(&mut self, wanted: &str) -> String {
        self.running.err.line_with(wanted).unwrap_or_else(|| panic!("it never says {wanted}"))
    }

    /// The names of its threads, as far as the system keeps them (15 bytes).
    pub fn threads(&self) -> Vec<String> {
        self.running.threads()
    }

    pub fn kill(self) -> Finished {
        self.running.kill()
    }

    /// Its memory, in KiB: `VmRSS` (resident now) or `VmHWM` (at the most so far).
    pub fn memory(&self, name: &str) -> u64 {
        let status = self.running.status();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap().trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// The lines on standard output so far and up to one with `wanted`.
    pub fn stdout_to(&mut self, wanted: &str) -> String {
        let out = self.running.out.as_mut().unwrap();
        out.line_with(wanted).unwrap_or_else(|| panic!("no {wanted}"));
        out.seen().to_owned()
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, agent: client::agent() }
    }

    /// The same server, over connections of its own.
    pub fn with_own_connections(&self) -> Self {
        Self::new(self.address)
    }

    /// Whether it answers; `None` if not.
    pub fn alive(&self) -> Option<()> {
        self.request("GET", "/livez").try_send().ok().map(|_| ())
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.agent, self.address, method, path)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// Exchanges `token`; no answer is no failure.
    pub fn try_exchange(&self, token: &str) -> Option<Answer> {
        self.request("POST", "/api/token/refresh").json(&json!({ "refresh": token })).try_send().ok()
    }

    /// Whether `token` is exchanged. Neither yes nor no is a failure.
    #[track_caller]
    pub fn exchanges(&self, token: &str) -> bool {
        let answer = self.try_exchange(token).expect("an answer");
        assert!([200, 401].contains(&answer.status), "{} {}", answer.status, answer.text());
        answer.status == 200
    }

    pub fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.request("POST", "/api/v1/session").json(&json!({ "email": email, "password": password })).send()
    }

    /// A session of `owner`.
    pub fn session(&self, owner: &Owner) -> String {
        let answer = self.sign_in(&owner.email, &owner.password);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["session_token"].as_str().unwrap().to_owned()
    }

    /// Lets the owner have more credentials than any test makes.
    pub fn allow_many(&self, session: &str) {
        let policy = self.request("PATCH", "/api/v1/orgs/acme/policy").bearer(session);
        let policy = policy.header("if-match", "*").json(&json!({ "max_tokens_per_user": 100_000 })).send();
        assert_eq!(policy.status, 200, "{}", policy.text());
    }

    pub fn try_create(&self, session: &str) -> Option<Answer> {
        self.request("POST", "/api/v1/tokens").bearer(session).json(&json!({ "name": "test" })).try_send().ok()
    }

    /// A new credential.
    pub fn create(&self, session: &str) -> Value {
        let answer = self.try_create(session).expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    pub fn try_revoke(&self, session: &str, id: &str) -> Option<Answer> {
        self.request("DELETE", &format!("/api/v1/tokens/{id}")).bearer(session).try_send().ok()
    }
}

/// What the access token in this answer says.
pub fn claims(answer: &Answer) -> Value {
    part(answer, 1)
}

/// The header of the access token in this answer.
pub fn header(answer: &Answer) -> Value {
    part(answer, 0)
}

fn part(answer: &Answer, index: usize) -> Value {
    let access = answer.json()["access"].as_str().expect("an access token").to_owned();
    let part = access.split('.').nth(index).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
