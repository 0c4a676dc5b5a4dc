//! `PATCH` of one credential: what it changes, and for whom.

mod callers;
mod refused;

use std::{sync::Barrier, thread};

use patmint::domain::{clock::Clock as _, list::Target};
use serde_json::{Value, json};

use super::{PATH, delete, get, patch};
use crate::support::{Credential, TestApp, claims, minutes};

const API: &str = "https://api.example";

fn scope(id: &str, operation: &str) -> Value {
    json!({ "entity_type": "dataset", "entity_id": id, "operation": operation })
}

/// A server whose policy knows one audience more than the issuer.
fn app_with_audiences() -> TestApp {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_audiences": [API] })).status, 200);
    app
}

fn named(app: &TestApp, more: &Value) -> Credential {
    let mut body = json!({ "name": "laptop" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.ada.credential(app, &body)
}

/// Edits; the credential as the answer shows it.
fn edited(app: &TestApp, own: &Credential, body: &Value) -> Value {
    let answer = patch(app, &app.ada.sign_in(app), &own.id, body);
    assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    answer.json()
}

/// What the edit puts on the list about the credential: whether it revokes.
fn entries(app: &TestApp, own: &Credential, body: &Value) -> Vec<bool> {
    let target = Target::Credential(own.id.parse().unwrap());
    let listed = app.listed(|| drop(edited(app, own, body)));
    assert!(listed.iter().all(|(about, _)| *about == target), "{listed:?}");
    listed.into_iter().map(|(_, revokes)| revokes).collect()
}

#[test]
fn each_member_is_edited_by_itself() {
    let app = app_with_audiences();
    let session = app.ada.sign_in(&app);
    let soon = json!(app.clock.now().plus_seconds(60));
    for (body, member, then) in [
        (json!({ "name": " build server " }), "name", json!("build server")),
        (json!({ "permission": "read" }), "permission", json!("read")),
        (
            json!({ "scopes": [scope("2", "get"), scope("1", "put")] }),
            "scopes",
            json!([scope("1", "put"), scope("2", "get")]),
        ),
        (json!({ "scopes": [] }), "scopes", json!([])),
        (json!({ "audiences": [API, API] }), "audiences", json!([API])),
        (json!({ "expires_at": soon }), "expires_at", soon.clone()),
        (json!({ "expires_in": 60 }), "expires_at", soon.clone()),
    ] {
        let own = named(&app, &json!({}));
        let mut expected = get(&app, &session, &own.id).json();
        expected[member] = then;
        expected["effective_expires_at"] = expected["expires_at"].clone();
        let answer = patch(&app, &session, &own.id, &body);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
        assert_eq!(answer.json(), expected, "{body}");
        assert_eq!(get(&app, &session, &own.id).json(), expected, "{body}");
        assert!(own.is_alive(&app), "the token is the same");
    }
}

#[test]
fn what_was_narrowed_ends_at_once() {
    let app = app_with_audiences();
    let session = app.ada.sign_in(&app);
    let both = json!([app.issuer(), API]);
    for (before, body, claim, then) in [
        (json!({}), json!({ "permission": "read" }), "scope", json!("read")),
        (json!({}), json!({ "scopes": [] }), "authorization_details", json!([])),
        (
            json!({ "scopes": [scope("1", "get"), scope("1", "put")] }),
            json!({ "scopes": [scope("1", "get")] }),
            "authorization_details",
            json!([{ "type": "dataset", "identifier": "1", "actions": ["get"] }]),
        ),
        (json!({ "audiences": both }), json!({ "audiences": [API] }), "aud", json!(API)),
        (json!({ "audiences": both }), json!({ "audiences": null }), "aud", json!(app.issuer())),
        (
            json!({}),
            json!({ "expires_in": 90 }),
            "exp",
            json!(app.clock.now().plus_seconds(90).unix_seconds_rounded_up()),
        ),
        (
            json!({ "expires_in": 91 }),
            json!({ "expires_in": 90 }),
            "exp",
            json!(app.clock.now().plus_seconds(90).unix_seconds_rounded_up()),
        ),
        // More of one thing does not make up for less of another.
        (
            json!({ "permission": "read" }),
            json!({ "permission": "read_write", "expires_in": 90 }),
            "scope",
            json!("read write"),
        ),
        (
            json!({ "scopes": [scope("1", "get")] }),
            json!({ "scopes": [scope("2", "get")] }),
            "iss",
            json!(app.issuer()),
        ),
    ] {
        let own = named(&app, &before);
        let access = own.access(&app);
        let counts = |access: &str| app.get("/api/v1/session").bearer(access).send().status;
        assert_eq!(counts(&access), 200, "{before}");
        assert_eq!(entries(&app, &own, &body), [true], "{before} {body}");
        assert_eq!(counts(&access), 401, "{before} {body}: it says too much");
        let next = own.access(&app);
        assert_eq!(claims(&next)[claim], then, "{before} {body}");
        let is_for_patmint = claims(&next)["aud"] != json!(API);
        assert_eq!(counts(&next), if is_for_patmint { 200 } else { 401 }, "{before} {body}");
        assert_eq!(get(&app, &session, &own.id).json()["state"], "active");
    }
}

#[test]
fn what_was_shortened_ends_when_it_says() {
    let app = TestApp::new();
    let own = named(&app, &json!({}));
    edited(&app, &own, &json!({ "expires_in": 120 }));
    app.clock.advance(minutes(1));
    assert!(own.is_alive(&app));
    app.clock.advance(minutes(1));
    assert!(!own.is_alive(&app));
    assert_eq!(
        edited(&app, &own, &json!({ "expires_at": null }))["state"],
        "active",
        "an end can be moved, not a revocation"
    );
    assert!(own.is_alive(&app));
}

#[test]
fn what_was_widened_leaves_access_tokens_alone() {
    let app = app_with_audiences();
    for (before, body, claim, then) in [
        (json!({ "permission": "read" }), json!({ "permission": "read_write" }), "scope", json!("read write")),
        (
            json!({ "scopes": [scope("1", "get")] }),
            json!({ "scopes": [scope("*", "get")] }),
            "authorization_details",
            json!([{ "type": "dataset", "actions": ["get"] }]),
        ),
        (json!({}), json!({ "audiences": [API, app.issuer()] }), "aud", json!([API, app.issuer()])),
        (
            json!({ "expires_in": 90 }),
            json!({ "expires_in": 120 }),
            "exp",
            json!(app.clock.now().plus_seconds(120).unix_seconds_rounded_up()),
        ),
        (
            json!({ "expires_in": 90 }),
            json!({ "expires_at": null }),
            "exp",
            json!(app.clock.now().unix_seconds() + 300),
        ),
    ] {
        let own = named(&app, &before);
        let access = own.access(&app);
        assert_eq!(entries(&app, &own, &body), [false], "{before} {body}");
        assert_eq!(app.get("/api/v1/session").bearer(&access).send().status, 200, "{before} {body}");
        assert_eq!(claims(&own.access(&app))[claim], then, "{before} {body}: the next exchange gives it");
    }
}

#[test]
fn a_name_is_no_right_and_nothing_new_is_no_change() {
    let app = app_with_audiences();
    let end = json!(app.clock.now().plus_seconds(600));
    let all = json!({
        "name": "laptop",
        "permission": "read",
        "scopes": [scope("1", "get"), scope("2", "get")],
        "audiences": [API],
        "expires_at": end,
    });
    let own = named(&app, &all);
    assert_eq!(entries(&app, &own, &json!({ "name": "other" })), Vec::<bool>::new());
    let mut same = all.clone();
    (same["name"], same["scopes"]) =
        (json!(" other "), json!([scope("2", "get"), scope("1", "get"), scope("1", "get")]));
    let session = app.ada.sign_in(&app);
    let audited = app.audited(|| {
        let listed = app.listed(|| assert_eq!(patch(&app, &session, &own.id, &same).status, 200));
        assert_eq!(listed, []);
    });
    assert!(audited.is_empty(), "{audited:?}");
    let bare = named(&app, &json!({}));
    let nothing = json!({ "scopes": null, "audiences": null, "expires_at": null });
    assert_eq!(entries(&app, &bare, &nothing), Vec::<bool>::new());
}

#[test]
fn what_stays_as_it_was_is_not_held_against_a_new_policy() {
    let app = app_with_audiences();
    let end = json!(app.clock.now().plus_seconds(6000));
    let own = named(&app, &json!({ "audiences": [API], "expires_at": end }));
    let endless = named(&app, &json!({}));
    let tightened = json!({ "allowed_audiences": [], "token_max_ttl": 600, "require_scopes": true });
    assert_eq!(app.ada.patch_policy(&app, &tightened).status, 200);
    let same = json!({ "name": "other", "audiences": [API], "expires_at": end });
    let seen = edited(&app, &own, &same);
    assert_eq!((&seen["name"], &seen["audiences"], &seen["expires_at"]), (&json!("other"), &json!([API]), &end));
    edited(&app, &endless, &json!({ "name": "other", "scopes": null, "expires_at": null }));
    edited(&app, &endless, &json!({ "permission": "read" }));
}

#[test]
fn two_edits_at_once_both_count() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let own = named(&app, &json!({}));
    for round in 0..20 {
        let permission = ["read", "read_write"][round % 2];
        let name = format!("laptop {round}");
        let (start, bodies) = (Barrier::new(2), [json!({ "permission": permission }), json!({ "name": name })]);
        thread::scope(|scope| {
            for body in &bodies {
                scope.spawn(|| {
                    start.wait();
                    assert_eq!(patch(&app, &session, &own.id, body).status, 200);
                });
            }
        });
        let seen = get(&app, &session, &own.id).json();
        assert_eq!((&seen["permission"], &seen["name"]), (&json!(permission), &json!(name)));
    }
}

#[test]
fn an_edit_is_written_down_with_what_was_and_what_is() {
    let app = app_with_audiences();
    let session = app.ada.sign_in(&app);
    let own = named(&app, &json!({ "permission": "read" }));
    let end = json!(app.clock.now().plus_seconds(60));
    let audited = |body: Value| {
        let mut records = app.audited(|| assert_eq!(patch(&app, &session, &own.id, &body).status, 200));
        assert_eq!(records.len(), 1, "{records:?}");
        let record = records.remove(0);
        assert_eq!((record.action.as_str(), record.subject_id.as_deref()), ("credential.edit", Some(&*own.id)));
        assert_eq!(record.actor_user_id.map(|id| id.to_string()).as_ref(), Some(&app.ada.id));
        assert_eq!(record.organization_id.map(|id| id.to_string()).as_ref(), Some(&app.organization_id));
        assert_eq!(record.address.as_deref(), Some("127.0.0.1"));
        serde_json::from_str::<Value>(&record.detail.unwrap()).unwrap()
    };
    let detail = audited(json!({ "name": "other", "permission": "read" }));
    assert_eq!(detail, json!({ "number": 3, "old": { "name": "laptop" }, "new": { "name": "other" } }));
    let detail = audited(json!({
        "permission": "read_write", "scopes": [scope("1", "put")], "audiences": [API], "expires_at": end,
    }));
    assert_eq!(
        detail,
        json!({
            "number": 3,
            "old": { "permission": "read", "scopes": null, "audiences": null, "expires_at": null },
            "new": { "permission": "read_write", "scopes": [scope("1", "put")], "audiences": [API], "expires_at": end },
        })
    );
}

#[test]
fn what_is_revoked_stays_as_it_was() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let own = named(&app, &json!({}));
    assert_eq!(delete(&app, &session, &own.id).status, 204);
    let before = get(&app, &session, &own.id).body;
    let in_bulk = named(&app, &json!({}));
    app.execute(&format!("UPDATE memberships SET revoked_seq = {} WHERE user_id = '{}'", i64::MAX, app.ada.id));
    for id in [&own.id, &in_bulk.id] {
        let audited = app.audited(|| {
            for body in [json!({ "name": "other" }), json!({ "expires_at": null })] {
                let answer = patch(&app, &session, id, &body);
                assert_eq!((answer.status, answer.code().as_str()), (409, "token_revoked"), "{}", answer.text());
            }
        });
        assert!(audited.is_empty(), "{audited:?}");
    }
    assert_eq!(get(&app, &session, &own.id).body, before);
}
