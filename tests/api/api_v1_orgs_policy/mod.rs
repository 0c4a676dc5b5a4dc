//! `/api/v1/orgs/{org}/policy`.

mod change;
mod effect;
mod standing;

use serde_json::Value;

use crate::support::{Answer, TestApp};

const PATH: &str = "/api/v1/orgs/acme/policy";

/// A change by `bearer` with this `If-Match`.
fn patch(app: &TestApp, bearer: &str, if_match: &str, body: &Value) -> Answer {
    app.request("PATCH", PATH).bearer(bearer).header("if-match", if_match).json(body).send()
}
