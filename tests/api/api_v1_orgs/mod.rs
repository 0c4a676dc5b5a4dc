//! `/api/v1/orgs` and `/api/v1/orgs/{org}`.

mod create;
mod end;
mod list;
mod rename;

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const PATH: &str = "/api/v1/orgs";

fn create(app: &TestApp, bearer: &str, body: &Value) -> Answer {
    app.post(PATH).bearer(bearer).json(body).send()
}

/// Founds an organization as Ada, who is an operator; its id.
fn found(app: &TestApp, name: &str) -> String {
    let answer = create(app, &app.ada.sign_in(app), &json!({ "name": name }));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn get(app: &TestApp, bearer: &str, name: &str) -> Answer {
    app.get(&format!("{PATH}/{name}")).bearer(bearer).send()
}

fn end(app: &TestApp, bearer: &str, name: &str) -> Answer {
    app.delete(&format!("{PATH}/{name}")).bearer(bearer).send()
}
