//! Rotation: a script that loses the answer is not locked out.

use serde_json::json;

use super::{TOKENS, count, keyed, made, refused};
use crate::support::{Credential, TestApp, seconds};

fn path(token: &Credential) -> String {
    format!("{TOKENS}/{}/rotate", token.id)
}

#[test]
fn a_token_that_rotated_itself_asks_again_for_its_successor() {
    let app = TestApp::new();
    let policy = json!({ "token_management": true, "max_tokens_per_user": 3 });
    assert_eq!(app.ada.patch_policy(&app, &policy).status, 200);
    let old = app.ada.credential(&app, &json!({ "name": "script" }));
    let before = count(&app, &old.text);
    let ask = |bearer: &str| keyed(&app, bearer, &path(&old), "one", &json!({}));
    let lost = made(&ask(&old.text));
    app.clock.advance(seconds(30));
    let found = made(&ask(&old.text));
    assert_eq!(found.id, lost.id, "the same slot");
    assert_eq!([&old, &lost, &found].map(|token| token.is_alive(&app)), [true, false, true]);
    let again = made(&ask(&old.access(&app)));
    assert!(!found.is_alive(&app) && again.is_alive(&app), "with an access token of it too");
    assert_eq!(count(&app, &old.text), before + 1);
    let other = keyed(&app, &old.text, &path(&old), "other", &json!({}));
    assert_eq!(refused(&other), (409, "token_rotated".to_owned()));
    app.clock.advance(seconds(30));
    assert_eq!(ask(&old.text).status, 401, "as any that is dead");
    assert!(again.is_alive(&app));
    let third = made(&keyed(&app, &again.text, &path(&again), "one", &json!({})));
    assert!(third.is_alive(&app), "the successor is a caller of its own, and may choose the same key");
}

#[test]
fn what_was_made_within_the_rights_of_the_old_one_still_is() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    let old = app.ada.credential(&app, &json!({ "name": "script", "expires_in": 600 }));
    let ask = || keyed(&app, &old.text, &path(&old), "one", &json!({ "expires_in": 600 }));
    let lost = made(&ask());
    let wider = json!({ "expires_in": 9000 });
    let session = app.ada.sign_in(&app);
    assert_eq!(app.request("PATCH", &format!("{TOKENS}/{}", lost.id)).bearer(&session).json(&wider).send().status, 200);
    let found = made(&ask());
    assert!(found.is_alive(&app) && !lost.is_alive(&app));
    assert_eq!(app.delete(&format!("{TOKENS}/{}", found.id)).bearer(&session).send().status, 204);
    assert_eq!(refused(&ask()), (409, "token_revoked".to_owned()), "and no other one comes");
}

#[test]
fn a_person_who_ends_the_old_one_at_once_asks_again_too() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let old = app.ada.credential(&app, &json!({ "name": "laptop" }));
    let [lost, found] = [(); 2].map(|()| made(&keyed(&app, &session, &path(&old), "one", &json!({}))));
    assert_eq!(found.id, lost.id);
    assert_eq!([&old, &lost, &found].map(|token| token.is_alive(&app)), [false, false, true]);
    let reused = keyed(&app, &session, &path(&old), "one", &json!({ "overlap": 60 }));
    assert_eq!(refused(&reused), (422, "idempotency_key_reused".to_owned()));
}
