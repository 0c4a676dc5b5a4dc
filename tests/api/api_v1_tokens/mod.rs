//! `/api/v1/tokens`.

mod callers;
mod create;
mod edit;
mod filter;
mod invalid;
mod limit;
mod list;
mod one;
mod organizations;
mod overlap;
mod rotate;
mod token_management;
mod usage;

use serde_json::Value;

use crate::support::{Answer, TestApp};

const PATH: &str = "/api/v1/tokens";

/// Creates with any bearer of rights.
fn create(app: &TestApp, bearer: &str, body: &Value) -> Answer {
    app.post(PATH).bearer(bearer).json(body).send()
}

fn get(app: &TestApp, bearer: &str, id: &str) -> Answer {
    app.get(&format!("{PATH}/{id}")).bearer(bearer).send()
}

fn patch(app: &TestApp, bearer: &str, id: &str, body: &Value) -> Answer {
    app.request("PATCH", &format!("{PATH}/{id}")).bearer(bearer).json(body).send()
}

fn delete(app: &TestApp, bearer: &str, id: &str) -> Answer {
    app.delete(&format!("{PATH}/{id}")).bearer(bearer).send()
}

/// The credential behind a token that `bootstrap` made.
fn id_of(app: &TestApp, bearer: &str, name: &str) -> String {
    let all = app.get(PATH).bearer(bearer).send().json();
    let found = all["items"].as_array().unwrap().iter().find(|item| item["name"] == name);
    found.expect("a token of this name")["id"].as_str().unwrap().to_owned()
}
