//! `GET`: pages of one's own credentials, newest first.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use super::{PATH, create, delete};
use crate::support::{Answer, TestApp, days, seconds};

fn page(app: &TestApp, session: &str, query: &str) -> Answer {
    app.get(&format!("{PATH}{query}")).bearer(session).send()
}

fn names(answer: &Answer) -> Vec<String> {
    let items = answer.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_cursor_leads_from_page_to_page() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let session = bob.sign_in(&app);
    assert_eq!(page(&app, &session, "").json(), json!({ "items": [], "next": null }));
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(create(&app, &session, &json!({ "name": name })).status, 201);
    }
    assert_eq!(names(&page(&app, &session, "")), ["e", "d", "c", "b", "a"]);
    let first = page(&app, &session, "?limit=2");
    assert_eq!((names(&first), first.header("cache-control")), (vec!["e".into(), "d".into()], Some("no-store")));
    let after = |answer: &Answer| {
        let cursor = answer.json()["next"].as_str().expect("a next page").to_owned();
        page(&app, &session, &format!("?limit=2&cursor={cursor}"))
    };
    // What comes in front meanwhile moves nothing.
    assert_eq!(create(&app, &session, &json!({ "name": "f" })).status, 201);
    let second = after(&first);
    assert_eq!(names(&second), ["c", "b"]);
    let third = after(&second);
    assert_eq!((names(&third), &third.json()["next"]), (vec!["a".into()], &Value::Null));
    let exact = page(&app, &session, "?limit=6");
    assert_eq!((names(&exact).len(), &exact.json()["next"]), (6, &Value::Null), "a full page may be the last");
}

#[test]
fn a_page_has_50_unless_asked_for_up_to_200() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 100 })).status, 200);
    let session = app.ada.sign_in(&app);
    for _ in 0..49 {
        assert_eq!(create(&app, &session, &json!({ "name": "one of many" })).status, 201);
    }
    let lengths = ["", "?limit=200", "?limit=1"].map(|query| names(&page(&app, &session, query)).len());
    assert_eq!(lengths, [50, 51, 1]);
}

#[test]
fn parameters_are_checked() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let unknown = "query has an unknown parameter; expected organization_id, cursor, limit, state, name, kind, \
                   unused_since, expires_before, never_expires";
    for (query, detail) in [
        ("?limit=0", "limit must be 1 to 200"),
        ("?limit=201", "limit must be 1 to 200"),
        ("?limit=-1", "limit must be 1 to 200"),
        ("?limit=many", "limit must be 1 to 200"),
        ("?limit=", "limit must be 1 to 200"),
        ("?cursor=sesame", "cursor is none of ours"),
        ("?cursor=", "cursor is none of ours"),
        ("?organization_id=sesame", "organization_id is not an id"),
        ("?sesame=1", unknown),
        ("?owner=sesame", unknown),
    ] {
        let answer = page(&app, &session, query);
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{query}");
        assert_eq!(answer.json()["detail"], detail, "{query}");
    }
}

#[test]
fn the_state_is_what_an_exchange_would_say() {
    let app = TestApp::new();
    let patch = |patch: Value| assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    let session = app.ada.sign_in(&app);
    let revoked = create(&app, &session, &json!({ "name": "revoked", "expires_in": 60 })).json();
    assert_eq!(create(&app, &session, &json!({ "name": "expired", "expires_in": 60 })).status, 201);
    assert_eq!(delete(&app, &session, revoked["id"].as_str().unwrap()).status, 204);
    app.clock.advance(seconds(60));
    let states = || {
        let answer = page(&app, &app.ada.sign_in(&app), "");
        let items = answer.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| format!("{}: {}", item["name"], item["state"]).replace('"', "")).collect::<Vec<_>>()
    };
    patch(json!({ "allowed_kinds": ["opaque"] }));
    let dead = ["expired: expired", "revoked: revoked", "first JWT refresh token: disallowed"];
    assert_eq!(states(), [&dead[..], &["first token: active"]].concat());
    patch(json!({ "stale_after": 86_400 }));
    app.clock.advance(days(1));
    let stale = ["first JWT refresh token: stale", "first token: stale"];
    assert_eq!(states(), [&dead[..2], &stale].concat());
    patch(json!({ "token_max_ttl": 60 }));
    let expired = ["first JWT refresh token: expired", "first token: expired"];
    assert_eq!(states(), [&dead[..2], &expired].concat(), "the policy's longest life comes first");
}

#[test]
fn others_are_not_on_it() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    bob.credential(&app, &json!({ "name": "of bob" }));
    assert_eq!(names(&page(&app, &bob.sign_in(&app), "")), ["of bob"]);
    assert_eq!(names(&page(&app, &app.ada.sign_in(&app), "")), ["first JWT refresh token", "first token"]);
    assert_eq!(app.get(PATH).send().status, 401);
}
