//! `PATCH /api/v1/orgs/{org}`.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use super::{PATH, get};
use crate::support::TestApp;

#[test]
fn an_admin_gives_it_another_name_and_its_slug_stays() {
    let app = TestApp::new();
    let session = app.member("cora", Role::Admin).sign_in(&app);
    let rename = |body: Value| app.request("PATCH", &format!("{PATH}/acme")).bearer(&session).json(&body).send();
    let mut listed = Vec::new();
    let records = app.audited(|| {
        listed = app.listed(|| {
            let answer = rename(json!({ "name": " Acme & Sons " }));
            assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
            assert_eq!(answer.json()["name"], "Acme & Sons");
        });
    });
    let seen = get(&app, &session, "acme").json();
    assert_eq!((&seen["name"], &seen["slug"], &seen["role"]), (&json!("Acme & Sons"), &json!("acme"), &json!("admin")));
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(
        (record.action.as_str(), record.subject_id.as_ref()),
        ("organization.rename", Some(&app.organization_id))
    );
    assert_eq!(record.detail.as_deref(), Some(r#"{"new":"Acme & Sons","old":"Acme"}"#));
    assert!(listed.is_empty(), "no verdict goes by it: {listed:?}");

    let unchanged = app.audited(|| assert_eq!(rename(json!({ "name": "Acme & Sons" })).status, 200));
    assert_eq!(unchanged.len(), 0, "the same name again");
    for (body, detail) in [
        (json!({}), "name is required"),
        (json!({ "name": "" }), "name must have"),
        (json!({ "name": null }), "name has the wrong type"),
        (json!({ "name": "a", "slug": "b" }), "request has an unknown member"),
    ] {
        let answer = rename(body.clone());
        let found = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 422 && found.starts_with(detail), "{body}: {} {found}", answer.status);
    }
    assert_eq!(get(&app, &session, "acme").json()["name"], "Acme & Sons");
}
