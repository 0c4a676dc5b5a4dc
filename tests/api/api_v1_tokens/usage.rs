//! `GET {id}/usage`: how a token was used, for its owner and, under `/api/v1/orgs`, for admins.

use patmint::domain::{clock::Clock as _, ids::CredentialId, membership::Role, random::SystemRandomness};
use serde_json::{Value, json};

use super::PATH;
use crate::support::{Credential, Options, TestApp, days};

fn path(id: &str) -> String {
    format!("{PATH}/{id}/usage")
}

fn org_path(id: &str) -> String {
    format!("/api/v1/orgs/acme/tokens/{id}/usage")
}

fn ask(app: &TestApp, own: &Credential, scope: &str) -> u16 {
    app.post("/api/token/refresh").json(&json!({ "refresh": own.text, "scope": scope })).send().status
}

#[test]
fn it_is_told_by_day_and_outcome_newest_first() {
    let mut app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "laptop" }));
    assert_eq!([ask(&app, &own, "read"), ask(&app, &own, "admin"), ask(&app, &own, "read")], [200, 400, 200]);
    app.clock.advance(days(2));
    assert_eq!(ask(&app, &own, "read"), 200);
    // What was gathered is written when a server stops.
    app.restart(Options::default());
    let expected = json!({ "days": [
        { "day": "2026-11-23", "outcomes": { "granted": 1 } },
        { "day": "2026-11-21", "outcomes": { "granted": 2, "scope_exceeded": 1 } },
    ] });
    for (bearer, path) in [(bob.sign_in(&app), path(&own.id)), (app.ada.sign_in(&app), org_path(&own.id))] {
        let answer = app.get(&path).bearer(&bearer).send();
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{path}");
        assert_eq!(answer.json(), expected, "{path}");
    }
    app.clock.advance(days(89));
    let shown = |app: &TestApp| app.get(&path(&own.id)).bearer(&bob.sign_in(app)).send().json()["days"].clone();
    assert_eq!(shown(&app).as_array().unwrap().len(), 1, "ninety days");
    app.clock.advance(days(1));
    assert_eq!(shown(&app), json!([]));
}

#[test]
fn only_its_owner_and_admins_are_told() {
    let app = TestApp::new();
    let (bob, eve) = (app.member("bob", Role::Member), app.owner_of("Evil", "eve"));
    let own = bob.credential(&app, &json!({ "name": "laptop" }));
    let restricted = bob.credential(&app, &json!({ "name": "restricted", "scopes": [] }));
    let nobodys = CredentialId::generate(app.clock.now(), &SystemRandomness::default()).to_string();
    let status = |bearer: &str, path: &str| app.get(path).bearer(bearer).send().status;
    let (ada, bob, eve) = (app.ada.sign_in(&app), bob.sign_in(&app), eve.sign_in(&app));
    let cases: [(&str, u16, u16); 6] = [
        (&bob, 200, 403),
        (&own.text, 200, 403),
        (&restricted.text, 403, 403),
        (&ada, 404, 200),
        (&eve, 404, 404),
        ("sesame", 401, 401),
    ];
    for (number, (bearer, as_owner, as_admin)) in cases.into_iter().enumerate() {
        let found = [status(bearer, &path(&own.id)), status(bearer, &org_path(&own.id))];
        assert_eq!(found, [as_owner, as_admin], "case {number}");
    }
    let unused = app.get(&path(&own.id)).bearer(&bob).send().json();
    assert_eq!(unused["days"], Value::Array(Vec::new()));
    assert_eq!([status(&ada, &path(&nobodys)), status(&ada, &org_path(&nobodys))], [404, 404]);
}
