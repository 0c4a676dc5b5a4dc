use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    Failure,
    load::{Connection, request},
    seed::Owner,
};

/// The management API of one server, for its owner.
pub(super) struct Api {
    address: SocketAddr,
    connection: Connection,
    session: String,
    /// How often a server said 503.
    pub(super) busy: usize,
}

/// How often a server is asked that says 503; each takes a second.
const TRIES: usize = 10;

/// A change that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    /// When.
    pub(super) at: Instant,
    /// After how long.
    pub(super) after: Duration,
}

/// A credential that a change is about.
pub(super) struct Victim {
    pub(super) id: String,
    pub(super) token: String,
}

impl Api {
    pub(super) async fn sign_in(address: SocketAddr, owner: &Owner) -> Result<Self, Failure> {
        let mut connection = Connection::open(address).await?;
        let body = json!({ "email": owner.email, "password": owner.password.expose_secret() }).to_string();
        let answer = connection.send(&request("POST", "/api/v1/session", "", &body)).await?;
        let made: Value = serde_json::from_slice(answer.body)?;
        let session = made["session_token"].as_str().ok_or("no session")?.to_owned();
        Ok(Self { address, connection, session, busy: 0 })
    }

    /// Sends a request that must succeed, and reads the answer. A server that is too busy is asked again.
    async fn send(&mut self, method: &str, path: &str, body: &Value) -> Result<(Answered, Value), Failure> {
        for _ in 0..TRIES {
            if let Some(done) = self.try_send(method, path, body).await? {
                return Ok(done);
            }
            self.busy += 1;
        }
        Err(format!("{method} {path}: 503, {TRIES} times").into())
    }

    /// `None` = 503.
    async fn try_send(&mut self, method: &str, path: &str, body: &Value) -> Result<Option<(Answered, Value)>, Failure> {
        let headers = format!("authorization: Bearer {}\r\nif-match: *\r\n", self.session);
        let request = request(method, path, &headers, &if body.is_null() { String::new() } else { body.to_string() });
        let begun = Instant::now();
        let answer = self.connection.send(&request).await?;
        let at = Instant::now();
        if answer.status == 503 {
            return Ok(None);
        }
        if !(200..300).contains(&answer.status) {
            let said = String::from_utf8_lossy(answer.body).into_owned();
            return Err(format!("{method} {path}: {} {said}", answer.status).into());
        }
        let (closes, value) = (answer.closes, serde_json::from_slice(answer.body).unwrap_or_default());
        if closes {
            self.connection = Connection::open(self.address).await?;
        }
        Ok(Some((Answered { at, after: at - begun }, value)))
    }

    /// Lets the owner have as many tokens as a trial needs.
    pub(super) async fn lift_limits(&mut self) -> Result<(), Failure> {
        self.policy(&json!({ "max_tokens_per_user": 100_000 })).await.map(|_| ())
    }

    pub(super) async fn policy(&mut self, patch: &Value) -> Result<Answered, Failure> {
        Ok(self.send("PATCH", "/api/v1/orgs/trials/policy", patch).await?.0)
    }

    pub(super) async fn create(&mut self) -> Result<Victim, Failure> {
        let (_, made) = self.send("POST", "/api/v1/tokens", &json!({ "name": "victim" })).await?;
        let member = |name: &str| made[name].as_str().map(str::to_owned).ok_or("a credential has an id and a text");
        Ok(Victim { id: member("id")?, token: member("token")? })
    }

    pub(super) async fn revoke(&mut self, id: &str) -> Result<Answered, Failure> {
        Ok(self.send("DELETE", &format!("/api/v1/tokens/{id}"), &Value::Null).await?.0)
    }

    pub(super) async fn narrow(&mut self, id: &str) -> Result<Answered, Failure> {
        Ok(self.send("PATCH", &format!("/api/v1/tokens/{id}"), &json!({ "permission": "read" })).await?.0)
    }

    /// The number up to which the feed is complete.
    pub(super) async fn head(&mut self) -> Result<i64, Failure> {
        let (_, feed) = self.send("GET", &format!("/revocations?after={}", i64::MAX), &Value::Null).await?;
        feed["head"].as_i64().ok_or_else(|| "the feed has a head".into())
    }
}
