//! `POST /oauth/revoke` (RFC 7009).

use serde_json::json;

use crate::support::{Answer, TestApp, hours};

fn revoke(app: &TestApp, form: &[(&str, &str)]) -> Answer {
    app.post("/oauth/revoke").form(form).send()
}

#[test]
fn whoever_holds_a_credential_may_end_it() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for (kind, hint) in [("opaque", None), ("jwt", Some("refresh_token")), ("opaque", Some("access_token"))] {
        let own = app.ada.credential(&app, &json!({ "name": kind, "kind": kind }));
        assert!(own.is_alive(&app));
        let mut form = vec![("token", own.text.as_str())];
        form.extend(hint.map(|hint| ("token_type_hint", hint)));
        for time in ["once", "twice"] {
            let answer = revoke(&app, &form);
            assert_eq!((answer.status, answer.text()), (200, String::new()), "{kind}, {time}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        assert!(!own.is_alive(&app), "{kind}");
        let seen = app.get(&format!("/api/v1/tokens/{}", own.id)).bearer(&session).send().json();
        assert_eq!(json!([seen["revoked_reason"], seen["revoked_by"]]), json!(["holder", null]));
    }
    assert!(app.pat.is_alive(&app));
}

#[test]
fn an_access_token_is_not_revoked_and_its_credential_lives_on() {
    let app = TestApp::new();
    let access = app.pat.access(&app);
    let assert_refused = || {
        let answer = revoke(&app, &[("token", &access), ("token_type_hint", "access_token")]);
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("unsupported_token_type")));
    };
    assert_refused();
    assert!(app.pat.is_alive(&app));
    app.clock.advance(hours(1));
    assert_refused();
    assert!(app.pat.is_alive(&app));
}

#[test]
fn what_is_unknown_is_as_good_as_revoked() {
    let (app, elsewhere) = (TestApp::new(), TestApp::new());
    let session = app.ada.sign_in(&app);
    for token in ["", "garbage", &elsewhere.pat.text, &elsewhere.pat.access(&elsewhere), &session] {
        let answer = revoke(&app, &[("token", token)]);
        assert_eq!((answer.status, answer.text()), (200, String::new()), "{token}");
    }
    assert_eq!(app.get("/api/v1/session").bearer(&session).send().status, 200);
    assert!(elsewhere.pat.is_alive(&elsewhere));
}

#[test]
fn exactly_one_token_is_required() {
    let app = TestApp::new();
    let (pat, jwt) = (app.pat.text.as_str(), app.jwt.text.as_str());
    let json = app.post("/oauth/revoke").json(&json!({ "token": pat })).send();
    let not_utf8 = app.post("/oauth/revoke").text("application/x-www-form-urlencoded", "token=%ff").send();
    for answer in [
        revoke(&app, &[]),
        revoke(&app, &[("refresh", pat)]),
        revoke(&app, &[("token", pat), ("token", pat)]),
        revoke(&app, &[("token", pat), ("token", jwt)]),
        app.post("/oauth/revoke").send(),
        json,
    ] {
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_request")));
        assert!(answer.json()["error_description"].is_string() && !answer.text().contains(pat));
    }
    assert_eq!(not_utf8.status, 200, "unknown: no token is written so");
    assert!(app.pat.is_alive(&app) && app.jwt.is_alive(&app));
    let long = revoke(&app, &[("token", &"x".repeat(65_536))]);
    assert_eq!((long.status, &long.json()["error"]), (413, &json!("invalid_request")));
    assert_eq!(app.get("/oauth/revoke").send().header("allow"), Some("POST"));
}
