//! `/api/v1/orgs/{org}/invitations` and `/api/v1/invitations/accept`.

mod accept;
mod back;
mod create;
mod dead;
mod void;

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const PATH: &str = "/api/v1/orgs/acme/invitations";
const PASSWORD: &str = "a password of the invited";

fn create(app: &TestApp, bearer: &str, body: &Value) -> Answer {
    app.post(PATH).bearer(bearer).json(body).send()
}

/// Ada invites this address; the id and the secret of the invitation.
fn invite(app: &TestApp, email: &str, role: &str) -> (String, String) {
    let answer = create(app, &app.ada.sign_in(app), &json!({ "email": email, "role": role }));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json();
    let link = made["link"].as_str().expect("a link");
    let secret = link.split_once('#').expect("a fragment").1.to_owned();
    (made["id"].as_str().unwrap().to_owned(), secret)
}

/// Accepts as nobody yet.
fn accept(app: &TestApp, secret: &str) -> Answer {
    app.post("/api/v1/invitations/accept").json(&json!({ "token": secret, "password": PASSWORD })).send()
}

/// Accepts as somebody.
fn accept_as(app: &TestApp, bearer: &str, secret: &str) -> Answer {
    app.post("/api/v1/invitations/accept").bearer(bearer).json(&json!({ "token": secret })).send()
}

fn withdraw(app: &TestApp, bearer: &str, id: &str) -> Answer {
    app.delete(&format!("{PATH}/{id}")).bearer(bearer).send()
}

fn list(app: &TestApp, bearer: &str) -> Value {
    app.get(PATH).bearer(bearer).send().json()["items"].clone()
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
}
