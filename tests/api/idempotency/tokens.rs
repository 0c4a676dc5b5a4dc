//! Making a token.

use patmint::domain::{list::Target, membership::Role};
use serde_json::{Value, json};

use super::{TOKENS, count, keyed, made, refused};
use crate::support::{TestApp, claims, seconds};

#[test]
fn a_repeat_leads_to_the_same_token_with_a_fresh_secret() {
    let app = TestApp::new();
    let everything = json!({ "allowed_kinds": ["opaque", "jwt", "legacy"], "max_tokens_per_user": 1 });
    assert_eq!(app.ada.patch_policy(&app, &everything).status, 200);
    for kind in ["opaque", "jwt", "legacy"] {
        let bob = app.member(&format!("bob-{kind}"), Role::Member);
        let session = bob.sign_in(&app);
        let body = json!({ "name": "laptop", "kind": kind, "expires_in": 600 });
        let ask = || keyed(&app, &session, TOKENS, "one", &body);
        let answer = ask();
        let (unseen, first) = (made(&answer), answer.json());
        let access = unseen.access(&app);
        app.clock.advance(seconds(10));
        let mut repeat = None;
        let mut listed = Vec::new();
        let records = app.audited(|| listed = app.listed(|| repeat = Some(ask())));
        let repeat = repeat.unwrap();
        let fresh = made(&repeat);
        assert_eq!(repeat.header("location"), answer.header("location"));
        for member in ["id", "number", "created_at", "expires_at", "state"] {
            assert_eq!(repeat.json()[member], first[member], "{kind}: {member}");
        }
        assert!(!unseen.is_alive(&app) && fresh.is_alive(&app), "{kind}: never two that live");
        assert_eq!(app.get("/api/v1/session").bearer(&access).send().status, 401, "{kind}: its access tokens too");
        assert_eq!(count(&app, &session), 1, "{kind}");
        assert_eq!(listed, [(Target::Credential(fresh.id.parse().unwrap()), true)], "{kind}");
        let actions: Vec<_> = records.iter().map(|record| record.action.as_str()).collect();
        assert_eq!(actions, ["credential.renew_secret"], "{kind}");
        assert!(!format!("{records:?}").contains(&fresh.text), "{kind}");
        if kind == "jwt" {
            assert_eq!(
                [&unseen, &fresh].map(|token| claims(&token.text)["exp"].clone())[0],
                claims(&fresh.text)["exp"]
            );
        }
        let third = made(&ask());
        assert!(!fresh.is_alive(&app) && third.is_alive(&app), "{kind}: as often as it is asked");
    }
}

#[test]
fn without_a_key_or_with_another_one_there_are_two() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let before = count(&app, &session);
    let body = json!({ "name": "laptop" });
    let all = ["one", "other"].map(|key| made(&keyed(&app, &session, TOKENS, key, &body)));
    assert_eq!(app.post(TOKENS).bearer(&session).json(&body).send().status, 201);
    assert!(all.iter().all(|token| token.is_alive(&app)) && all[0].id != all[1].id);
    assert_eq!(count(&app, &session), before + 3);
}

#[test]
fn a_key_names_one_request_of_one_caller() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    let (ada, bob) = (app.ada.sign_in(&app), app.member("bob", Role::Member).sign_in(&app));
    let body = json!({ "name": "laptop", "permission": "read" });
    let first = made(&keyed(&app, &ada, TOKENS, "one", &body));
    let reused = (422, "idempotency_key_reused".to_owned());
    assert_eq!(refused(&keyed(&app, &ada, TOKENS, "one", &json!({ "name": "desktop" }))), reused);
    let rotate = format!("{TOKENS}/{}/rotate", first.id);
    assert_eq!(refused(&keyed(&app, &ada, &rotate, "one", &body)).0, 422, "not a rotation's body");
    assert_eq!(refused(&keyed(&app, &ada, &rotate, "one", &json!({}))), reused, "nor another place");
    assert!(first.is_alive(&app), "a refusal changes nothing");
    // Bob, and a token of Ada's own, are others: what she made with it is not theirs to ask for.
    let others = [&bob, &app.pat.text].map(|bearer| made(&keyed(&app, bearer, TOKENS, "one", &body)));
    assert!(first.is_alive(&app) && others.iter().all(|other| other.is_alive(&app) && other.id != first.id));
    // Ada who has signed in anew is not, and writes the same in another order.
    let again = app.ada.sign_in(&app);
    let request = app.post(TOKENS).bearer(&again).header("idempotency-key", "\"one\"");
    let same = made(&request.text("application/json", r#" {"permission":"read",  "name":"laptop"}"#).send());
    assert_eq!(same.id, first.id);
}

#[test]
fn a_key_is_remembered_for_a_day() {
    let app = TestApp::new();
    let body = json!({ "name": "laptop" });
    let ask = || made(&keyed(&app, &app.ada.sign_in(&app), TOKENS, "one", &body));
    let first = ask();
    app.clock.advance(seconds(86_399));
    assert_eq!(ask().id, first.id);
    app.clock.advance(seconds(1));
    let second = ask();
    assert_ne!(second.id, first.id);
    assert_eq!(ask().id, second.id, "and then the new one is");
}

#[test]
fn what_failed_leaves_the_key_free() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "max_tokens_per_user": 1 })).status, 200);
    let bob = app.member("bob", Role::Member);
    let session = bob.sign_in(&app);
    let other = bob.credential(&app, &json!({ "name": "other" }));
    let body = json!({ "name": "laptop" });
    assert_eq!(refused(&keyed(&app, &session, TOKENS, "one", &body)), (409, "token_limit_reached".to_owned()));
    assert_eq!(app.delete(&format!("{TOKENS}/{}", other.id)).bearer(&session).send().status, 204);
    let first = made(&keyed(&app, &session, TOKENS, "one", &body));
    assert_eq!(made(&keyed(&app, &session, TOKENS, "one", &body)).id, first.id);
}

#[test]
fn what_is_dead_stays_dead() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let body = json!({ "name": "laptop" });
    let [revoked, rotated] = ["revoked", "rotated"].map(|key| made(&keyed(&app, &session, TOKENS, key, &body)));
    assert_eq!(app.delete(&format!("{TOKENS}/{}", revoked.id)).bearer(&session).send().status, 204);
    assert_eq!(refused(&keyed(&app, &session, TOKENS, "revoked", &body)), (409, "token_revoked".to_owned()));
    let path = format!("{TOKENS}/{}/rotate", rotated.id);
    assert_eq!(app.post(&path).bearer(&session).json(&json!({ "overlap": 600 })).send().status, 201);
    assert_eq!(refused(&keyed(&app, &session, TOKENS, "rotated", &body)), (409, "token_rotated".to_owned()));
    assert!(rotated.is_alive(&app) && !revoked.is_alive(&app));
}

#[test]
fn a_repeat_is_judged_by_present_rights() {
    let app = TestApp::new();
    let policy = |patch: Value| assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    policy(json!({ "token_management": true }));
    let bob = app.member("bob", Role::Member);
    let of_bob = bob.credential(&app, &json!({ "name": "script" }));
    let body = json!({ "name": "made by it" });
    let ask = || keyed(&app, &of_bob.text, TOKENS, "one", &body);
    let first = made(&ask());
    policy(json!({ "token_management": false }));
    assert_eq!(refused(&ask()), (403, "forbidden".to_owned()));
    policy(json!({ "token_management": true }));
    let script = format!("{TOKENS}/{}", of_bob.id);
    let shorter = app.request("PATCH", &script).bearer(&bob.sign_in(&app)).json(&json!({ "expires_in": 600 })).send();
    assert_eq!(shorter.status, 200);
    assert_eq!(refused(&ask()), (403, "forbidden".to_owned()), "it lives longer than the one that asks");
    assert!(first.is_alive(&app), "a refusal changes nothing");
    assert_eq!(app.delete(&script).bearer(&bob.sign_in(&app)).send().status, 204);
    assert_eq!(ask().status, 401);
    app.end_membership(&bob);
    let session = bob.sign_in(&app);
    assert_eq!(refused(&keyed(&app, &session, TOKENS, "one", &body)), (403, "forbidden".to_owned()));
}
