//! Last use and counts: gathered in memory, written in batches, the last one when the server stops.

use patmint::{
    domain::{clock::Clock as _, ids::CredentialId},
    store::{Database, DatabaseSettings, standings, usage},
};
use serde_json::{Value, json};

use crate::support::{Options, TestApp, claims, hours, minutes};

type Counts = Vec<(String, String, i64)>;

/// Last use and counts of a credential, as the database has them when the server is gone.
fn written(app: &mut TestApp, id: &str) -> (Value, Counts) {
    app.stop();
    let url = app.database().url().parse().unwrap();
    let (db, id) = (Database::new(&DatabaseSettings { url, connections: 1 }), id.parse::<CredentialId>().unwrap());
    let (record, counts) = app
        .wait_for(db.read::<_, patmint::store::StoreError>(move |connection| {
            Ok((standings::record_by_id(connection, id)?, usage::counts_of(connection, id, "")?))
        }))
        .unwrap();
    let record = record.expect("a credential");
    (json!([record.standing.credential.last_used_at, record.description.last_used_from]), counts)
}

fn counts(expected: &[(&str, &str, i64)]) -> Counts {
    expected.iter().map(|(day, outcome, count)| ((*day).to_owned(), (*outcome).to_owned(), *count)).collect()
}

fn id_of(app: &TestApp) -> String {
    claims(&app.pat.access(app))["client_id"].as_str().unwrap().to_owned()
}

#[test]
fn uses_are_counted_by_day_and_outcome() {
    let mut app = TestApp::new();
    let id = id_of(&app);
    let ask = |app: &TestApp, scope: &str| {
        let body = json!({ "refresh": app.pat.text, "scope": scope });
        app.post("/api/token/refresh").json(&body).send().status
    };
    assert_eq!([ask(&app, "read"), ask(&app, "admin"), ask(&app, "read")], [200, 400, 200]);
    app.clock.advance(hours(14));
    assert_eq!(ask(&app, "read"), 200);
    let last = app.clock.now();
    app.clock.advance(minutes(1));
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_networks": ["10.0.0.0/8"] })).status, 200);
    assert_eq!(ask(&app, "read"), 401);
    app.post("/api/v1/revocations").json(&json!({ "token": app.pat.text })).send();
    assert_eq!(ask(&app, "read"), 401);
    let (used, found) = written(&mut app, &id);
    assert_eq!(used, json!([last, "127.0.0.1"]), "a refusal is no use");
    let expected = [
        ("2026-11-22", "granted", 1),
        ("2026-11-22", "network_disallowed", 1),
        ("2026-11-22", "revoked", 1),
        ("2026-11-21", "granted", 3),
        ("2026-11-21", "scope_exceeded", 1),
    ];
    assert_eq!(found, counts(&expected));
}

#[test]
fn batches_add_up_and_the_later_use_stays() {
    let mut app = TestApp::new();
    let id = id_of(&app);
    app.restart(Options::default());
    for _ in 0..5 {
        assert!(app.pat.is_alive(&app));
    }
    let last = app.clock.now();
    app.restart(Options::default());
    // A replica whose clock is behind writes later.
    app.clock.jump(-60);
    assert!(app.pat.is_alive(&app));
    assert_eq!(written(&mut app, &id), (json!([last, "127.0.0.1"]), counts(&[("2026-11-21", "granted", 7)])));
}

#[test]
fn its_owner_sees_it() {
    let mut app = TestApp::new();
    let id = id_of(&app);
    let last = app.clock.now();
    app.restart(Options::default());
    app.clock.advance(minutes(1));
    let seen = app.get(&format!("/api/v1/tokens/{id}")).bearer(&app.ada.sign_in(&app)).send().json();
    assert_eq!(json!([seen["last_used_at"], seen["last_used_from"]]), json!([last, "127.0.0.1"]));
}

#[test]
fn what_is_unknown_is_not_written_down() {
    let mut app = TestApp::new();
    let id = id_of(&app);
    // A genuine id and tag with another secret.
    let changed = app.jwt.text[..app.jwt.text.len() - 8].to_owned() + "AAAAAAAA";
    for text in [&changed, "garbage"] {
        assert_eq!(app.post("/api/token/refresh").json(&json!({ "refresh": text })).send().status, 401);
    }
    assert_eq!(written(&mut app, &id).1, counts(&[("2026-11-21", "granted", 1)]));
    let jwt = claims(&app.jwt.text);
    assert!(jwt["jti"].is_string());
}
