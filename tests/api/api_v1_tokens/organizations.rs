//! `organization_id`: whoever is in several organizations says which.

use patmint::domain::{clock::Clock as _, ids::OrganizationId, random::SystemRandomness};
use serde_json::{Value, json};

use super::{PATH, create, get};
use crate::support::TestApp;

/// Ada is also in an organization of Eve's, whose id is returned.
fn app_with_two() -> (TestApp, String) {
    let app = TestApp::new();
    let session = app.owner_of("Beta", "eve").sign_in(&app);
    let session = app.get("/api/v1/session").bearer(&session).send().json();
    let beta = session["memberships"][0]["organization_id"].as_str().unwrap().to_owned();
    app.join(&app.ada, &beta);
    (app, beta)
}

fn count(app: &TestApp, bearer: &str, query: &str) -> (u16, usize) {
    let answer = app.get(&format!("{PATH}{query}")).bearer(bearer).send();
    (answer.status, answer.json()["items"].as_array().map_or(0, Vec::len))
}

#[test]
fn with_several_it_must_be_named() {
    let (app, beta) = app_with_two();
    let session = app.ada.sign_in(&app);
    for answer in [create(&app, &session, &json!({ "name": "a" })), app.get(PATH).bearer(&session).send()] {
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"));
        assert_eq!(answer.json()["detail"], "organization_id is required, since you are in several");
    }
    let made = create(&app, &session, &json!({ "name": "there", "organization_id": beta }));
    assert_eq!((made.status, &made.json()["organization_id"]), (201, &json!(beta)));
    assert_eq!(count(&app, &session, &format!("?organization_id={beta}")), (200, 1));
    assert_eq!(count(&app, &session, &format!("?organization_id={}", app.organization_id)), (200, 2));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(get(&app, &session, &id).status, 200, "an id says enough");
    let seen = app.get("/api/v1/session").bearer(&session).send().json();
    let slugs: Vec<&Value> =
        seen["memberships"].as_array().unwrap().iter().map(|own| &own["organization_slug"]).collect();
    assert_eq!(slugs, ["acme", "beta"]);
}

#[test]
fn with_one_it_may_be_named() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let own = app.organization_id.clone();
    assert_eq!(create(&app, &session, &json!({ "name": "a", "organization_id": own })).status, 201);
    assert_eq!(create(&app, &session, &json!({ "name": "a", "organization_id": null })).status, 201);
    assert_eq!(count(&app, &session, &format!("?organization_id={own}")), (200, 4));
}

#[test]
fn a_foreign_one_is_as_good_as_none() {
    let app = TestApp::new();
    app.owner_of("Beta", "eve");
    let eve = app.owner_of("Gamma", "gil").sign_in(&app);
    let gamma = app.get("/api/v1/session").bearer(&eve).send().json()["memberships"][0]["organization_id"].clone();
    let nobodys = json!(OrganizationId::generate(app.clock.now(), &SystemRandomness::default()));
    let session = app.ada.sign_in(&app);
    for id in [gamma, nobodys] {
        let answer = create(&app, &session, &json!({ "name": "a", "organization_id": id }));
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
        assert_eq!(count(&app, &session, &format!("?organization_id={}", id.as_str().unwrap())), (404, 0));
    }
}

#[test]
fn a_token_carries_its_own() {
    let (app, beta) = app_with_two();
    for bearer in [app.pat.text.clone(), app.pat.access(&app)] {
        assert_eq!(count(&app, &bearer, ""), (200, 2));
        assert_eq!(count(&app, &bearer, &format!("?organization_id={}", app.organization_id)), (200, 2));
        assert_eq!(count(&app, &bearer, &format!("?organization_id={beta}")), (404, 0));
    }
    let body = json!({ "name": "there", "organization_id": beta });
    let there = create(&app, &app.ada.sign_in(&app), &body).json();
    assert_eq!(get(&app, &app.pat.text, there["id"].as_str().unwrap()).status, 404, "its owner's, but not there");
    assert_eq!(count(&app, there["token"].as_str().unwrap(), ""), (200, 1));
}
