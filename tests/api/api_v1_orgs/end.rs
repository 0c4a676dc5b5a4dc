//! `DELETE /api/v1/orgs/{org}`: nothing of it counts any more, at once and for good.

use patmint::domain::{list::Target, membership::Role};
use serde_json::json;

use super::{end, found, get};
use crate::support::{Options, TestApp};

fn status(app: &TestApp, bearer: &str) -> u16 {
    app.get("/api/v1/session").bearer(bearer).send().status
}

#[test]
fn its_credentials_are_refused_at_once_everywhere() {
    let app = TestApp::new();
    let other = app.beside();
    let bob = app.member("bob", Role::Member);
    let (of_bob, session) = (bob.credential(&app, &json!({ "name": "laptop" })), bob.sign_in(&app));
    let abroad = app.owner_of("Evil", "eve").credential(&app, &json!({ "name": "abroad" }));
    let (access, foreign) = (of_bob.access(&app), abroad.access(&app));
    assert!(of_bob.is_alive(&other) && app.pat.is_alive(&other) && abroad.is_alive(&other), "all are in memory");
    assert_eq!(end(&app, &app.ada.sign_in(&app), "acme").status, 204);
    for server in [&app, &other] {
        assert_eq!([of_bob.is_alive(server), app.pat.is_alive(server), app.jwt.is_alive(server)], [false; 3]);
        assert_eq!(status(server, &of_bob.text), 401);
        assert!(abroad.is_alive(server), "others are not meant");
    }
    assert_eq!([status(&app, &access), status(&app, &foreign)], [401, 200]);
    let seen = app.get("/api/v1/session").bearer(&session).send();
    assert_eq!((seen.status, &seen.json()["memberships"]), (200, &json!([])), "people stay, memberships end");
    assert_eq!(app.post("/api/v1/tokens").bearer(&session).json(&json!({ "name": "a" })).send().status, 403);
}

#[test]
fn services_that_follow_are_told() {
    let app = TestApp::new();
    let feed = || app.get("/revocations?after=0").send().json();
    let before = feed()["head"].as_i64().unwrap();
    assert_eq!(end(&app, &app.ada.sign_in(&app), "acme").status, 204);
    let entries = feed()["entries"].clone();
    let [entry] = entries.as_array().unwrap().as_slice() else { panic!("{entries}") };
    assert_eq!(entry["organization"], json!(app.organization_id));
    assert!(entry["seq"].as_i64().unwrap() > before && entry["user"].is_null() && entry["credential"].is_null());
}

#[test]
fn nothing_brings_its_credentials_back() {
    let mut app = TestApp::new();
    assert_eq!(end(&app, &app.ada.sign_in(&app), "acme").status, 204);
    // No endpoint does this.
    app.execute("UPDATE memberships SET ended_at = NULL");
    app.restart(Options::default());
    let list = app.get("/api/v1/tokens").bearer(&app.ada.sign_in(&app)).send().json();
    let states: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["state"].clone()).collect();
    assert_eq!(states, ["revoked", "revoked"]);
    assert!(!app.pat.is_alive(&app));
}

#[test]
fn to_its_members_it_is_gone_and_an_operator_sees_when_it_ended() {
    let app = TestApp::new();
    let beta = found(&app, "Beta");
    let bob = app.member("bob", Role::Owner);
    app.join(&bob, &beta);
    let (operator, session) = (app.ada.sign_in(&app), bob.sign_in(&app));
    assert_eq!(end(&app, &operator, &beta).status, 204);
    for name in ["beta", &beta] {
        assert_eq!([get(&app, &session, name).status, end(&app, &session, name).status], [404, 404]);
        let seen = get(&app, &operator, name).json();
        assert!(!seen["ended_at"].is_null() && seen["role"].is_null(), "{seen}");
        assert_eq!(end(&app, &operator, name).status, 404, "it has no owner any more");
    }
    assert_eq!(get(&app, &session, "acme").status, 200);
}

#[test]
fn it_is_written_down() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let mut listed = Vec::new();
    let records = app.audited(|| listed = app.listed(|| assert_eq!(end(&app, &session, "acme").status, 204)));
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("organization.end", Some(&app.organization_id)));
    assert_eq!(record.actor_user_id.map(|id| id.to_string()), Some(app.ada.id.clone()));
    assert_eq!(listed, [(Target::Organization(app.organization_id.parse().unwrap()), true)]);
}
