//! An access token never outlives its credential.

use patmint::domain::clock::{Clock as _, Timestamp};
use serde_json::{Value, json};

use crate::support::{Credential, TestApp, claims, seconds};

/// `exp - iat`.
fn life(app: &TestApp, credential: &Credential) -> i64 {
    let claims = claims(&credential.access(app));
    assert_eq!(claims["iat"], app.clock.now().unix_seconds());
    claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
}

#[test]
fn it_ends_with_the_credential() {
    let app = TestApp::new();
    let short = app.ada.credential(&app, &json!({ "name": "short", "expires_in": 400 }));
    assert_eq!(life(&app, &short), 300);
    app.clock.advance(seconds(100));
    assert_eq!(life(&app, &short), 300);
    app.clock.advance(seconds(1));
    assert_eq!(life(&app, &short), 299);
    app.clock.advance(seconds(298));
    assert_eq!(life(&app, &short), 1);
    app.clock.advance(seconds(1));
    assert!(!short.is_alive(&app));
}

#[test]
fn the_last_part_of_a_second_is_not_worth_a_token() {
    let app = TestApp::new();
    let start = app.clock.now();
    let end: Timestamp = "2026-11-21T10:01:00.750000Z".parse().unwrap();
    let short = app.ada.credential(&app, &json!({ "name": "short", "expires_at": end }));
    app.clock.advance(seconds(59));
    assert_eq!(life(&app, &short), 1);
    app.clock.advance(seconds(1));
    assert!(app.clock.now() < end && app.clock.now() == start.plus_seconds(60));
    assert!(!short.is_alive(&app), "its `exp` would be its `iat`");
}

#[test]
fn the_policy_sets_its_life_and_that_of_the_credential() {
    let app = TestApp::new();
    let patch = |patch: Value| assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    patch(json!({ "access_token_ttl": 3600 }));
    assert_eq!(life(&app, &app.pat), 3600);
    patch(json!({ "access_token_ttl": 60 }));
    assert_eq!(life(&app, &app.pat), 60);
    patch(json!({ "token_max_ttl": 90 }));
    app.clock.advance(seconds(80));
    assert_eq!(life(&app, &app.pat), 10, "created 80 seconds ago");
    app.clock.advance(seconds(10));
    assert!(!app.pat.is_alive(&app));
    patch(json!({ "token_max_ttl": null }));
    assert_eq!(life(&app, &app.pat), 60, "relaxing brings it back");
}
