//! Inviting.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use super::{keyed, refused};
use crate::support::{Answer, TestApp};

const PATH: &str = "/api/v1/orgs/acme/invitations";

fn secret(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let link = answer.json()["link"].as_str().expect("a link").to_owned();
    link.split_once('#').expect("a fragment").1.to_owned()
}

fn accept(app: &TestApp, secret: &str) -> u16 {
    let body = json!({ "token": secret, "password": "a password of the invited" });
    app.post("/api/v1/invitations/accept").json(&body).send().status
}

fn list(app: &TestApp) -> Value {
    app.get(PATH).bearer(&app.ada.sign_in(app)).send().json()["items"].clone()
}

#[test]
fn a_repeat_leads_to_the_same_invitation_with_a_fresh_link() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let body = json!({ "email": "bob@acme.example", "role": "admin", "groups": ["ops"] });
    let ask = || keyed(&app, &session, PATH, "one", &body);
    let first = ask();
    let mut repeat = None;
    let records = app.audited(|| repeat = Some(ask()));
    let repeat = repeat.unwrap();
    let actions: Vec<_> = records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(actions, ["invitation.renew_secret"]);
    assert_eq!(repeat.json()["id"], first.json()["id"]);
    assert_eq!(list(&app).as_array().unwrap().len(), 1);
    assert_eq!(accept(&app, &secret(&first)), 404, "the link that nobody saw");
    assert_eq!(accept(&app, &secret(&repeat)), 200);
    assert_eq!(refused(&ask()), (409, "invitation_accepted".to_owned()));
}

#[test]
fn one_that_was_withdrawn_stays_so() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let body = json!({ "email": "bob@acme.example", "role": "member" });
    let ask = || keyed(&app, &session, PATH, "one", &body);
    let id = ask().json()["id"].as_str().unwrap().to_owned();
    assert_eq!(app.delete(&format!("{PATH}/{id}")).bearer(&session).send().status, 204);
    assert_eq!(refused(&ask()), (409, "invitation_withdrawn".to_owned()));
    assert_eq!(list(&app)[0]["state"], "withdrawn");
}

#[test]
fn an_inviter_who_may_no_longer_invite_is_given_no_link() {
    let app = TestApp::new();
    let olga = app.member("olga", Role::Owner);
    let session = olga.sign_in(&app);
    let body = json!({ "email": "bob@acme.example", "role": "owner" });
    assert_eq!(keyed(&app, &session, PATH, "one", &body).status, 201);
    let member = format!("/api/v1/orgs/acme/members/{}", olga.id);
    let admin = json!({ "role": "admin" });
    assert_eq!(app.request("PATCH", &member).bearer(&app.ada.sign_in(&app)).json(&admin).send().status, 200);
    assert_eq!(refused(&keyed(&app, &session, PATH, "one", &body)), (403, "forbidden".to_owned()));
}
