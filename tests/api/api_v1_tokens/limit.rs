//! `POST`, `PATCH`: the most active tokens per user, also when two ask at once.

use std::{sync::Barrier, thread};

use patmint::domain::membership::Role;
use serde_json::json;

use super::{create, delete, get, patch};
use crate::support::{TestApp, days, seconds};

#[test]
fn only_active_tokens_count() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 3 })).status, 200);
    let bob = app.member("bob", Role::Member);
    let session = bob.sign_in(&app);
    let make = |body| create(&app, &session, &body);
    let first = make(json!({ "name": "a" })).json();
    assert_eq!(make(json!({ "name": "b", "expires_in": 60 })).status, 201);
    assert_eq!(make(json!({ "name": "c", "kind": "jwt" })).status, 201);
    let full = make(json!({ "name": "d" }));
    assert_eq!((full.status, full.code().as_str()), (409, "token_limit_reached"));
    assert_eq!(create(&app, &app.ada.sign_in(&app), &json!({ "name": "a" })).status, 201, "each user has their own");

    assert_eq!(delete(&app, &session, first["id"].as_str().unwrap()).status, 204);
    assert_eq!(make(json!({ "name": "in place of the revoked one" })).status, 201);
    assert_eq!(make(json!({ "name": "d" })).status, 409);
    app.clock.advance(seconds(60));
    assert_eq!(make(json!({ "name": "in place of the expired one" })).status, 201);
    assert_eq!(make(json!({ "name": "d" })).status, 409);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_kinds": ["opaque"] })).status, 200);
    assert_eq!(make(json!({ "name": "in place of the one whose kind is off" })).status, 201);
    assert_eq!(make(json!({ "name": "d" })).status, 409);
}

#[test]
fn an_edit_brings_back_only_what_there_is_room_for() {
    let app = TestApp::new();
    let wide = json!({ "max_tokens_per_user": 2, "allowed_audiences": ["https://api.example"] });
    assert_eq!(app.ada.patch_policy(&app, &wide).status, 200);
    let bob = app.member("bob", Role::Member);
    let make = |body| create(&app, &bob.sign_in(&app), &body).json()["id"].as_str().unwrap().to_owned();
    let expired = make(json!({ "name": "a", "expires_in": 60 }));
    let elsewhere = make(json!({ "name": "b", "audiences": ["https://api.example"] }));
    app.clock.advance(seconds(60));
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_audiences": [] })).status, 200);
    let others = [make(json!({ "name": "c" })), make(json!({ "name": "d" }))];

    let session = bob.sign_in(&app);
    let edit = |id: &str, body| patch(&app, &session, id, &body);
    for (id, body) in [
        (&expired, json!({ "expires_in": 60 })),
        (&expired, json!({ "expires_at": null })),
        (&elsewhere, json!({ "audiences": null })),
    ] {
        let before = get(&app, &session, id).body;
        let audited = app.audited(|| {
            let full = edit(id, body);
            assert_eq!((full.status, full.code().as_str()), (409, "token_limit_reached"));
        });
        assert!(audited.is_empty(), "{audited:?}");
        assert_eq!(get(&app, &session, id).body, before);
    }
    assert_eq!(edit(&expired, json!({ "name": "what stays dead" })).json()["state"], "expired");
    assert_eq!(edit(&others[0], json!({ "expires_in": 600 })).status, 200, "it has its place");

    assert_eq!(delete(&app, &session, &others[0]).status, 204);
    assert_eq!(edit(&expired, json!({ "expires_in": 60 })).json()["state"], "active", "in place of the revoked one");
    assert_eq!(edit(&elsewhere, json!({ "audiences": null })).status, 409);
    app.clock.advance(seconds(60));
    assert_eq!(edit(&elsewhere, json!({ "audiences": null })).json()["state"], "active");
}

#[test]
fn an_edit_does_not_bring_back_what_is_stale() {
    let app = TestApp::new();
    let patch_policy = json!({ "max_tokens_per_user": 1, "stale_after": 86_400 });
    assert_eq!(app.ada.patch_policy(&app, &patch_policy).status, 200);
    let bob = app.member("bob", Role::Member);
    let stale = bob.credential(&app, &json!({ "name": "a", "expires_in": 60 }));
    app.clock.advance(days(1));
    let session = bob.sign_in(&app);
    assert_eq!(create(&app, &session, &json!({ "name": "b" })).status, 201);
    let edited = patch(&app, &session, &stale.id, &json!({ "expires_at": null }));
    assert_eq!((edited.status, &edited.json()["state"]), (200, &json!("stale")), "so it takes no place");
    assert!(!stale.is_alive(&app));
}

#[test]
fn a_lower_limit_ends_no_token() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 0 })).status, 200);
    assert!(app.pat.is_alive(&app) && app.jwt.is_alive(&app));
    assert_eq!(create(&app, &app.ada.sign_in(&app), &json!({ "name": "a" })).status, 409);
}

#[test]
fn two_at_once_cannot_both_take_the_last_place() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 1 })).status, 200);
    let bob = app.member("bob", Role::Member);
    let session = bob.sign_in(&app);
    for round in 0..10 {
        let start = Barrier::new(2);
        let race = || {
            let request = app.post(super::PATH).bearer(&session).json(&json!({ "name": "race" }));
            start.wait();
            request.send()
        };
        let answers = thread::scope(|scope| {
            let threads = [scope.spawn(race), scope.spawn(race)];
            threads.map(|thread| thread.join().unwrap())
        });
        let mut statuses = answers.each_ref().map(|answer| answer.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "round {round}");
        let winner = answers.iter().find(|answer| answer.status == 201).unwrap().json();
        assert_eq!(delete(&app, &session, winner["id"].as_str().unwrap()).status, 204);
    }
}

#[test]
fn two_edits_at_once_cannot_both_take_the_last_place() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 1 })).status, 200);
    let bob = app.member("bob", Role::Member);
    let expired = ["a", "b"].map(|name| {
        let made = bob.credential(&app, &json!({ "name": name, "expires_in": 60 }));
        app.clock.advance(seconds(60));
        made.id
    });
    let session = bob.sign_in(&app);
    for round in 0..10 {
        let start = Barrier::new(2);
        let race = |id: &str| {
            start.wait();
            patch(&app, &session, id, &json!({ "expires_in": 60 })).status
        };
        let mut statuses = thread::scope(|scope| {
            let threads = expired.each_ref().map(|id| scope.spawn(|| race(id)));
            threads.map(|thread| thread.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "round {round}");
        app.clock.advance(seconds(60));
    }
}
