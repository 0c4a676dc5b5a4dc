//! `POST /api/v1/revocations`.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp, claims, minutes};

fn hand_in(app: &TestApp, token: &str) -> Answer {
    app.post("/api/v1/revocations").json(&json!({ "token": token })).send()
}

#[test]
fn a_credential_of_any_kind_dies() {
    let app = TestApp::new();
    let kinds = json!({ "allowed_kinds": ["opaque", "jwt", "legacy"] });
    assert_eq!(app.ada.patch_policy(&app, &kinds).status, 200);
    let session = app.ada.sign_in(&app);
    for kind in ["opaque", "jwt", "legacy"] {
        let leaked = app.ada.credential(&app, &json!({ "name": kind, "kind": kind }));
        assert!(leaked.is_alive(&app));
        let answer = hand_in(&app, &leaked.text);
        assert_eq!((answer.status, answer.text()), (202, String::new()));
        assert!(!leaked.is_alive(&app), "{kind}");
        let seen = app.get(&format!("/api/v1/tokens/{}", leaked.id)).bearer(&session).send().json();
        assert_eq!(
            json!([seen["state"], seen["revoked_reason"], seen["revoked_by"]]),
            json!(["revoked", "leaked", null]),
        );
        assert!(seen["revoked_at"].is_string());
    }
    assert!(app.pat.is_alive(&app) && app.jwt.is_alive(&app));
}

#[test]
fn doing_it_again_changes_nothing() {
    let app = TestApp::new();
    let leaked = app.ada.credential(&app, &json!({ "name": "leaked" }));
    let show = || {
        let session = app.ada.sign_in(&app);
        app.get(&format!("/api/v1/tokens/{}", leaked.id)).bearer(&session).send().json()
    };
    assert_eq!(hand_in(&app, &leaked.text).status, 202);
    let first = show();
    app.clock.advance(minutes(1));
    let audited = app.audited(|| assert_eq!(hand_in(&app, &format!(" {}\n", leaked.text)).status, 202));
    assert_eq!(audited.len(), 0, "a stranger cannot make patmint write");
    assert_eq!(show(), first);
}

#[test]
fn anything_is_taken_and_only_a_credential_dies() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let access = app.pat.access(&app);
    let almost = &app.pat.text[..app.pat.text.len() - 1];
    let expected = hand_in(&app, &app.ada.credential(&app, &json!({ "name": "leaked" })).text);
    let audited = app.audited(|| {
        for token in ["", "garbage", almost, &access, &session, "\u{1f600}"] {
            let answer = hand_in(&app, token);
            assert_eq!((answer.status, answer.body), (202, expected.body.clone()), "{token}");
        }
    });
    assert_eq!(audited.len(), 0);
    assert!(app.pat.is_alive(&app), "whoever receives an access token cannot kill the credential");
    assert_eq!(claims(&access)["client_id"], claims(&app.pat.access(&app))["client_id"]);
    assert_eq!(app.get("/api/v1/session").bearer(&session).send().status, 200);
}

#[test]
fn the_access_tokens_that_are_out_die_here_too() {
    let app = TestApp::new();
    let access = app.pat.access(&app);
    let list = || app.get("/api/v1/tokens").bearer(&access).send().status;
    assert_eq!(list(), 200);
    assert_eq!(hand_in(&app, &app.pat.text).status, 202);
    assert_eq!(list(), 401);
}

#[test]
fn a_body_without_a_token_is_refused() {
    let app = TestApp::new();
    let send = |body: Value| app.post("/api/v1/revocations").json(&body).send();
    for body in [json!({}), json!({ "token": 7 }), json!({ "token": "a", "why": "b" }), json!(["a"]), json!("a")] {
        assert_eq!((send(body.clone()).status, send(body.clone()).code().as_str()), (422, "invalid"), "{body}");
    }
    let form = app.post("/api/v1/revocations").form(&[("token", "a")]).send();
    assert_eq!((form.status, form.code().as_str()), (415, "unsupported_media_type"));
    let long = app.post("/api/v1/revocations").json(&json!({ "token": "x".repeat(65_536) })).send();
    assert_eq!((long.status, long.code().as_str()), (413, "body_too_large"));
}
