//! `Idempotency-Key`: a request that is sent again makes nothing twice.

mod invitations;
mod key;
mod places;
mod races;
mod rotate;
mod tokens;

use serde_json::Value;

use crate::support::{Answer, Credential, TestApp};

const TOKENS: &str = "/api/v1/tokens";

/// Asks with a key.
fn keyed(app: &TestApp, bearer: &str, path: &str, key: &str, body: &Value) -> Answer {
    app.post(path).bearer(bearer).header("idempotency-key", key).json(body).send()
}

fn made(answer: &Answer) -> Credential {
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{}", answer.text());
    let member = |name: &str| answer.json()[name].as_str().expect("a member").to_owned();
    Credential { id: member("id"), text: member("token") }
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

/// How many of one's own tokens there are.
fn count(app: &TestApp, bearer: &str) -> usize {
    app.get(TOKENS).bearer(bearer).send().json()["items"].as_array().unwrap().len()
}
