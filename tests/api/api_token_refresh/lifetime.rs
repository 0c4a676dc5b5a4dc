//! An access token outlives its credential by less than a second.

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
    app.clock.advance(seconds(2));
    assert_eq!(life(&app, &short), 299);
    app.clock.advance(seconds(297));
    assert_eq!(life(&app, &short), 2, "`exp` is rounded up");
    app.clock.advance(seconds(1));
    assert!(!short.is_alive(&app));
}

#[test]
fn a_token_lives_until_the_moment_it_shows() {
    let app = TestApp::new();
    for (end, is_alive) in [("00.250000", false), ("00.250001", true), ("00.999999", true)] {
        let end: Timestamp = format!("2026-11-21T11:00:{end}Z").parse().unwrap();
        let body = json!({ "name": "short", "expires_at": end });
        let short = app.ada.credential(&app, &body);
        app.clock.advance(seconds(3600));
        assert_eq!(short.is_alive(&app), is_alive, "{end}");
        if is_alive {
            assert_eq!(life(&app, &short), 1, "{end}");
        }
        let session = app.ada.sign_in(&app);
        let shown = app.get(&format!("/api/v1/tokens/{}", short.id)).bearer(&session).send().json();
        assert_eq!(shown["expires_at"], json!(end));
        assert_eq!(shown["state"], if is_alive { "active" } else { "expired" }, "{end}");
        app.clock.jump(-3600);
    }
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
    assert_eq!(life(&app, &app.pat), 11, "created 80 seconds ago, and `exp` is rounded up");
    app.clock.advance(seconds(10));
    assert!(!app.pat.is_alive(&app));
    patch(json!({ "token_max_ttl": null }));
    assert_eq!(life(&app, &app.pat), 60, "relaxing brings it back");
}
