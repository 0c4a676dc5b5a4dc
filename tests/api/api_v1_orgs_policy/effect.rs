//! A change binds the credentials that exist, at once; taking it back brings them back.

use serde_json::{Value, json};

use crate::support::{Credential, TestApp, claims, days, hours, seconds};

fn policy(app: &TestApp, patch: &Value) {
    let answer = app.ada.patch_policy(app, patch);
    assert_eq!(answer.status, 200, "{patch}: {}", answer.text());
}

/// The one credential lives but for the time between a tightening and its relaxing; a revoked one stays dead.
fn assert_tightened_and_relaxed(app: &TestApp, own: &Credential, tight: &Value, relaxed: &Value) {
    let revoked = app.ada.credential(app, &json!({ "name": "revoked" }));
    app.post("/api/v1/revocations").json(&json!({ "token": revoked.text })).send();
    assert_eq!([own.is_alive(app), revoked.is_alive(app)], [true, false]);
    policy(app, tight);
    assert_eq!([own.is_alive(app), revoked.is_alive(app)], [false, false], "{tight}");
    policy(app, relaxed);
    assert_eq!([own.is_alive(app), revoked.is_alive(app)], [true, false], "{relaxed}");
}

#[test]
fn the_longest_life_counts_from_creation() {
    let app = TestApp::new();
    app.clock.advance(hours(2));
    let relaxed = json!({ "token_max_ttl": 7201 });
    assert_tightened_and_relaxed(&app, &app.pat, &json!({ "token_max_ttl": 7200 }), &relaxed);
    app.clock.advance(seconds(1));
    assert!(!app.pat.is_alive(&app));
    policy(&app, &json!({ "token_max_ttl": null }));
    assert!(app.pat.is_alive(&app));
}

#[test]
fn kinds() {
    let app = TestApp::new();
    let (tight, relaxed) = (json!({ "allowed_kinds": ["opaque"] }), json!({ "allowed_kinds": ["jwt", "opaque"] }));
    assert_tightened_and_relaxed(&app, &app.jwt, &tight, &relaxed);
}

#[test]
fn staleness() {
    let app = TestApp::new();
    let unused = app.ada.credential(&app, &json!({ "name": "drawer" }));
    app.clock.advance(days(2));
    policy(&app, &json!({ "stale_after": 2 * 86_400 }));
    assert!(!unused.is_alive(&app));
    policy(&app, &json!({ "stale_after": 2 * 86_400 + 1 }));
    assert!(unused.is_alive(&app));
}

#[test]
fn networks() {
    let app = TestApp::new();
    let elsewhere = json!({ "allowed_networks": ["10.0.0.0/8", "2001:db8::/32", "127.0.0.2/32"] });
    assert_tightened_and_relaxed(&app, &app.pat, &elsewhere, &json!({ "allowed_networks": ["127.0.0.1/32"] }));
    assert_tightened_and_relaxed(
        &app,
        &app.pat,
        &json!({ "allowed_networks": ["::1/128"] }),
        &json!({ "allowed_networks": [] }),
    );
}

#[test]
fn the_life_of_access_tokens() {
    let app = TestApp::new();
    let life = || {
        let claims = claims(&app.pat.access(&app));
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
    };
    assert_eq!(life(), 300);
    for ttl in [60, 3600, 61] {
        policy(&app, &json!({ "access_token_ttl": ttl }));
        assert_eq!(life(), ttl);
    }
}

#[test]
fn audiences() {
    let app = TestApp::new();
    let (a, b) = ("https://a.example", "https://b.example");
    let audience = |credential: &Credential| claims(&credential.access(&app))["aud"].clone();
    policy(&app, &json!({ "allowed_audiences": [a, b] }));
    let both = app.ada.credential(&app, &json!({ "name": "both", "audiences": [a, b] }));
    let only_b = app.ada.credential(&app, &json!({ "name": "b", "audiences": [b] }));
    assert_eq!(
        [audience(&app.pat), audience(&both), audience(&only_b)],
        [json!(app.issuer()), json!([a, b]), json!(b)]
    );
    policy(&app, &json!({ "allowed_audiences": [a] }));
    assert_eq!(audience(&both), a, "what is left");
    assert!(!only_b.is_alive(&app));
    policy(&app, &json!({ "allowed_audiences": [], "default_audience": b }));
    assert_eq!([audience(&app.pat), audience(&both), audience(&only_b)], [b, b, b]);
    policy(&app, &json!({ "allowed_audiences": [a, b], "default_audience": null }));
    assert_eq!(
        [audience(&app.pat), audience(&both), audience(&only_b)],
        [json!(app.issuer()), json!([a, b]), json!(b)]
    );
}

#[test]
fn what_binds_creation_ends_nothing() {
    let app = TestApp::new();
    policy(&app, &json!({ "require_expiry": true, "require_scopes": true, "max_tokens_per_user": 0 }));
    policy(&app, &json!({ "token_default_ttl": 60 }));
    app.clock.advance(seconds(61));
    assert!(app.pat.is_alive(&app) && app.jwt.is_alive(&app));
}

#[test]
fn it_ends_no_access_token_that_is_out_and_binds_its_own_organization_only() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    let of_eve = eve.credential(&app, &json!({ "name": "of eve" }));
    let access = app.pat.access(&app);
    policy(&app, &json!({ "access_token_ttl": 60, "allowed_networks": ["10.0.0.0/8"] }));
    assert!(of_eve.is_alive(&app) && !app.pat.is_alive(&app));
    policy(&app, &json!({ "allowed_networks": [] }));
    app.clock.advance(seconds(299));
    let list = || app.get("/api/v1/tokens").bearer(&access).send().status;
    assert_eq!(list(), 200, "it was promised 300 seconds");
    app.clock.advance(seconds(1));
    assert_eq!(list(), 401);
}
