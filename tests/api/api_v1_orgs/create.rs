//! `POST /api/v1/orgs`.

use patmint::domain::clock::Clock as _;
use serde_json::{Value, json};

use super::{PATH, create, end, found, get};
use crate::support::TestApp;

#[test]
fn whoever_founds_one_owns_it() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let answer = create(&app, &session, &json!({ "name": " Söhne & Co ", "slug": "soehne" }));
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{}", answer.text());
    let made = answer.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(&*format!("{PATH}/{id}")));
    let expected = json!({
        "id": id,
        "number": 2,
        "slug": "soehne",
        "name": "Söhne & Co",
        "role": "owner",
        "created_at": app.clock.now(),
        "ended_at": null,
    });
    assert_eq!(made, expected);
    for name in [id, "soehne"] {
        let seen = get(&app, &session, name);
        assert_eq!((seen.status, seen.header("cache-control"), seen.json()), (200, Some("no-store"), made.clone()));
    }
    let seen = app.get("/api/v1/session").bearer(&session).send().json();
    assert_eq!(seen["memberships"][1]["organization_id"], id);
    let body = json!({ "name": "there", "organization_id": id });
    assert_eq!(app.post("/api/v1/tokens").bearer(&session).json(&body).send().status, 201);
    assert_eq!(app.get(&format!("{PATH}/{id}/policy")).bearer(&session).send().status, 200);
}

#[test]
fn its_slug_is_made_of_its_name_unless_given() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let slug = |body: Value| create(&app, &session, &body).json()["slug"].clone();
    assert_eq!(slug(json!({ "name": "Beta: the Second" })), "beta-the-second");
    assert_eq!(slug(json!({ "name": "Beta: the Second", "slug": "beta-2" })), "beta-2");
}

#[test]
fn a_slug_means_one_organization_for_good() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let taken = |body: Value| {
        let answer = create(&app, &session, &body);
        assert_eq!((answer.status, answer.code().as_str()), (409, "slug_taken"), "{body}");
    };
    taken(json!({ "name": "ACME" }));
    taken(json!({ "name": "Another", "slug": "acme" }));
    let beta = found(&app, "Beta");
    assert_eq!(end(&app, &session, &beta).status, 204);
    taken(json!({ "name": "Beta" }));
}

#[test]
fn what_cannot_be_one_is_named() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let id = app.organization_id.clone();
    let wrong = [
        (json!({}), "name is required"),
        (json!({ "name": "" }), "name must have"),
        (json!({ "name": " " }), "name must have"),
        (json!({ "name": "a\u{7}b" }), "name must have"),
        (json!({ "name": "a".repeat(101) }), "name must have"),
        (json!({ "name": "\u{65e5}\u{672c}" }), "name has nothing for an address in it"),
        (json!({ "name": id }), "name has nothing for an address in it"),
        (json!({ "name": "a", "slug": "" }), "slug must have"),
        (json!({ "name": "a", "slug": "A" }), "slug must have"),
        (json!({ "name": "a", "slug": "a--b" }), "slug must have"),
        (json!({ "name": "a", "slug": id }), "slug must have"),
        (json!({ "name": "a", "slug": null }), "slug has the wrong type"),
        (json!({ "name": "a", "owner": "bob" }), "request has an unknown member"),
    ];
    let audited = app.audited(|| {
        for (body, detail) in wrong {
            let answer = create(&app, &session, &body);
            assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{body}");
            let found = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(found.starts_with(detail), "{body}: {found}");
        }
    });
    assert_eq!(audited.len(), 0);
}

#[test]
fn it_is_written_down_and_nobody_is_waited_for() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let mut listed = Vec::new();
    let records = app.audited(|| {
        listed = app.listed(|| assert_eq!(create(&app, &session, &json!({ "name": "Beta" })).status, 201));
    });
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(record.action, "organization.create");
    assert_eq!(record.actor_user_id.map(|id| id.to_string()), Some(app.ada.id.clone()));
    assert_eq!(record.subject_id, record.organization_id.map(|id| id.to_string()));
    let detail: Value = serde_json::from_str(record.detail.as_deref().unwrap()).unwrap();
    assert_eq!(detail, json!({ "name": "Beta", "slug": "beta", "owner": app.ada.id }));
    assert!(listed.is_empty(), "nobody remembers what was not there: {listed:?}");
}

#[test]
fn what_can_be_no_slug_is_nobodys() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for name in ["nowhere", "%00", "acme%00", "ACME", "acme%20", "%ff", "0199aaaa-0000-7000-8000-000000000000"] {
        let answer = get(&app, &session, name);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{name}");
    }
}
