//! `DELETE /api/v1/sessions` and `POST /api/v1/session/password`: one's own sessions and password.

use patmint::domain::{list::Target, membership::Role};
use serde_json::json;

use crate::support::{Answer, TestApp};

const NEW: &str = "a new and longer password";

fn status(app: &TestApp, bearer: &str) -> u16 {
    app.get("/api/v1/session").bearer(bearer).send().status
}

fn change(app: &TestApp, bearer: &str, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    app.post("/api/v1/session/password").bearer(bearer).json(&body).send()
}

#[test]
fn signing_out_everywhere_ends_sessions_and_access_tokens() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let pat = bob.credential(&app, &json!({ "name": "laptop" }));
    let (access, others) = (pat.access(&app), app.ada.sign_in(&app));
    let [here, there] = [(); 2].map(|()| bob.sign_in(&app));
    let mut listed = Vec::new();
    let records = app.audited(|| {
        listed = app.listed(|| {
            let answer = app.delete("/api/v1/sessions").bearer(&here).send();
            let cookie = answer.header("set-cookie").unwrap();
            assert!(answer.status == 204 && cookie.contains("Max-Age=0"), "{} {cookie}", answer.status);
        });
    });
    assert_eq!([&here, &there, &access, &others].map(|bearer| status(&app, bearer)), [401, 401, 401, 200]);
    assert!(pat.is_alive(&app), "credentials stay good");
    assert_eq!(listed, [(Target::User(bob.id.parse().unwrap()), true)]);
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("user.sign_out", Some(&bob.id)));
    assert_eq!(record.actor_user_id.map(|id| id.to_string()), Some(bob.id.clone()));
}

#[test]
fn a_new_password_of_ones_own_ends_the_other_sessions() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let pat = bob.credential(&app, &json!({ "name": "laptop" }));
    let [here, there] = [(); 2].map(|()| bob.sign_in(&app));
    let others = app.ada.sign_in(&app);
    let records = app.audited(|| assert_eq!(change(&app, &here, &bob.password, NEW).status, 204));
    assert_eq!([&here, &there, &others].map(|bearer| status(&app, bearer)), [200, 401, 200]);
    let sign_in = |password: &str| {
        app.post("/api/v1/session").json(&json!({ "email": bob.email, "password": password })).send().status
    };
    assert_eq!([sign_in(&bob.password), sign_in(NEW)], [401, 201]);
    assert!(pat.is_alive(&app));
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("user.change_password", Some(&bob.id)));
}

#[test]
fn a_password_that_will_not_do_changes_nothing() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let [here, there] = [(); 2].map(|()| bob.sign_in(&app));
    let audited = app.audited(|| {
        for (current, new, detail) in [
            ("wrong password of bob", NEW, "current_password is wrong"),
            ("", NEW, "current_password is wrong"),
            (&bob.password, "short", "new_password must have 12 to 256 characters"),
            (&bob.password, "passwordpassword", "new_password is one of the first that attackers try"),
        ] {
            let answer = change(&app, &here, current, new);
            assert_eq!((answer.status, &answer.json()["detail"]), (422, &json!(detail)));
        }
    });
    assert_eq!((audited.len(), status(&app, &there)), (0, 200));
    assert_eq!(change(&app, &here, &bob.password, NEW).status, 204);
}
