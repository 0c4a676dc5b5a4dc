//! `POST`: the most active tokens per user, also when two ask at once.

use std::{sync::Barrier, thread};

use patmint::domain::membership::Role;
use serde_json::json;

use super::{create, delete};
use crate::support::{TestApp, seconds};

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
