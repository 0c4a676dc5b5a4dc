//! `POST /api/v1/orgs/{org}/tokens`: admins make tokens for service accounts.

use patmint::domain::{membership::Role, random::SystemRandomness};
use serde_json::{Value, json};

use super::{PATH, get};
use crate::support::{Answer, Credential, TestApp, claims};

fn create(app: &TestApp, bearer: &str, body: &Value) -> Answer {
    app.post(PATH).bearer(bearer).json(body).send()
}

/// The id of a new service account of Acme's.
fn robot(app: &TestApp, bearer: &str) -> String {
    let made = app.post("/api/v1/orgs/acme/service-accounts").bearer(bearer).json(&json!({ "name": "ci" })).send();
    made.json()["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_service_account_gets_one_with_the_same_members_as_ones_own() {
    let app = TestApp::new();
    let cora = app.member("cora", Role::Admin);
    let session = cora.sign_in(&app);
    let robot = robot(&app, &session);
    let body = json!({
        "owner_id": robot, "name": "deploy", "kind": "jwt", "permission": "read", "expires_in": 3600,
    });
    let mut answer = None;
    let records = app.audited(|| {
        let listed = app.listed(|| answer = Some(create(&app, &session, &body)));
        assert!(listed.is_empty(), "nobody remembers what was not there: {listed:?}");
    });
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{}", answer.text());
    let mut made = answer.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let text = made.as_object_mut().unwrap().remove("token").unwrap().as_str().unwrap().to_owned();
    assert_eq!((&made["owner"]["id"], &made["owner"]["kind"]), (&json!(robot), &json!("service_account")));
    assert_eq!((&made["kind"], &made["permission"]), (&json!("jwt"), &json!("read")));
    let seen = app.get(answer.header("location").unwrap()).bearer(&session).send();
    assert_eq!((seen.status, seen.json()), (200, made));
    let access = Credential { id: id.clone(), text }.access(&app);
    assert_eq!((&claims(&access)["sub"], &claims(&access)["scope"]), (&json!(robot), &json!("read")));
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_deref()), ("credential.create", Some(&*id)));
    assert_eq!(record.actor_user_id.map(|id| id.to_string()), Some(cora.id));
    let detail: Value = serde_json::from_str(record.detail.as_deref().unwrap()).unwrap();
    assert_eq!(detail, json!({ "name": "deploy", "number": 3, "owner": robot }));
}

#[test]
fn nobody_else_gets_one() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let (bob, eve) = (app.member("bob", Role::Member), app.owner_of("Evil", "eve"));
    let theirs = {
        let path = "/api/v1/orgs/evil/service-accounts";
        let made = app.post(path).bearer(&eve.sign_in(&app)).json(&json!({ "name": "ci" })).send();
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let gone = robot(&app, &session);
    let end = app.delete(&format!("/api/v1/orgs/acme/service-accounts/{gone}")).bearer(&session).send();
    assert_eq!(end.status, 204);
    let now = patmint::domain::clock::Clock::now(&*app.clock);
    let nobody = patmint::domain::ids::UserId::generate(now, &SystemRandomness::default()).to_string();
    let mut details = Vec::new();
    for owner in [&bob.id, &app.ada.id, &eve.id, &theirs, &gone, &nobody] {
        let answer = create(&app, &session, &json!({ "owner_id": owner, "name": "deploy" }));
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{}", answer.text());
        details.push(answer.json()["detail"].clone());
    }
    details.dedup();
    assert_eq!(details, [json!("owner_id must be a service account of the organization; people make their own")]);
    for (body, wrong) in [
        (json!({ "name": "deploy" }), "owner_id is required"),
        (json!({ "name": "deploy", "owner_id": "robot" }), "owner_id has the wrong type"),
        (json!({ "name": "deploy", "owner_id": gone, "organization_id": app.organization_id }), "unknown member"),
    ] {
        let answer = create(&app, &session, &body);
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().contains(wrong), "{}", answer.text());
    }
}

#[test]
fn the_policy_binds_it() {
    let app = TestApp::new();
    let policy = json!({ "max_tokens_per_user": 2, "token_max_ttl": 3600, "require_scopes": true });
    assert_eq!(app.ada.patch_policy(&app, &policy).status, 200);
    let session = app.ada.sign_in(&app);
    let robot = robot(&app, &session);
    let body = |more: Value| {
        let mut body = json!({ "owner_id": robot, "name": "deploy", "scopes": [] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, member) in [
        (json!({ "scopes": null }), "scopes"),
        (json!({ "expires_in": 3601 }), "expires_in"),
        (json!({ "expires_at": null }), "expires_at"),
        (json!({ "kind": "legacy" }), "kind"),
        (json!({ "audiences": ["https://elsewhere.example"] }), "audiences"),
        (json!({ "name": "" }), "name"),
    ] {
        let answer = create(&app, &session, &body(more));
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(member), "{member}: {}", answer.text());
    }
    // The robot's own places, not the admin's.
    for _ in 0..2 {
        let made = create(&app, &session, &body(json!({})));
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert!(get(&app, &session, &id).json()["expires_at"].is_string());
    }
    let full = create(&app, &session, &body(json!({})));
    assert_eq!((full.status, full.code().as_str()), (409, "token_limit_reached"));
}
