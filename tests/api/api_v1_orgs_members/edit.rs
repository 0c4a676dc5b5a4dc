//! `PATCH`: role and groups.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use super::{PATH, end, list, patch, refused};
use crate::support::TestApp;

#[test]
fn a_role_counts_at_once() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let (session, of_bob) = (app.ada.sign_in(&app), bob.sign_in(&app));
    assert_eq!(list(&app, &of_bob, "").status, 403);
    let answer = patch(&app, &session, &bob, &json!({ "role": "admin" }));
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
    assert_eq!((&answer.json()["role"], &answer.json()["user"]["id"]), (&json!("admin"), &json!(bob.id)));
    assert_eq!(list(&app, &of_bob, "").status, 200);
    assert_eq!(patch(&app, &of_bob, &bob, &json!({ "role": "member" })).status, 200, "an admin may step down");
    assert_eq!(list(&app, &of_bob, "").status, 403);
}

#[test]
fn only_members_of_this_organization_can_be_edited() {
    let app = TestApp::new();
    let (bob, eve) = (app.member("bob", Role::Member), app.owner_of("Evil", "eve"));
    let session = app.ada.sign_in(&app);
    refused(&patch(&app, &session, &eve, &json!({ "role": "member" })), 404, "not_found");
    assert_eq!(end(&app, &session, &bob).status, 204);
    refused(&patch(&app, &session, &bob, &json!({ "role": "admin" })), 404, "not_found");
    let nobody = app.request("PATCH", &format!("{PATH}/nobody")).bearer(&session).json(&json!({ "role": "admin" }));
    refused(&nobody.send(), 404, "not_found");
}

#[test]
fn a_service_account_is_a_plain_member() {
    let app = TestApp::new();
    let robot = app.member("robot", Role::Member);
    app.execute(&format!("UPDATE users SET kind = 'service_account', email = NULL WHERE id = '{}'", robot.id));
    let session = app.ada.sign_in(&app);
    for role in ["admin", "owner"] {
        refused(&patch(&app, &session, &robot, &json!({ "role": role })), 422, "invalid");
    }
    assert_eq!(patch(&app, &session, &robot, &json!({ "groups": ["ci"] })).status, 200);
}

#[test]
fn what_cannot_be_is_named_and_changes_nothing() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let session = app.ada.sign_in(&app);
    let before = list(&app, &session, "").json();
    let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
    let audited = app.audited(|| {
        for (body, detail) in [
            (json!({}), "request must have at least one of role, groups"),
            (json!({ "role": null }), "role has the wrong type"),
            (json!({ "role": "king" }), "role has the wrong type"),
            (json!({ "groups": "a" }), "groups has the wrong type"),
            (json!({ "groups": [""] }), "groups must be at most 50"),
            (json!({ "groups": ["a", "a"] }), "groups must be at most 50"),
            (json!({ "groups": many }), "groups must be at most 50"),
            (json!({ "name": "Bob" }), "request has an unknown member"),
        ] {
            let answer = patch(&app, &session, &bob, &body);
            refused(&answer, 422, "invalid");
            let found = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(found.starts_with(detail), "{body}: {found}");
        }
    });
    assert_eq!((audited.len(), list(&app, &session, "").json()), (0, before));
}

#[test]
fn it_is_written_down_once() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let session = app.ada.sign_in(&app);
    let body = json!({ "role": "admin", "groups": ["ops"] });
    let records = app.audited(|| assert_eq!(patch(&app, &session, &bob, &body).status, 200));
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("member.edit", Some(&bob.id)));
    let detail: Value = serde_json::from_str(record.detail.as_deref().unwrap()).unwrap();
    assert_eq!(detail, json!({ "old": { "role": "member", "groups": null }, "new": body }));
    let again = app.audited(|| assert_eq!(patch(&app, &session, &bob, &body).status, 200));
    assert_eq!(again.len(), 0, "it is so already");
}
