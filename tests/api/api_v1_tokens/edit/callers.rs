//! Who may edit, and what.

use patmint::domain::{clock::Clock as _, ids::CredentialId, membership::Role, random::SystemRandomness};
use serde_json::{Value, json};

use super::{API, PATH, get, named, patch, scope};
use crate::support::{Answer, TestApp};

fn managed(allowed_audiences: &Value) -> TestApp {
    let app = TestApp::new();
    let policy = json!({ "token_management": true, "allowed_audiences": allowed_audiences });
    assert_eq!(app.ada.patch_policy(&app, &policy).status, 200);
    app
}

fn forbidden(answer: &Answer) -> bool {
    (answer.status, answer.code().as_str()) == (403, "forbidden")
}

#[test]
fn anothers_is_as_good_as_none() {
    let app = managed(&json!([]));
    let (bob, eve) = (app.member("bob", Role::Member), app.owner_of("Evil", "eve"));
    let own = bob.credential(&app, &json!({ "name": "of bob" }));
    let before = get(&app, &bob.sign_in(&app), &own.id).body;
    let nobodys = CredentialId::generate(app.clock.now(), &SystemRandomness::default()).to_string();
    let expected = patch(&app, &app.ada.sign_in(&app), &nobodys, &json!({ "name": "a" }));
    assert_eq!((expected.status, expected.code().as_str()), (404, "not_found"));
    let audited = app.audited(|| {
        for bearer in [app.ada.sign_in(&app), eve.sign_in(&app), app.pat.text.clone()] {
            for id in [own.id.as_str(), &nobodys, &own.id.to_uppercase(), "3", "garbage", "%00"] {
                let answer = patch(&app, &bearer, id, &json!({ "name": "a" }));
                assert_eq!((answer.status, answer.body), (404, expected.body.clone()), "{id}");
            }
        }
    });
    assert!(audited.iter().all(|record| record.action == "session.create"), "{audited:?}");
    assert_eq!(get(&app, &bob.sign_in(&app), &own.id).body, before);
    let nobody = app.request("PATCH", &format!("{PATH}/{}", own.id)).json(&json!({ "name": "a" })).send();
    assert_eq!((nobody.status, nobody.code().as_str()), (401, "unauthenticated"));
    let strange = patch(&app, "garbage", &own.id, &json!({}));
    assert_eq!(strange.status, 401, "first: who is it");
}

#[test]
fn holding_a_token_is_not_enough() {
    let app = TestApp::new();
    let own = named(&app, &json!({}));
    for bearer in [own.text.clone(), own.access(&app), app.pat.text.clone()] {
        assert!(forbidden(&patch(&app, &bearer, &own.id, &json!({ "name": "a" }))));
        assert!(forbidden(&patch(&app, &bearer, &own.id, &json!({ "permission": "read" }))), "not even to narrow it");
    }
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    for more in [json!({ "permission": "read" }), json!({ "scopes": [scope("1", "put")] }), json!({ "scopes": [] })] {
        let lesser = named(&app, &more);
        for bearer in [lesser.text.clone(), lesser.access(&app)] {
            for id in [&own.id, &lesser.id] {
                assert!(forbidden(&patch(&app, &bearer, id, &json!({ "name": "a" }))), "{more}");
            }
        }
    }
    assert_eq!(get(&app, &app.ada.sign_in(&app), &own.id).json()["name"], "laptop");
}

#[test]
fn a_token_that_manages_edits_its_owners_and_is_named() {
    let app = managed(&json!([]));
    let manager = named(&app, &json!({}));
    for bearer in [manager.text.clone(), manager.access(&app)] {
        let other = named(&app, &json!({ "permission": "read", "expires_in": 600 }));
        let audited = app.audited(|| {
            let body = json!({ "permission": "read_write", "expires_at": null });
            let answer = patch(&app, &bearer, &other.id, &body);
            assert_eq!(answer.status, 200, "{}", answer.text());
        });
        assert_eq!(audited[0].actor_credential_id.map(|id| id.to_string()).as_ref(), Some(&manager.id));
    }
    let narrowed = patch(&app, &manager.text, &manager.id, &json!({ "permission": "read" }));
    assert_eq!((narrowed.status, &narrowed.json()["permission"]), (200, &json!("read")), "itself too");
    assert!(forbidden(&patch(&app, &manager.text, &manager.id, &json!({ "permission": "read_write" }))));
}

#[test]
fn neither_what_it_was_nor_what_it_becomes_may_exceed_the_token() {
    let app = managed(&json!([API]));
    let short = named(&app, &json!({ "expires_in": 600 }));
    let check = |bearer: &str, of: Value, body: Value, status: u16| {
        let other = named(&app, &of);
        let answer = patch(&app, bearer, &other.id, &body);
        assert_eq!(answer.status, status, "{of} {body}: {}", answer.text());
        assert!(status == 200 || forbidden(&answer));
    };
    let dated = || json!({ "expires_in": 600 });
    check(&short.text, dated(), json!({ "permission": "read" }), 200);
    check(&short.text, dated(), json!({ "expires_in": 60 }), 200);
    check(&short.text, dated(), json!({ "expires_in": 601 }), 403);
    check(&short.text, dated(), json!({ "expires_at": null }), 403);
    check(&short.text, json!({}), json!({ "name": "a" }), 403);
    check(&short.text, json!({}), json!({ "expires_in": 60 }), 403);
    check(&short.text, dated(), json!({ "audiences": [API] }), 403);
    check(&short.text, json!({ "expires_in": 60, "audiences": [API] }), json!({ "audiences": null }), 403);
    check(&short.text, dated(), json!({ "audiences": [app.issuer()] }), 200);
    let both = named(&app, &json!({ "audiences": [API, app.issuer()] }));
    check(&both.text, json!({ "audiences": [API] }), json!({ "audiences": null }), 200);
    check(&both.text, json!({}), json!({ "audiences": [API] }), 200);
    let body = json!({ "refresh": both.text, "audience": app.issuer() });
    let narrowed = app.post("/api/token/refresh").json(&body).send().json();
    let narrowed = narrowed["access"].as_str().unwrap();
    check(narrowed, json!({}), json!({ "audiences": [API] }), 403);
    check(narrowed, json!({ "audiences": [API] }), json!({ "name": "a" }), 403);
    assert!(
        forbidden(&patch(&app, narrowed, &both.id, &json!({ "audiences": null }))),
        "not with what a service received"
    );
    check(narrowed, json!({}), json!({ "permission": "read" }), 200);
}

#[test]
fn a_cookie_changes_nothing_for_other_sites() {
    let app = TestApp::new();
    let own = named(&app, &json!({}));
    let cookie = format!("patmint_session={}", app.ada.sign_in(&app));
    let send = |site: &str| {
        let request = app.request("PATCH", &format!("{PATH}/{}", own.id)).header("cookie", &cookie);
        request.header("sec-fetch-site", site).json(&json!({ "name": "other" })).send()
    };
    let refused = send("cross-site");
    assert_eq!((refused.status, refused.code().as_str()), (403, "cross_site"));
    assert_eq!(send("same-origin").status, 200);
}
