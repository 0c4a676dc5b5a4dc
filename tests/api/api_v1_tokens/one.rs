//! `GET` and `DELETE` of one credential.

use patmint::domain::{clock::Clock as _, ids::CredentialId, membership::Role, random::SystemRandomness};
use serde_json::{Value, json};

use super::{PATH, delete, get};
use crate::support::{TestApp, minutes};

#[test]
fn anothers_is_as_good_as_none() {
    let app = TestApp::new();
    let (bob, eve) = (app.member("bob", Role::Member), app.owner_of("Evil", "eve"));
    let own = bob.credential(&app, &json!({ "name": "of bob" }));
    let nobodys = CredentialId::generate(app.clock.now(), &SystemRandomness::default()).to_string();
    assert_eq!(get(&app, &bob.sign_in(&app), &own.id).status, 200);
    for (who, session) in [("the owner of Acme", app.ada.sign_in(&app)), ("another organization", eve.sign_in(&app))] {
        let expected = get(&app, &session, &nobodys);
        assert_eq!((expected.status, expected.code().as_str()), (404, "not_found"));
        for id in [own.id.as_str(), &nobodys, &own.id.to_uppercase(), "3", "garbage", "%00", "a%2Fb"] {
            assert_eq!(get(&app, &session, id).body, expected.body, "{who}: {id}");
            let answer = delete(&app, &session, id);
            assert_eq!((answer.status, answer.body), (404, expected.body.clone()), "{who}: {id}");
        }
    }
    assert!(own.is_alive(&app));
}

#[test]
fn revoking_can_be_repeated_and_counts_once() {
    let app = TestApp::new();
    let own = app.ada.credential(&app, &json!({ "name": "laptop" }));
    let session = app.ada.sign_in(&app);
    assert!(own.is_alive(&app));
    let answer = delete(&app, &session, &own.id);
    assert_eq!((answer.status, answer.text()), (204, String::new()));
    assert!(!own.is_alive(&app), "at once");
    let view = |session: &str| {
        let mut seen = get(&app, session, &own.id).json();
        // Written when it is written; of no interest here.
        seen["last_used_at"] = Value::Null;
        seen["last_used_from"] = Value::Null;
        seen
    };
    let first = view(&session);
    let revoked = ["revoked_at", "revoked_by", "revoked_reason", "state"].map(|member| first[member].clone());
    assert_eq!(revoked, [json!(app.clock.now()), json!(app.ada.id), json!("requested"), json!("revoked")]);
    app.clock.advance(minutes(5));
    let audited = app.audited(|| assert_eq!(delete(&app, &session, &own.id).status, 204));
    assert_eq!((view(&session), audited.len()), (first, 0));
}

#[test]
fn nobody_sees_and_ends_nothing() {
    let app = TestApp::new();
    let own = app.ada.credential(&app, &json!({ "name": "laptop" }));
    for method in ["GET", "DELETE"] {
        let answer = app.request(method, &format!("{PATH}/{}", own.id)).send();
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{method}");
    }
    assert!(own.is_alive(&app));
}

#[test]
fn what_somebody_left_behind_is_not_theirs_any_more() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let own = bob.credential(&app, &json!({ "name": "laptop" }));
    let session = bob.sign_in(&app);
    app.end_membership(&bob);
    assert_eq!(get(&app, &session, &own.id).status, 404);
    let answer = app.get(PATH).bearer(&session).send();
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "in no organization");
}
