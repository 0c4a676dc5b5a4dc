//! A plain HTTP client: every answer is an answer, whatever its status.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use ureq::{Agent, http};

use super::documented;

/// A request being put together.
#[must_use]
pub struct Request {
    agent: Agent,
    method: String,
    path: String,
    builder: http::request::Builder,
    body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
}

pub fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_mins(1)));
    Agent::new_with_config(config.build())
}

impl Request {
    pub fn new(agent: &Agent, address: SocketAddr, method: &str, path: &str) -> Self {
        let builder = http::Request::builder().method(method).uri(format!("http://{address}{path}"));
        Self { agent: agent.clone(), method: method.to_owned(), path: path.to_owned(), builder, body: Vec::new() }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// A header of any bytes, whether they are text or not.
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body = serde_urlencoded::to_string(pairs).unwrap();
        self.text("application/x-www-form-urlencoded", &body)
    }

    pub fn text(mut self, media_type: &str, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self.header("content-type", media_type)
    }

    /// Sends it; a request that gets no answer is a failed test.
    pub fn send(self) -> Answer {
        self.try_send().expect("an answer")
    }

    pub fn try_send(self) -> Result<Answer, ureq::Error> {
        let response = if self.body.is_empty() {
            self.agent.run(self.builder.body(()).expect("a request"))?
        } else {
            self.agent.run(self.builder.body(self.body).expect("a request"))?
        };
        let (parts, mut body) = response.into_parts();
        let body = body.read_to_vec()?;
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        documented::hold(&self.method, &self.path, &answer);
        Ok(answer)
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a readable header"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON, not {:?}", self.text()))
    }

    /// The `code` of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}
