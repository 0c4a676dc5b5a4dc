//! `POST {id}/rotate`: a new token in place of an old one.

use std::{sync::Barrier, thread};

use patmint::domain::{clock::Clock as _, list::Target, membership::Role};
use serde_json::{Value, json};

use super::{PATH, create, delete, get, patch};
use crate::support::{Answer, Credential, TestApp, days, seconds};

fn rotate(app: &TestApp, bearer: &str, id: &str, body: &Value) -> Answer {
    app.post(&format!("{PATH}/{id}/rotate")).bearer(bearer).json(body).send()
}

fn made(answer: &Answer) -> Credential {
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{}", answer.text());
    let member = |name: &str| answer.json()[name].as_str().expect("a member").to_owned();
    Credential { id: member("id"), text: member("token") }
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

#[test]
fn the_new_one_may_the_same_and_the_old_one_ends_at_once() {
    let app = TestApp::new();
    let scopes = json!([{ "entity_type": "table", "entity_id": "*", "operation": "read" }]);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_audiences": ["https://api.example"] })).status, 200);
    for body in [
        json!({ "name": "laptop" }),
        json!({ "name": "ci", "kind": "jwt", "permission": "read", "expires_in": 600 }),
        json!({ "name": "less", "scopes": scopes, "audiences": ["https://api.example"] }),
    ] {
        let session = app.ada.sign_in(&app);
        let old = app.ada.credential(&app, &body);
        let (before, access) = (get(&app, &session, &old.id).json(), old.access(&app));
        let (mut answer, mut audited) = (None, Vec::new());
        let listed = app.listed(|| {
            audited = app.audited(|| answer = Some(rotate(&app, &session, &old.id, &json!({}))));
        });
        let answer = answer.unwrap();
        let new = made(&answer);
        assert_eq!(answer.header("location"), Some(&*format!("{PATH}/{}", new.id)));
        assert_eq!([old.is_alive(&app), new.is_alive(&app)], [false, true], "{body}");
        assert_ne!(app.get("/api/v1/session").bearer(&access).send().status, 200, "its access tokens too");
        let (after, view) = (get(&app, &session, &old.id).json(), get(&app, &session, &new.id).json());
        for member in ["organization_id", "owner", "name", "kind", "permission", "scopes", "audiences"] {
            assert_eq!(view[member], before[member], "{member}");
        }
        assert_eq!(view["number"].as_i64().unwrap(), before["number"].as_i64().unwrap() + 1);
        let marks = |of: &Value| json!([of["rotated_from"], of["rotated_to"], of["rotated_at"], of["state"]]);
        assert_eq!(marks(&view), json!([old.id, null, null, "active"]));
        assert_eq!(marks(&after), json!([null, new.id, app.clock.now(), "revoked"]));
        assert_eq!(json!([after["revoked_reason"], after["revoked_by"]]), json!(["rotated", app.ada.id]));
        assert_eq!(listed, [(Target::Credential(old.id.parse().unwrap()), true)]);
        let [record] = audited.as_slice() else { panic!("{audited:?}") };
        assert_eq!((record.action.as_str(), record.subject_id.as_deref()), ("credential.rotate", Some(&*old.id)));
        let detail: Value = serde_json::from_str(record.detail.as_deref().unwrap()).unwrap();
        let expected = json!({ "number": before["number"], "rotated_to": new.id, "overlap": 0, "after_use": false });
        assert_eq!(detail, expected);
    }
}

#[test]
fn with_an_overlap_both_are_good_until_it_is_over() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let old = app.ada.credential(&app, &json!({ "name": "laptop" }));
    let end = app.clock.now().plus_seconds(60);
    let listed = app.listed(|| drop(made(&rotate(&app, &session, &old.id, &json!({ "overlap": 60 })))));
    assert_eq!(listed, [(Target::Credential(old.id.parse().unwrap()), true)], "access tokens could outlive it");
    let other = app.ada.credential(&app, &json!({ "name": "desktop" }));
    let listed = app.listed(|| drop(made(&rotate(&app, &session, &other.id, &json!({ "overlap": 3600 })))));
    assert_eq!(listed, [(Target::Credential(other.id.parse().unwrap()), false)], "none lives for an hour");
    let seen = get(&app, &session, &old.id).json();
    assert_eq!(json!([seen["expires_at"], seen["state"]]), json!([end, "active"]));
    app.clock.advance(seconds(59));
    assert!(old.is_alive(&app));
    app.clock.advance(seconds(1));
    assert!(!old.is_alive(&app));
    assert_eq!(get(&app, &app.ada.sign_in(&app), &old.id).json()["state"], "expired");
}

#[test]
fn an_overlap_lengthens_no_life() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let old = app.ada.credential(&app, &json!({ "name": "laptop", "expires_in": 60 }));
    let listed = app.listed(|| drop(made(&rotate(&app, &session, &old.id, &json!({ "overlap": 600 })))));
    assert_eq!(listed, [], "nothing about it changes");
    app.clock.advance(seconds(60));
    assert!(!old.is_alive(&app));
    for body in [json!({ "expires_in": 600 }), json!({ "expires_at": null })] {
        let answer = patch(&app, &app.ada.sign_in(&app), &old.id, &body);
        assert_eq!(answer.json()["detail"], "expires_at of a token that was rotated can only become earlier", "{body}");
    }
}

#[test]
fn after_use_means_within_thirty_days_or_the_overlap() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for (body, longest) in
        [(json!({ "after_use": true }), 30 * 86_400), (json!({ "after_use": true, "overlap": 60 }), 60)]
    {
        let old = app.ada.credential(&app, &json!({ "name": "laptop" }));
        let new = made(&rotate(&app, &session, &old.id, &body));
        assert!(old.is_alive(&app) && new.is_alive(&app));
        let seen = get(&app, &session, &old.id).json();
        assert_eq!(seen["expires_at"], json!(app.clock.now().plus_seconds(longest)), "{body}");
    }
}

#[test]
fn one_is_rotated_once_and_while_it_is_not_revoked() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let [first, second] = ["a", "b"].map(|name| app.ada.credential(&app, &json!({ "name": name })));
    let again = |id: &str| refused(&rotate(&app, &session, id, &json!({ "overlap": 60 })));
    let new = made(&rotate(&app, &session, &first.id, &json!({ "overlap": 60 })));
    assert_eq!(again(&first.id), (409, "token_rotated".to_owned()));
    assert_eq!(delete(&app, &session, &first.id).status, 204);
    assert_eq!(again(&first.id), (409, "token_rotated".to_owned()));
    assert_eq!(delete(&app, &session, &second.id).status, 204);
    assert_eq!(again(&second.id), (409, "token_revoked".to_owned()));
    made(&rotate(&app, &session, &new.id, &json!({})));
    assert!(!new.is_alive(&app), "the new one in its turn, since the first is revoked");
}

#[test]
fn two_at_once_make_one() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for round in 0..10 {
        let (old, start) = (app.ada.credential(&app, &json!({ "name": "race" })), Barrier::new(2));
        let race = || {
            start.wait();
            rotate(&app, &session, &old.id, &json!({})).status
        };
        let mut statuses = thread::scope(|scope| {
            let threads = [scope.spawn(race), scope.spawn(race)];
            threads.map(|thread| thread.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "round {round}");
    }
}

#[test]
fn the_new_one_lives_as_long_within_the_policy() {
    let app = TestApp::new();
    let ends = |body: Value, ask: Value| {
        let old = app.ada.credential(&app, &body);
        app.clock.advance(seconds(10));
        let answer = rotate(&app, &app.ada.sign_in(&app), &old.id, &ask);
        made(&answer);
        answer.json()["expires_at"].clone()
    };
    let within = |seconds| json!(app.clock.now().plus_seconds(seconds));
    assert_eq!(ends(json!({ "name": "a" }), json!({})), Value::Null);
    assert_eq!(ends(json!({ "name": "a", "expires_in": 600 }), json!({})), within(600));
    assert_eq!(ends(json!({ "name": "a", "expires_in": 600 }), json!({ "expires_in": 30 })), within(30));
    assert_eq!(ends(json!({ "name": "a", "expires_in": 600 }), json!({ "expires_at": null })), Value::Null);
    let long = app.ada.credential(&app, &json!({ "name": "long", "expires_in": 9000 }));
    let endless = app.ada.credential(&app, &json!({ "name": "endless" }));
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_max_ttl": 3600 })).status, 200);
    let session = app.ada.sign_in(&app);
    for old in [&long, &endless] {
        let answer = rotate(&app, &session, &old.id, &json!({}));
        made(&answer);
        assert_eq!(answer.json()["expires_at"], within(3600));
    }
    let old = app.ada.credential(&app, &json!({ "name": "a" }));
    let answer = rotate(&app, &session, &old.id, &json!({ "expires_in": 3601 }));
    assert_eq!(answer.json()["detail"], "expires_in is later than the organization's policy allows");
    assert!(old.is_alive(&app));
}

#[test]
fn what_the_policy_would_not_let_be_made_is_not() {
    let app = TestApp::new();
    let wide = json!({ "allowed_kinds": ["opaque", "jwt", "legacy"], "allowed_audiences": ["https://api.example"] });
    assert_eq!(app.ada.patch_policy(&app, &wide).status, 200);
    let make = |body: Value| app.ada.credential(&app, &body).id;
    let legacy = make(json!({ "name": "a", "kind": "legacy" }));
    let elsewhere = make(json!({ "name": "a", "audiences": ["https://api.example"] }));
    let plain = make(json!({ "name": "a" }));
    let detail = |id: &str| {
        let answer = rotate(&app, &app.ada.sign_in(&app), id, &json!({}));
        (answer.status, answer.json()["detail"].as_str().unwrap().to_owned())
    };
    for (patch, id, expected) in [
        (json!({ "allowed_kinds": ["opaque"] }), &legacy, "kind is not allowed by the organization's policy"),
        (json!({ "allowed_audiences": [] }), &elsewhere, "audiences must be allowed by the organization's policy"),
        (json!({ "require_scopes": true }), &plain, "scopes are required by the organization's policy"),
        (
            json!({ "require_scopes": false, "require_expiry": true }),
            &plain,
            "expires_at is required by the organization's policy",
        ),
    ] {
        assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
        assert_eq!(detail(id), (422, expected.to_owned()), "{patch}");
    }
}

#[test]
fn a_rotated_one_takes_no_place() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 2 })).status, 200);
    let session = bob.sign_in(&app);
    let first = bob.credential(&app, &json!({ "name": "a" }));
    let expired = bob.credential(&app, &json!({ "name": "b", "expires_in": 60 }));
    let second = made(&rotate(&app, &session, &first.id, &json!({ "overlap": 86_400 })));
    assert_eq!(refused(&create(&app, &session, &json!({ "name": "c" }))), (409, "token_limit_reached".to_owned()));
    app.clock.advance(seconds(60));
    assert_eq!(create(&app, &session, &json!({ "name": "in place of the expired one" })).status, 201);
    assert!(first.is_alive(&app) && second.is_alive(&app));
    let full = rotate(&app, &session, &expired.id, &json!({}));
    assert_eq!(refused(&full), (409, "token_limit_reached".to_owned()), "it has no place to leave");
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 0 })).status, 200);
    assert_eq!(delete(&app, &session, &first.id).status, 204);
    made(&rotate(&app, &session, &second.id, &json!({})));
}

#[test]
fn no_chain_of_rotations_gets_around_the_limit() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 1 })).status, 200);
    let session = bob.sign_in(&app);
    let first = bob.credential(&app, &json!({ "name": "a" }));
    let long = json!({ "overlap": 2_592_000 });
    let second = made(&rotate(&app, &session, &first.id, &long));
    assert_eq!(refused(&rotate(&app, &session, &second.id, &long)), (409, "predecessor_alive".to_owned()));
    let kinds = |kinds: Value| assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_kinds": kinds })).status, 200);
    kinds(json!(["jwt"]));
    assert_eq!(refused(&rotate(&app, &session, &second.id, &long)).1, "predecessor_alive", "it may come back");
    kinds(json!(["opaque", "jwt"]));
    // The successor ends before the one that it replaced: by its end, or since it is revoked.
    assert_eq!(delete(&app, &session, &second.id).status, 204);
    assert!(first.is_alive(&app));
    let full = create(&app, &session, &json!({ "name": "b" }));
    assert_eq!(refused(&full), (409, "token_limit_reached".to_owned()), "it has the place of its successor");
    assert_eq!(delete(&app, &session, &first.id).status, 204);
    let other = bob.credential(&app, &json!({ "name": "b" }));
    let brief = json!({ "overlap": 86_400, "expires_in": 60 });
    let brief = made(&rotate(&app, &session, &other.id, &brief));
    app.clock.advance(seconds(60));
    assert!(other.is_alive(&app) && !brief.is_alive(&app));
    assert_eq!(create(&app, &session, &json!({ "name": "c" })).status, 409);
    let revived = patch(&app, &session, &brief.id, &json!({ "expires_in": 60 }));
    assert_eq!((revived.status, &revived.json()["state"]), (200, &json!("active")), "both have one place together");
    app.clock.advance(days(1));
    assert_eq!(create(&app, &bob.sign_in(&app), &json!({ "name": "c" })).status, 201);
}

#[test]
fn once_the_one_before_has_ended_the_chain_goes_on() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let first = app.ada.credential(&app, &json!({ "name": "a" }));
    let second = made(&rotate(&app, &session, &first.id, &json!({ "overlap": 60 })));
    assert_eq!(refused(&rotate(&app, &session, &second.id, &json!({}))).1, "predecessor_alive");
    app.clock.advance(seconds(60));
    let third = made(&rotate(&app, &session, &second.id, &json!({})));
    let fourth = made(&rotate(&app, &session, &third.id, &json!({})));
    assert_eq!([&first, &second, &third, &fourth].map(|token| token.is_alive(&app)), [false, false, false, true]);
}

#[test]
fn a_token_that_rotates_itself_lives_for_a_minute_to_ask_again() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    for body in
        [json!({}), json!({ "overlap": 0 }), json!({ "overlap": 59 }), json!({ "overlap": 3, "after_use": true })]
    {
        let old = app.ada.credential(&app, &json!({ "name": "script" }));
        let new = made(&rotate(&app, &old.text, &old.id, &body));
        let seen = get(&app, &old.text, &old.id).json();
        assert_eq!(seen["expires_at"], json!(app.clock.now().plus_seconds(60)), "{body}");
        app.clock.advance(seconds(59));
        assert!(old.is_alive(&app) && new.is_alive(&app));
        app.clock.advance(seconds(1));
        assert!(!old.is_alive(&app) && new.is_alive(&app));
    }
    let old = app.ada.credential(&app, &json!({ "name": "script" }));
    let access = old.access(&app);
    let new = made(&rotate(&app, &access, &old.id, &json!({})));
    assert!(old.is_alive(&app) && new.is_alive(&app), "an access token of it is the token");
    let old = app.ada.credential(&app, &json!({ "name": "script" }));
    made(&rotate(&app, &old.text, &old.id, &json!({ "overlap": 61 })));
    let seen = get(&app, &old.text, &old.id).json();
    assert_eq!(seen["expires_at"], json!(app.clock.now().plus_seconds(61)));
}

#[test]
fn values_are_checked() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let old = app.ada.credential(&app, &json!({ "name": "a" }));
    for body in [
        json!({ "overlap": -1 }),
        json!({ "overlap": 2_592_001 }),
        json!({ "overlap": null }),
        json!({ "overlap": "60" }),
        json!({ "after_use": null }),
        json!({ "expires_in": 60, "expires_at": app.clock.now() }),
        json!({ "expires_in": 0 }),
        json!({ "name": "b" }),
    ] {
        assert_eq!(refused(&rotate(&app, &session, &old.id, &body)), (422, "invalid".to_owned()), "{body}");
    }
    assert!(old.is_alive(&app));
    made(&rotate(&app, &session, &old.id, &json!({ "overlap": 2_592_000 })));
    app.clock.advance(days(1));
    assert!(old.is_alive(&app));
}

#[test]
fn it_is_for_its_owner_and_for_tokens_that_may_manage() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "of bob" }));
    let ask = |bearer: &str| refused(&rotate(&app, bearer, &own.id, &json!({})));
    assert_eq!(ask(&app.ada.sign_in(&app)), (404, "not_found".to_owned()));
    assert_eq!(ask(&own.text), (403, "forbidden".to_owned()));
    assert_eq!(app.post(&format!("{PATH}/{}/rotate", own.id)).json(&json!({})).send().status, 401);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    let short = bob.credential(&app, &json!({ "name": "short", "expires_in": 60 }));
    assert_eq!(ask(&short.text), (403, "forbidden".to_owned()), "it would make one that outlives it");
    assert!(own.is_alive(&app));
    let new = made(&rotate(&app, &own.text, &own.id, &json!({})));
    app.clock.advance(seconds(60));
    assert!(!own.is_alive(&app) && new.is_alive(&app), "a script that rotates what it holds");
}
