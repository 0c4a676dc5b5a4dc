//! What a caller may do who shows a token instead of a session.

use serde_json::json;

use super::{PATH, create, delete, get, id_of};
use crate::support::{Answer, TestApp, seconds};

fn forbidden(answer: &Answer) -> bool {
    (answer.status, answer.code().as_str()) == (403, "forbidden")
}

#[test]
fn a_token_sees_its_owners_and_changes_none() {
    let app = TestApp::new();
    let other = app.ada.credential(&app, &json!({ "name": "other" }));
    for bearer in [app.pat.text.clone(), app.jwt.text.clone(), app.pat.access(&app)] {
        assert_eq!(app.get(PATH).bearer(&bearer).send().json()["items"].as_array().unwrap().len(), 3);
        assert_eq!(get(&app, &bearer, &other.id).status, 200);
        assert!(forbidden(&create(&app, &bearer, &json!({ "name": "a" }))));
        assert!(forbidden(&delete(&app, &bearer, &other.id)));
    }
    assert!(other.is_alive(&app));
}

#[test]
fn anyone_may_revoke_the_token_they_hold() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let restricted = app.ada.credential(&app, &json!({ "name": "restricted", "permission": "read", "scopes": [] }));
    assert_eq!(delete(&app, &restricted.text, &restricted.id).status, 204);
    let seen = get(&app, &session, &restricted.id).json();
    assert_eq!(json!([seen["revoked_by"], seen["revoked_reason"]]), json!([app.ada.id, "requested"]));
    assert_eq!(delete(&app, &restricted.text, &restricted.id).status, 401, "it is nobody now");

    let id = id_of(&app, &session, "first token");
    let refused = delete(&app, &app.pat.access(&app), &id);
    assert!(forbidden(&refused), "every service that gets an access token holds it");
    assert!(app.pat.is_alive(&app));
}

#[test]
fn an_access_token_counts_if_it_is_for_patmint() {
    let app = TestApp::new();
    let api = "https://api.example";
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_audiences": [api] })).status, 200);
    let list = |bearer: &str| app.get(PATH).bearer(bearer).send().status;
    let access = |audiences| app.ada.credential(&app, &json!({ "name": "a", "audiences": audiences })).access(&app);
    assert_eq!(list(&access(json!(null))), 200);
    assert_eq!(list(&access(json!([api, app.issuer()]))), 200);
    assert_eq!(list(&access(json!([api]))), 401, "whoever received it could use it here");
    let good = access(json!(null));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other = app.pat.access(&app);
    for forged in [format!("{head}."), head.to_owned(), format!("{head}.{}", other.rsplit_once('.').unwrap().1)] {
        assert_eq!(list(&forged), 401, "{forged} without {signature}");
    }
    let elsewhere = TestApp::new();
    assert_eq!(list(&elsewhere.pat.access(&elsewhere)), 401);
}

#[test]
fn an_access_token_dies_by_time_or_with_its_credential() {
    let app = TestApp::new();
    let list = |bearer: &str| app.get(PATH).bearer(bearer).send().status;
    let own = app.ada.credential(&app, &json!({ "name": "laptop" }));
    let (access, other) = (own.access(&app), app.pat.access(&app));
    assert_eq!(delete(&app, &app.ada.sign_in(&app), &own.id).status, 204);
    assert_eq!((list(&access), list(&other)), (401, 200), "at once, with nothing to wait for");
    app.clock.advance(seconds(299));
    assert_eq!(list(&other), 200);
    app.clock.advance(seconds(1));
    assert_eq!(list(&other), 401);
}

#[test]
fn a_token_is_judged_as_in_an_exchange() {
    let app = TestApp::new();
    let access = app.pat.access(&app);
    let list = |bearer: &str| app.get(PATH).bearer(bearer).send().status;
    let patch = |patch| assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    assert_eq!([list(&app.pat.text), list(&access)], [200, 200]);
    for against in [json!({ "allowed_kinds": ["jwt"] }), json!({ "allowed_networks": ["10.0.0.0/8"] })] {
        patch(against.clone());
        assert_eq!([list(&app.pat.text), list(&access)], [401, 401], "{against}");
        patch(json!({ "allowed_kinds": ["opaque", "jwt"], "allowed_networks": [] }));
        assert_eq!([list(&app.pat.text), list(&access)], [200, 200], "{against} taken back");
    }
    app.disable(&app.ada);
    assert_eq!([list(&app.pat.text), list(&access)], [401, 401]);
}

#[test]
fn a_legacy_token_may_come_as_token() {
    let app = TestApp::new();
    let kinds = json!({ "allowed_kinds": ["opaque", "jwt", "legacy"] });
    assert_eq!(app.ada.patch_policy(&app, &kinds).status, 200);
    let legacy = app.ada.credential(&app, &json!({ "name": "old script", "kind": "legacy" }));
    let status =
        |scheme: &str, token: &str| app.get(PATH).header("authorization", &format!("{scheme} {token}")).send().status;
    for scheme in ["Token", "token", "Bearer", "bearer"] {
        assert_eq!(status(scheme, &legacy.text), 200, "{scheme}");
    }
    assert_eq!(status("Basic", &legacy.text), 401);
    for token in [&app.pat.text, &app.jwt.text, &app.pat.access(&app)] {
        assert_eq!(status("Token", token), 401);
    }
}
