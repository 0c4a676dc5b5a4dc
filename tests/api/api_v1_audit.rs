//! `GET /api/v1/audit`: what was done that belongs to no organization, for operators.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use crate::support::TestApp;

fn entries(app: &TestApp, bearer: &str, query: &str) -> Vec<(String, Value)> {
    let answer = app.get(&format!("/api/v1/audit{query}")).bearer(bearer).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let items = answer.json()["items"].as_array().unwrap().clone();
    items.into_iter().map(|item| (item["action"].as_str().unwrap().to_owned(), item["subject_id"].clone())).collect()
}

#[test]
fn it_has_what_operators_do_to_users_and_keys_and_nothing_of_an_organization() {
    let app = TestApp::new();
    // Ada is an operator.
    let (bob, session) = (app.member("bob", Role::Member), app.ada.sign_in(&app));
    let disable = format!("/api/v1/users/{}/disable", bob.id);
    assert_eq!(app.post(&disable).bearer(&session).send().status, 200);
    let key = app.wait_for(app.command().keys.rotate(None, false)).expect("a new key");
    let made = app.post("/api/v1/tokens").bearer(&session).json(&json!({ "name": "laptop" })).send();
    assert_eq!(made.status, 201);
    let found = entries(&app, &session, "");
    let mut expected = vec![("key.rotate".to_owned(), json!(key.kid)), ("user.disable".to_owned(), json!(bob.id))];
    // Of one moment: in either order.
    expected.sort_by_key(|(action, _)| found.first().map(|(first, _)| first) != Some(action));
    assert_eq!(found, expected);
    assert_eq!(entries(&app, &session, &format!("?subject={}", key.kid)).len(), 1);
    assert_eq!(entries(&app, &session, "?action=user.disable").len(), 1);
}

#[test]
fn the_sign_in_of_somebody_who_is_in_no_organization_is_here() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    app.end_membership(&bob);
    bob.sign_in(&app);
    let session = app.ada.sign_in(&app);
    let actions: Vec<_> = entries(&app, &session, "").into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["session.create"]);
}

#[test]
fn pages_follow_each_other() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for name in ["bob", "cora", "dora"] {
        let path = format!("/api/v1/users/{}/disable", app.member(name, Role::Member).id);
        assert_eq!(app.post(&path).bearer(&session).send().status, 200);
    }
    let first = app.get("/api/v1/audit?limit=2").bearer(&session).send().json();
    let next = first["next"].as_str().expect("another page");
    let second = app.get(&format!("/api/v1/audit?limit=2&cursor={next}")).bearer(&session).send().json();
    let subjects = |page: &Value| {
        page["items"].as_array().unwrap().iter().map(|item| item["subject_id"].to_string()).collect::<Vec<_>>()
    };
    let mut all = [subjects(&first), subjects(&second)].concat();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), &second["next"]), (3, &Value::Null));
}
