//! One caller: every answer is an answer, whatever its status.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ureq::{Agent, http};

use super::stage::Owner;
use crate::Failure;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Caller {
    agent: Agent,
    address: SocketAddr,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) has_retry_after: bool,
    pub(crate) took: Duration,
    pub(crate) body: Vec<u8>,
}

impl Caller {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        Self { agent: Agent::new_with_config(config.build()), address }
    }

    /// Whom it asks.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// # Errors
    /// If no answer comes.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        session: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let mut request = http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(session) = session {
            request = request.header("authorization", format!("Bearer {session}"));
        }
        if method == "PATCH" {
            request = request.header("if-match", "*");
        }
        let began = Instant::now();
        let response = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string())?)?
            }
            None => self.agent.run(request.body(())?)?,
        };
        let (parts, mut body) = response.into_parts();
        let body = body.read_to_vec()?;
        let has_retry_after = parts.headers.contains_key("retry-after");
        Ok(Answer { status: parts.status.as_u16(), has_retry_after, took: began.elapsed(), body })
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.ask("GET", path, None, None)
    }

    pub(crate) fn exchange(&self, token: &str) -> Result<Answer, Failure> {
        self.ask("POST", "/api/token/refresh", None, Some(&json!({ "refresh": token })))
    }

    pub(crate) fn create(&self, session: &str) -> Result<Answer, Failure> {
        self.ask("POST", "/api/v1/tokens", Some(session), Some(&json!({ "name": "trial" })))
    }

    pub(crate) fn revoke(&self, session: &str, id: &str) -> Result<Answer, Failure> {
        self.ask("DELETE", &format!("/api/v1/tokens/{id}"), Some(session), None)
    }

    /// A session, for as many credentials as one likes.
    pub(crate) fn session(&self, owner: &Owner) -> Result<String, Failure> {
        let body = json!({ "email": owner.email, "password": owner.password });
        let session = self.ask("POST", "/api/v1/session", None, Some(&body))?.good(201)?.member("session_token")?;
        let policy = json!({ "max_tokens_per_user": 100_000 });
        self.ask("PATCH", "/api/v1/orgs/acme/policy", Some(&session), Some(&policy))?.good(200)?;
        Ok(session)
    }

    /// A new credential: its id and its text.
    pub(crate) fn created(&self, session: &str) -> Result<(String, String), Failure> {
        let made = self.create(session)?.good(201)?;
        Ok((made.member("id")?, made.member("token")?))
    }
}

impl Answer {
    /// Itself, if it has the status `wanted`.
    pub(crate) fn good(self, wanted: u16) -> Result<Self, Failure> {
        if self.status == wanted {
            return Ok(self);
        }
        Err(format!("{} instead of {wanted}: {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }

    /// A text in its body.
    pub(crate) fn member(&self, name: &str) -> Result<String, Failure> {
        let body: Value = serde_json::from_slice(&self.body)?;
        let text = body.get(name).and_then(Value::as_str).ok_or_else(|| format!("an answer without {name}"))?;
        Ok(text.to_owned())
    }
}
