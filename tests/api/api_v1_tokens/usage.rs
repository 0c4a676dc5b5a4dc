//! `GET {id}/usage`: how a token was used, for its owner and, under `/api/v1/orgs`, for admins.

use patmint::domain::{clock::Clock as _, ids::CredentialId, membership::Role, random::SystemRandomness};
use serde_json::{Value, json};

use super::PATH;
use crate::support::{Answer, Credential, Options, TestApp, days, minutes, seconds};

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
    let expected = json!([
        { "day": "2026-11-23", "outcomes": { "granted": 1 } },
        { "day": "2026-11-21", "outcomes": { "granted": 2, "scope_exceeded": 1 } },
    ]);
    for (bearer, path) in [(bob.sign_in(&app), path(&own.id)), (app.ada.sign_in(&app), org_path(&own.id))] {
        let answer = app.get(&path).bearer(&bearer).send();
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{path}");
        assert_eq!(answer.json()["days"], expected, "{path}");
    }
    app.clock.advance(days(89));
    let shown = |app: &TestApp| app.get(&path(&own.id)).bearer(&bob.sign_in(app)).send().json()["days"].clone();
    assert_eq!(shown(&app).as_array().unwrap().len(), 1, "ninety days");
    app.clock.advance(days(1));
    assert_eq!(shown(&app), json!([]));
}

#[test]
fn it_is_told_from_where_it_was_used_first_and_last_and_how_often() {
    let mut app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "laptop" }));
    let first = app.clock.now();
    assert_eq!([ask(&app, &own, "read"), ask(&app, &own, "read"), ask(&app, &own, "admin")], [200, 200, 400]);
    app.restart(Options::default());
    app.clock.advance(days(2));
    assert_eq!(ask(&app, &own, "read"), 200);
    app.clock.advance(minutes(1));
    // Used, and not exchanged.
    assert_eq!(app.get(PATH).bearer(&own.text).send().status, 200);
    let last = app.clock.now();
    app.restart(Options::default());
    let expected = json!([{ "address": "127.0.0.1", "first_used_at": first, "last_used_at": last, "exchanges": 3 }]);
    for (bearer, path) in [(bob.sign_in(&app), path(&own.id)), (app.ada.sign_in(&app), org_path(&own.id))] {
        assert_eq!(app.get(&path).bearer(&bearer).send().json()["addresses"], expected, "{path}");
    }
}

#[test]
fn the_last_refusals_are_told_with_reason_request_time_and_address() {
    let mut app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "laptop" }));
    let refused = |app: &TestApp, reason: &str, answer: &Answer| {
        let id = answer.header("x-request-id").expect("an id");
        json!({ "at": app.clock.now(), "reason": reason, "address": "127.0.0.1", "request_id": id })
    };
    let wide = app.post("/api/token/refresh").json(&json!({ "refresh": own.text, "scope": "admin" })).send();
    let mut expected = vec![refused(&app, "scope_exceeded", &wide)];
    app.clock.advance(minutes(1));
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_networks": ["10.0.0.0/8"] })).status, 200);
    expected.insert(0, refused(&app, "network_disallowed", &own.exchange(&app)));
    app.clock.advance(minutes(1));
    // The same answer as to any stranger, and the same reason.
    let managing = app.get(PATH).bearer(&own.text).send();
    assert_eq!((managing.status, managing.code().as_str()), (401, "unauthenticated"));
    expected.insert(0, refused(&app, "network_disallowed", &managing));
    app.clock.advance(minutes(1));
    app.post("/api/v1/revocations").json(&json!({ "token": own.text })).send();
    expected.insert(0, refused(&app, "revoked", &own.exchange(&app)));
    // A genuine id and tag with another secret is nobody's.
    app.post("/api/token/refresh").json(&json!({ "refresh": format!("{}x", own.text) })).send();
    app.restart(Options::default());
    for (bearer, path) in [(bob.sign_in(&app), path(&own.id)), (app.ada.sign_in(&app), org_path(&own.id))] {
        let told = app.get(&path).bearer(&bearer).send().json();
        assert_eq!(told["refusals"], json!(expected), "{path}");
        let outcomes = json!({ "scope_exceeded": 1, "network_disallowed": 2, "revoked": 1 });
        assert_eq!(told["days"][0]["outcomes"], outcomes, "{path}");
    }
}

#[test]
fn of_many_refusals_the_last_twenty_are_told() {
    let mut app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "laptop" }));
    let mut last = Vec::new();
    // Some are written while others are there already.
    for count in [15, 12, 30] {
        for _ in 0..count {
            app.clock.advance(seconds(1));
            let answer = app.post("/api/token/refresh").json(&json!({ "refresh": own.text, "scope": "admin" })).send();
            last.insert(0, answer.header("x-request-id").unwrap().to_owned());
        }
        app.restart(Options::default());
        last.truncate(20);
        let told = app.get(&path(&own.id)).bearer(&bob.sign_in(&app)).send().json();
        let ids: Vec<_> = told["refusals"].as_array().unwrap().iter().map(|one| one["request_id"].clone()).collect();
        assert_eq!(json!(ids), json!(last));
    }
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
