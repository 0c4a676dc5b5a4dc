//! `DELETE`: the membership ends, and with it what the member's credentials give here.

use patmint::domain::{list::Target, membership::Role};
use serde_json::{Value, json};

use super::{PATH, end, list, refused};
use crate::support::{Credential, TestApp, claims};

fn status(app: &TestApp, bearer: &str) -> u16 {
    app.get("/api/v1/session").bearer(bearer).send().status
}

#[test]
fn whoever_is_removed_gets_nothing_here_any_more() {
    let app = TestApp::new();
    let other = app.beside();
    let bob = app.member("bob", Role::Member);
    let pat = bob.credential(&app, &json!({ "name": "laptop" }));
    let (access, session) = (pat.access(&app), bob.sign_in(&app));
    assert!(pat.is_alive(&other), "in memory");
    let admin = app.member("cora", Role::Admin).sign_in(&app);
    assert_eq!(end(&app, &admin, &bob).status, 204);
    assert_eq!([pat.is_alive(&app), pat.is_alive(&other)], [false, false]);
    assert_eq!([status(&app, &access), status(&app, &pat.text)], [401, 401]);
    let seen = app.get("/api/v1/session").bearer(&session).send();
    assert_eq!((seen.status, &seen.json()["memberships"]), (200, &json!([])), "the person stays");
    assert_eq!(app.get("/api/v1/orgs/acme").bearer(&session).send().status, 404);
    assert!(app.pat.is_alive(&app), "others are not meant");
    let ended = list(&app, &admin, "?state=ended").json();
    assert_eq!(ended["items"][0]["user"]["id"], json!(bob.id));
}

#[test]
fn it_is_about_one_organization() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    app.join(&eve, &app.organization_id);
    let session = eve.sign_in(&app);
    let evil = app.get("/api/v1/orgs/evil").bearer(&session).send().json()["id"].clone();
    let make = |organization: &Value| {
        let body = json!({ "name": "a", "organization_id": organization });
        let made = app.post("/api/v1/tokens").bearer(&session).json(&body).send().json();
        Credential::of_text(made["token"].as_str().unwrap())
    };
    let (there, here) = (make(&evil), make(&json!(app.organization_id)));
    let (far, near) = (there.access(&app), here.access(&app));
    assert_eq!(claims(&far)["org"], evil);
    assert_eq!(end(&app, &app.ada.sign_in(&app), &eve).status, 204);
    assert_eq!([there.is_alive(&app), here.is_alive(&app)], [true, false]);
    assert_eq!([status(&app, &far), status(&app, &near)], [200, 401]);
}

#[test]
fn anybody_may_leave() {
    let app = TestApp::new();
    for role in [Role::Member, Role::Admin, Role::Owner] {
        let person = app.member(role.as_str(), role);
        let session = person.sign_in(&app);
        assert_eq!(end(&app, &session, &person).status, 204, "{role}");
        refused(&end(&app, &session, &person), 404, "not_found");
    }
}

#[test]
fn it_is_written_down_once_and_may_be_repeated() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let session = app.ada.sign_in(&app);
    let mut listed = Vec::new();
    let records = app.audited(|| listed = app.listed(|| assert_eq!(end(&app, &session, &bob).status, 204)));
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("member.end", Some(&bob.id)));
    assert_eq!(record.detail.as_deref(), Some(r#"{"role":"member"}"#));
    let target = Target::Member(app.organization_id.parse().unwrap(), bob.id.parse().unwrap());
    assert_eq!(listed, [(target, true)]);
    let again = app.audited(|| assert!(app.listed(|| assert_eq!(end(&app, &session, &bob).status, 204)).is_empty()));
    assert_eq!(again.len(), 0);
    let eve = app.owner_of("Evil", "eve");
    refused(&end(&app, &session, &eve), 404, "not_found");
    refused(&app.delete(&format!("{PATH}/nobody")).bearer(&session).send(), 404, "not_found");
}
