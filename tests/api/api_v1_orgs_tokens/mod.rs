//! `/api/v1/orgs/{org}/tokens`: everybody's tokens, for admins.

mod callers;
mod create;
mod list;
mod one;

use crate::support::{Answer, TestApp};

const PATH: &str = "/api/v1/orgs/acme/tokens";

fn list(app: &TestApp, bearer: &str, query: &str) -> Answer {
    app.get(&format!("{PATH}{query}")).bearer(bearer).send()
}

fn get(app: &TestApp, bearer: &str, id: &str) -> Answer {
    app.get(&format!("{PATH}/{id}")).bearer(bearer).send()
}

fn delete(app: &TestApp, bearer: &str, id: &str) -> Answer {
    app.delete(&format!("{PATH}/{id}")).bearer(bearer).send()
}
