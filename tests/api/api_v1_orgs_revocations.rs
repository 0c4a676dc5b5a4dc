//! `/api/v1/orgs/{org}/revocations`: many tokens end at once.

use patmint::domain::{clock::Clock as _, ids::CredentialId, list::Target, membership::Role, random::SystemRandomness};
use serde_json::{Value, json};

use crate::support::{Answer, Credential, Person, TestApp, seconds};

const PATH: &str = "/api/v1/orgs/acme/revocations";

fn revoke(app: &TestApp, bearer: &str, body: &Value) -> Answer {
    app.post(PATH).bearer(bearer).json(body).send()
}

/// Revokes as Ada, in one change with one audit row; how many, the list's entries and the audit row's detail.
fn revoked(app: &TestApp, body: &Value) -> (Value, Vec<(Target, bool)>, Value) {
    let session = app.ada.sign_in(app);
    let (mut count, mut audited) = (Value::Null, Vec::new());
    let listed = app.listed(|| {
        audited = app.audited(|| {
            let answer = revoke(app, &session, body);
            assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
            count = answer.json();
        });
    });
    let [record] = audited.as_slice() else { panic!("{audited:?}") };
    assert_eq!(record.action, "credential.revoke_many");
    assert_eq!(record.actor_user_id.map(|id| id.to_string()), Some(app.ada.id.clone()));
    assert_eq!(record.organization_id.map(|id| id.to_string()), Some(app.organization_id.clone()));
    (count["revoked"].clone(), listed, serde_json::from_str(record.detail.as_deref().unwrap()).unwrap())
}

/// Nothing more is revoked, and nothing written.
fn assert_done(app: &TestApp, body: &Value) {
    let session = app.ada.sign_in(app);
    let audited = app.audited(|| assert_eq!(revoke(app, &session, body).json(), json!({ "revoked": 0 })));
    assert!(audited.is_empty(), "{audited:?}");
}

fn app_with_bob() -> (TestApp, Person, [Credential; 3]) {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let made = ["a", "b", "c"].map(|name| bob.credential(&app, &json!({ "name": name })));
    (app, bob, made)
}

fn target(credential: &Credential) -> (Target, bool) {
    (Target::Credential(credential.id.parse().unwrap()), true)
}

#[test]
fn those_named_end_with_their_access_tokens() {
    let (app, bob, [a, b, c]) = app_with_bob();
    let access = [&a, &c].map(|own| own.access(&app));
    let body = json!({ "ids": [a.id, b.id, a.id] });
    let (count, listed, detail) = revoked(&app, &body);
    assert_eq!((count, detail["revoked"].clone()), (json!(2), json!(2)));
    assert_eq!(detail["ids"].as_array().unwrap().len(), 2);
    assert!(listed.len() == 2 && listed.contains(&target(&a)) && listed.contains(&target(&b)), "{listed:?}");
    assert_eq!([&a, &b, &c].map(|own| own.is_alive(&app)), [false, false, true]);
    assert_eq!(access.map(|token| app.get("/api/v1/session").bearer(&token).send().status), [401, 200]);
    let seen = app.get(&format!("/api/v1/tokens/{}", a.id)).bearer(&bob.sign_in(&app)).send().json();
    let expected = json!(["revoked", app.ada.id, "requested"]);
    assert_eq!(json!([seen["state"], seen["revoked_by"], seen["revoked_reason"]]), expected);
    assert_done(&app, &body);
    let (count, listed, _) = revoked(&app, &json!({ "ids": [a.id, c.id] }));
    assert_eq!((count, listed), (json!(1), vec![target(&c)]), "only what was not revoked yet");
}

#[test]
fn with_one_that_is_not_there_none_ends() {
    let (app, _, [own, ..]) = app_with_bob();
    let foreign = app.owner_of("Evil", "eve").credential(&app, &json!({ "name": "elsewhere" }));
    let nobodys = CredentialId::generate(app.clock.now(), &SystemRandomness::default()).to_string();
    let session = app.ada.sign_in(&app);
    for id in [&foreign.id, &nobodys] {
        let answer = revoke(&app, &session, &json!({ "ids": [own.id, id] }));
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    }
    assert!(own.is_alive(&app) && foreign.is_alive(&app));
}

#[test]
fn up_to_a_thousand_may_be_named() {
    let (app, bob, _) = app_with_bob();
    let ids = app.fill(&bob, 1000);
    let session = app.ada.sign_in(&app);
    for ids in [&[][..], &[&ids[..], &ids[..1]].concat()] {
        let answer = revoke(&app, &session, &json!({ "ids": ids }));
        assert_eq!((answer.status, &answer.json()["detail"]), (422, &json!("ids must be 1 to 1000 ids")));
    }
    let body = json!({ "ids": ids });
    let (count, listed, _) = revoked(&app, &body);
    assert_eq!((count, listed.len()), (json!(1000), 1000));
    assert_done(&app, &body);
}

#[test]
fn all_that_a_user_has_here_ends_and_what_comes_later_does_not() {
    let (app, bob, made) = app_with_bob();
    let eve = app.owner_of("Beta", "eve");
    let beta = app.get("/api/v1/session").bearer(&eve.sign_in(&app)).send().json();
    let beta = beta["memberships"][0]["organization_id"].as_str().unwrap().to_owned();
    app.join(&bob, &beta);
    let elsewhere = bob.credential(&app, &json!({ "name": "there", "organization_id": beta }));
    let access = [made[0].access(&app), elsewhere.access(&app)];
    assert_eq!(revoked(&app, &json!({ "ids": [made[2].id] })).0, 1);
    let body = json!({ "owner_id": bob.id });
    let (count, listed, detail) = revoked(&app, &body);
    assert_eq!((count, detail), (json!(2), json!({ "revoked": 2 })), "one was revoked before");
    let organization = app.organization_id.parse().unwrap();
    assert_eq!(listed, [(Target::Member(organization, bob.id.parse().unwrap()), true)]);
    assert_eq!(made.map(|own| own.is_alive(&app)), [false; 3]);
    assert_eq!(access.map(|token| app.get("/api/v1/session").bearer(&token).send().status), [401, 200]);
    assert!(elsewhere.is_alive(&app) && app.pat.is_alive(&app));
    assert_done(&app, &body);
    let later = bob.credential(&app, &json!({ "name": "later", "organization_id": app.organization_id }));
    assert!(later.is_alive(&app));
    let nobody = revoke(&app, &app.ada.sign_in(&app), &json!({ "owner_id": eve.id }));
    assert_eq!((nobody.status, nobody.code().as_str()), (404, "not_found"));
}

#[test]
fn what_was_created_before_a_moment_ends() {
    let (app, bob, made) = app_with_bob();
    app.clock.advance(seconds(10));
    let moment = app.clock.now();
    let later = bob.credential(&app, &json!({ "name": "later" }));
    let foreign = app.owner_of("Evil", "eve").credential(&app, &json!({ "name": "elsewhere" }));
    let body = json!({ "created_before": moment });
    let (count, listed, detail) = revoked(&app, &body);
    assert_eq!((count, detail), (json!(5), json!({ "created_before": moment, "revoked": 5 })));
    assert_eq!(listed, [(Target::Organization(app.organization_id.parse().unwrap()), true)]);
    assert_eq!(made.map(|own| own.is_alive(&app)), [false; 3]);
    assert!(!app.pat.is_alive(&app) && later.is_alive(&app) && foreign.is_alive(&app));
    assert_done(&app, &body);
    let future = revoke(&app, &app.ada.sign_in(&app), &json!({ "created_before": moment.plus_seconds(1) }));
    assert_eq!((future.status, &future.json()["detail"]), (422, &json!("created_before must not be in the future")));
}

#[test]
fn all_of_an_organization_ends_and_what_comes_later_does_not() {
    let (app, bob, made) = app_with_bob();
    let foreign = app.owner_of("Evil", "eve").credential(&app, &json!({ "name": "elsewhere" }));
    let access = [app.pat.access(&app), foreign.access(&app)];
    let (count, listed, _) = revoked(&app, &json!({ "all": true }));
    assert_eq!(count, 5);
    assert_eq!(listed, [(Target::Organization(app.organization_id.parse().unwrap()), true)]);
    assert_eq!(made.map(|own| own.is_alive(&app)), [false; 3]);
    assert_eq!(access.map(|token| app.get("/api/v1/session").bearer(&token).send().status), [401, 200]);
    assert!(!app.pat.is_alive(&app) && !app.jwt.is_alive(&app) && foreign.is_alive(&app));
    assert_done(&app, &json!({ "all": true }));
    assert!(bob.credential(&app, &json!({ "name": "later" })).is_alive(&app));
}

#[test]
fn the_body_says_one_thing() {
    let (app, bob, [own, ..]) = app_with_bob();
    let session = app.ada.sign_in(&app);
    for body in [
        json!({}),
        json!({ "all": false }),
        json!({ "all": null }),
        json!({ "ids": null }),
        json!({ "ids": ["sesame"] }),
        json!({ "ids": own.id }),
        json!({ "ids": [own.id], "all": true }),
        json!({ "owner_id": bob.id, "created_before": app.clock.now() }),
        json!({ "owner_id": "sesame" }),
        json!({ "created_before": "sesame" }),
        json!({ "user": bob.id }),
    ] {
        let answer = revoke(&app, &session, &body);
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{body}");
        assert!(!answer.text().contains("sesame"), "{}", answer.text());
    }
    assert!(own.is_alive(&app));
}

#[test]
fn only_admins_who_signed_in_may() {
    let (app, bob, [own, ..]) = app_with_bob();
    let (cora, eve) = (app.member("cora", Role::Admin), app.owner_of("Evil", "eve"));
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    let bodies =
        [json!({ "ids": [own.id] }), json!({ "owner_id": bob.id }), json!({ "all": true }), json!({ "ids": [] })];
    for body in bodies {
        for (bearer, status) in [
            (bob.sign_in(&app), 403),
            (app.pat.text.clone(), 403),
            (app.pat.access(&app), 403),
            (eve.sign_in(&app), 404),
            ("sesame".to_owned(), 401),
        ] {
            assert_eq!(revoke(&app, &bearer, &body).status, status, "{body}");
        }
    }
    assert!(own.is_alive(&app) && app.pat.is_alive(&app));
    assert_eq!(revoke(&app, &cora.sign_in(&app), &json!({ "ids": [own.id] })).json(), json!({ "revoked": 1 }));
}
