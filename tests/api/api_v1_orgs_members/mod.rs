//! `/api/v1/orgs/{org}/members` and `/api/v1/orgs/{org}/members/{user}`.

mod edit;
mod end;
mod groups;
mod list;
mod owners;

use serde_json::Value;

use crate::support::{Answer, Person, TestApp};

const PATH: &str = "/api/v1/orgs/acme/members";

fn list(app: &TestApp, bearer: &str, query: &str) -> Answer {
    app.get(&format!("{PATH}{query}")).bearer(bearer).send()
}

fn patch(app: &TestApp, bearer: &str, person: &Person, body: &Value) -> Answer {
    app.request("PATCH", &format!("{PATH}/{}", person.id)).bearer(bearer).json(body).send()
}

fn end(app: &TestApp, bearer: &str, person: &Person) -> Answer {
    app.delete(&format!("{PATH}/{}", person.id)).bearer(bearer).send()
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
}
