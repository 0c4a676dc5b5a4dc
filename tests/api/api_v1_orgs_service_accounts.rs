//! `/api/v1/orgs/{org}/service-accounts`.

use patmint::domain::{clock::Clock as _, list::Target, membership::Role};
use serde_json::{Value, json};

use crate::support::{Answer, Credential, TestApp, claims};

const PATH: &str = "/api/v1/orgs/acme/service-accounts";

fn create(app: &TestApp, bearer: &str, body: &Value) -> Answer {
    app.post(PATH).bearer(bearer).json(body).send()
}

fn send(app: &TestApp, method: &str, id: &str, body: &Value) -> Answer {
    app.request(method, &format!("{PATH}/{id}")).bearer(&app.ada.sign_in(app)).json(body).send()
}

/// One with a credential.
fn with_credential(app: &TestApp) -> (String, Credential) {
    let made = create(app, &app.ada.sign_in(app), &json!({ "name": "ci", "groups": ["build"] })).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let body = json!({ "name": "of the robot", "owner_id": id });
    let token = app.post("/api/v1/orgs/acme/tokens").bearer(&app.ada.sign_in(app)).json(&body).send().json();
    let member = |name: &str| token[name].as_str().expect("a member").to_owned();
    let credential = Credential { id: member("id"), text: member("token") };
    (id, credential)
}

#[test]
fn an_admin_makes_and_sees_them() {
    let app = TestApp::new();
    let session = app.member("cora", Role::Admin).sign_in(&app);
    let mut answer = None;
    let records = app.audited(|| {
        let listed =
            app.listed(|| answer = Some(create(&app, &session, &json!({ "name": " ci ", "groups": ["build"] }))));
        assert!(listed.is_empty(), "nobody remembers what was not there: {listed:?}");
    });
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{}", answer.text());
    let made = answer.json();
    let id = made["id"].as_str().unwrap();
    let expected = json!({
        "id": id,
        "number": 3,
        "name": "ci",
        "groups": ["build"],
        "disabled": false,
        "created_at": app.clock.now(),
        "ended_at": null,
    });
    assert_eq!(made, expected);
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_deref()), ("service_account.create", Some(id)));
    let seen = app.get(answer.header("location").unwrap()).bearer(&session).send();
    assert_eq!((seen.status, seen.header("cache-control"), seen.json()), (200, Some("no-store"), made.clone()));
    let list = |query: &str| app.get(&format!("{PATH}{query}")).bearer(&session).send().json();
    assert_eq!(list(""), json!({ "items": [made], "next": null }), "and no people");
    create(&app, &session, &json!({ "name": "cd" }));
    let first = list("?limit=1");
    assert_eq!(first["items"][0]["name"], "cd");
    assert_eq!(list(&format!("?cursor={}", first["next"].as_str().unwrap()))["items"], json!([made]));
    let member = app.get("/api/v1/orgs/acme/members?kind=service_account&limit=1").bearer(&session).send().json();
    assert_eq!((&member["items"][0]["user"]["email"], &member["items"][0]["role"]), (&Value::Null, &json!("member")));
}

#[test]
fn an_edit_counts_at_once() {
    let app = TestApp::new();
    let (id, credential) = with_credential(&app);
    let access = credential.access(&app);
    assert_eq!(claims(&access)["groups"], json!(["build"]));
    let mut listed = Vec::new();
    let records = app.audited(|| {
        listed = app.listed(|| {
            let answer = send(&app, "PATCH", &id, &json!({ "name": "deploy", "groups": ["ops"] }));
            assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
            assert_eq!((&answer.json()["name"], &answer.json()["groups"]), (&json!("deploy"), &json!(["ops"])));
        });
    });
    assert_eq!(listed, [(Target::Member(app.organization_id.parse().unwrap(), id.parse().unwrap()), true)]);
    let mut actions: Vec<_> = records.iter().map(|record| record.action.as_str()).collect();
    actions.retain(|action| *action != "session.create");
    actions.sort_unstable();
    assert_eq!(actions, ["member.edit", "service_account.rename"]);
    assert_eq!(claims(&credential.access(&app))["groups"], json!(["ops"]));
    assert_eq!(app.get("/api/v1/session").bearer(&access).send().status, 401, "it names a group too many");
    let seen = send(&app, "PATCH", &id, &json!({ "name": "deploy" })).json();
    assert_eq!((&seen["name"], &seen["groups"]), (&json!("deploy"), &json!(["ops"])), "the rest stays");
}

#[test]
fn one_that_ends_gives_nothing_any_more() {
    let app = TestApp::new();
    let other = app.beside();
    let (id, credential) = with_credential(&app);
    let access = credential.access(&app);
    assert!(credential.is_alive(&other), "in memory");
    for _ in 0..2 {
        assert_eq!(send(&app, "DELETE", &id, &json!({})).status, 204);
    }
    assert_eq!([credential.is_alive(&app), credential.is_alive(&other)], [false, false]);
    assert_eq!(app.get("/api/v1/session").bearer(&access).send().status, 401);
    let seen = app.get(&format!("{PATH}/{id}")).bearer(&app.ada.sign_in(&app)).send();
    assert_eq!((seen.status, &seen.json()["ended_at"]), (200, &json!(app.clock.now())));
    assert_eq!(send(&app, "PATCH", &id, &json!({ "name": "again" })).status, 404);
}

#[test]
fn people_are_none_and_those_of_others_are_not_there() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let elsewhere = app.owner_of("Evil", "eve").sign_in(&app);
    let body = json!({ "name": "spy" });
    let foreign = app.post("/api/v1/orgs/evil/service-accounts").bearer(&elsewhere).json(&body).send().json();
    for id in [bob.id.as_str(), foreign["id"].as_str().unwrap(), "nobody"] {
        for method in ["GET", "PATCH", "DELETE"] {
            let answer = send(&app, method, id, &body);
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{method} {id}");
        }
    }
}

#[test]
fn what_cannot_be_is_named() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let made = create(&app, &session, &json!({ "name": "ci" })).json();
    for (method, body, detail) in [
        ("POST", json!({}), "name is required"),
        ("POST", json!({ "name": "" }), "name must have"),
        ("POST", json!({ "name": "a", "groups": [""] }), "groups must be at most 50"),
        ("POST", json!({ "name": "a", "password": "b" }), "request has an unknown member"),
        ("PATCH", json!({}), "request must have at least one of name, groups"),
        ("PATCH", json!({ "name": null }), "name has the wrong type"),
        ("PATCH", json!({ "groups": ["a", "a"] }), "groups must be at most 50"),
        ("PATCH", json!({ "role": "admin" }), "request has an unknown member"),
    ] {
        let answer = match method {
            "POST" => create(&app, &session, &body),
            _ => send(&app, method, made["id"].as_str().unwrap(), &body),
        };
        let found = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 422 && found.starts_with(detail), "{method} {body}: {} {found}", answer.status);
    }
}
