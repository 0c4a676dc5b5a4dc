//! Groups travel in access tokens: with the next exchange at the latest, and those that say too much die.

use patmint::domain::{list::Target, membership::Role};
use serde_json::{Value, json};

use super::patch;
use crate::support::{TestApp, claims};

#[test]
fn an_access_token_has_those_of_now_on_every_server() {
    let app = TestApp::new();
    let other = app.beside();
    let bob = app.member("bob", Role::Member);
    let pat = bob.credential(&app, &json!({ "name": "laptop" }));
    let session = app.ada.sign_in(&app);
    let groups = |server: &TestApp| claims(&pat.access(server))["groups"].clone();
    assert_eq!([groups(&app), groups(&other)], [Value::Null, Value::Null]);
    for new in [json!(["a"]), json!(["b", "a"]), json!(["b"]), json!([]), Value::Null] {
        assert_eq!(patch(&app, &session, &bob, &json!({ "groups": new })).status, 200);
        assert_eq!([groups(&app), groups(&other)], [new.clone(), new], "as soon as it is answered");
    }
}

#[test]
fn one_that_names_a_group_too_many_dies() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let pat = bob.credential(&app, &json!({ "name": "laptop" }));
    let session = app.ada.sign_in(&app);
    let target = Target::Member(app.organization_id.parse().unwrap(), bob.id.parse().unwrap());
    let change = |groups: Value, revokes: bool| {
        let (access, others) = (pat.access(&app), app.pat.access(&app));
        let listed = app.listed(|| assert_eq!(patch(&app, &session, &bob, &json!({ "groups": groups })).status, 200));
        assert_eq!(listed, [(target, revokes)], "{groups}");
        let status = |bearer: &str| app.get("/api/v1/session").bearer(bearer).send().status;
        assert_eq!((status(&access), status(&others)), (if revokes { 401 } else { 200 }, 200), "{groups}");
        assert!(pat.is_alive(&app), "the credential itself stays");
    };
    change(json!(["a", "b"]), false);
    change(json!(["c", "b", "a"]), false);
    change(json!(["a", "b"]), true);
    change(json!(["a", "d"]), true);
    change(Value::Null, true);
    change(json!([]), false);
    let role = app.listed(|| assert_eq!(patch(&app, &session, &bob, &json!({ "role": "admin" })).status, 200));
    assert!(role.is_empty(), "a role is in no access token: {role:?}");
}
