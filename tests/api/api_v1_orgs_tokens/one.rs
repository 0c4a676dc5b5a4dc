//! `GET` and `DELETE` of one token of an organization.

use patmint::domain::{clock::Clock as _, ids::CredentialId, list::Target, membership::Role, random::SystemRandomness};
use serde_json::json;

use super::{delete, get};
use crate::support::TestApp;

#[test]
fn it_is_seen_as_its_owner_sees_it() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "laptop" }));
    let seen = get(&app, &app.ada.sign_in(&app), &own.id);
    assert_eq!((seen.status, seen.header("cache-control")), (200, Some("no-store")));
    let by_owner = app.get(&format!("/api/v1/tokens/{}", own.id)).bearer(&bob.sign_in(&app)).send();
    assert_eq!(seen.body, by_owner.body);
}

#[test]
fn it_ends_at_once_with_its_access_tokens_and_once() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "laptop" }));
    let access = own.access(&app);
    let session = app.ada.sign_in(&app);
    let end = || assert_eq!(delete(&app, &session, &own.id).status, 204);
    let mut audited = Vec::new();
    let listed = app.listed(|| audited = app.audited(end));
    assert_eq!(listed, [(Target::Credential(own.id.parse().unwrap()), true)]);
    let [record] = audited.as_slice() else { panic!("{audited:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_deref()), ("credential.revoke", Some(own.id.as_str())));
    assert_eq!(record.actor_user_id.map(|id| id.to_string()), Some(app.ada.id.clone()));
    assert!(!own.is_alive(&app));
    assert_eq!(app.get("/api/v1/session").bearer(&access).send().status, 401);
    let seen = get(&app, &session, &own.id).json();
    let revoked = json!([seen["state"], seen["revoked_by"], seen["revoked_reason"]]);
    assert_eq!(revoked, json!(["revoked", app.ada.id, "requested"]));
    assert_eq!(app.audited(end).len(), 0, "again");
}

#[test]
fn that_of_another_organization_is_as_good_as_none() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    let of_eve = eve.credential(&app, &json!({ "name": "elsewhere" }));
    let nobodys = CredentialId::generate(app.clock.now(), &SystemRandomness::default()).to_string();
    // Whoever is in both reaches each by its own path only.
    let session = eve.sign_in(&app);
    app.join(&eve, &app.organization_id);
    app.execute(&format!("UPDATE memberships SET role = 'owner' WHERE user_id = '{}'", eve.id));
    for session in [app.ada.sign_in(&app), session.clone()] {
        let expected = get(&app, &session, &nobodys);
        assert_eq!((expected.status, expected.code().as_str()), (404, "not_found"));
        for id in [of_eve.id.as_str(), "3", "garbage", "%00"] {
            assert_eq!(get(&app, &session, id).body, expected.body, "{id}");
            let answer = delete(&app, &session, id);
            assert_eq!((answer.status, answer.body), (404, expected.body.clone()), "{id}");
        }
    }
    assert!(of_eve.is_alive(&app));
    assert_eq!(app.get(&format!("/api/v1/orgs/evil/tokens/{}", of_eve.id)).bearer(&session).send().status, 200);
}
