//! What the Label Studio SDK needs besides the exchange.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use crate::support::TestApp;

const WHOAMI: &str = "/api/current-user/whoami";

#[test]
fn whoami_is_what_the_sdk_reads() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "sdk", "kind": "jwt" }));
    let answer = app.get(WHOAMI).bearer(&own.access(&app)).send();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let me = answer.json();
    for (member, value) in [
        ("id", json!(2)),
        ("email", json!("bob@acme.example")),
        ("username", json!("bob@acme.example")),
        ("first_name", json!("")),
        ("last_name", json!("")),
        ("initials", json!("bo")),
        ("avatar", Value::Null),
        ("phone", json!("")),
        ("active_organization", json!(1)),
        ("active_organization_meta", json!({ "title": "Acme", "email": "bob@acme.example" })),
        ("allow_newsletters", Value::Null),
        ("date_joined", json!("2026-11-21T10:00:00.250000Z")),
    ] {
        assert_eq!(me[member], value, "{member}");
    }
}

#[test]
fn a_token_of_any_kind_opens_it() {
    let app = TestApp::new();
    let kinds = json!({ "allowed_kinds": ["opaque", "jwt", "legacy"] });
    assert_eq!(app.ada.patch_policy(&app, &kinds).status, 200);
    let legacy = app.ada.credential(&app, &json!({ "name": "old script", "kind": "legacy" }));
    let status = |value: &str| app.get(WHOAMI).header("authorization", value).send().status;
    assert_eq!(status(&format!("Token {}", legacy.text)), 200);
    assert_eq!(status(&format!("Bearer {}", app.pat.text)), 200);
    assert_eq!(status(&format!("Bearer {}", app.ada.sign_in(&app))), 200);
}

#[test]
fn nobody_is_told_so_in_djangos_words() {
    let app = TestApp::new();
    let dead = app.ada.credential(&app, &json!({ "name": "gone" }));
    let access = dead.access(&app);
    app.post("/api/v1/revocations").json(&json!({ "token": dead.text })).send();
    let values =
        [None, Some("garbage".to_owned()), Some(format!("Bearer {}", dead.text)), Some(format!("Bearer {access}"))];
    for value in values {
        let request = app.get(WHOAMI);
        let request = if let Some(value) = &value { request.header("authorization", value) } else { request };
        let answer = request.send();
        assert_eq!(answer.status, 401, "{value:?}");
        assert_eq!(answer.json(), json!({ "detail": "Authentication credentials were not provided." }), "{value:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"api\""));
    }
    let post = app.post(WHOAMI).send();
    assert_eq!((post.status, post.header("allow")), (405, Some("HEAD, GET")));
    assert_eq!(post.json(), json!({ "detail": "Method \"POST\" not allowed." }));
}
