//! Making, seeing and taking back.

use patmint::domain::{clock::Clock as _, membership::Role};
use serde_json::{Value, json};

use super::{PATH, accept, create, invite, list, refused, withdraw};
use crate::support::TestApp;

#[test]
fn the_link_is_shown_once() {
    let app = TestApp::new();
    let session = app.member("cora", Role::Admin).sign_in(&app);
    let body = json!({ "email": " Bob@Acme.example", "role": "member", "groups": ["ops"] });
    let answer = create(&app, &session, &body);
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{}", answer.text());
    let mut made = answer.json();
    let link = made.as_object_mut().unwrap().remove("link").expect("a link");
    assert!(link.as_str().unwrap().starts_with(&format!("{}/invitations#pmi_", app.issuer())), "{link}");
    let inviter = app.get("/api/v1/session").bearer(&session).send().json()["user"]["id"].clone();
    let expected = json!({
        "id": made["id"],
        "email": "bob@acme.example",
        "role": "member",
        "groups": ["ops"],
        "state": "open",
        "created_at": app.clock.now(),
        "created_by": inviter,
        "expires_at": app.clock.now().plus_seconds(86_400),
        "accepted_at": null,
        "accepted_by": null,
        "withdrawn_at": null,
    });
    assert_eq!(made, expected);
    assert_eq!(list(&app, &session), json!([made]), "without the link");
}

#[test]
fn all_are_listed_newest_first() {
    let app = TestApp::new();
    for name in ["a", "b", "c"] {
        invite(&app, &format!("{name}@acme.example"), "member");
    }
    let session = app.ada.sign_in(&app);
    let page = |query: &str| app.get(&format!("{PATH}{query}")).bearer(&session).send().json();
    let emails = |page: &Value| {
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["email"].as_str().unwrap()[..1].to_owned()).collect::<Vec<_>>()
    };
    let first = page("?limit=2");
    assert_eq!(emails(&first), ["c", "b"]);
    let second = page(&format!("?limit=2&cursor={}", first["next"].as_str().expect("a next page")));
    assert_eq!((emails(&second), &second["next"]), (vec!["a".to_owned()], &Value::Null));
}

#[test]
fn what_cannot_be_invited_is_named() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    let session = app.ada.sign_in(&app);
    let audited = app.audited(|| {
        for (body, detail) in [
            (json!({ "role": "member" }), "email is required"),
            (json!({ "email": "x@y.example" }), "role is required"),
            (json!({ "email": "nobody", "role": "member" }), "email is no e-mail address"),
            (json!({ "email": "x@y.example", "role": "king" }), "role has the wrong type"),
            (json!({ "email": "x@y.example", "role": "member", "groups": [""] }), "groups must be at most 50"),
            (json!({ "email": "x@y.example", "role": "member", "days": 7 }), "request has an unknown member"),
        ] {
            let answer = create(&app, &session, &body);
            refused(&answer, 422, "invalid");
            let found = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(found.starts_with(detail), "{body}: {found}");
        }
        refused(&create(&app, &session, &json!({ "email": bob.email, "role": "admin" })), 409, "already_member");
    });
    assert_eq!((audited.len(), list(&app, &session)), (0, json!([])));
}

#[test]
fn only_an_owner_invites_one_and_takes_that_back() {
    let app = TestApp::new();
    let cora = app.member("cora", Role::Admin).sign_in(&app);
    refused(&create(&app, &cora, &json!({ "email": "x@y.example", "role": "owner" })), 403, "forbidden");
    let (id, secret) = invite(&app, "x@y.example", "owner");
    refused(&withdraw(&app, &cora, &id), 403, "forbidden");
    assert_eq!(withdraw(&app, &app.ada.sign_in(&app), &id).status, 204);
    assert_eq!(accept(&app, &secret).status, 404);
}

#[test]
fn taking_back_is_written_down_once() {
    let app = TestApp::new();
    let ((id, _), session) = (invite(&app, "x@y.example", "member"), app.ada.sign_in(&app));
    let records = app.audited(|| assert_eq!(withdraw(&app, &session, &id).status, 204));
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.action.as_str(), record.subject_id.as_ref()), ("invitation.withdraw", Some(&id)));
    assert_eq!(app.audited(|| assert_eq!(withdraw(&app, &session, &id).status, 204)).len(), 0, "again");
    assert_eq!(list(&app, &session)[0]["state"], "withdrawn");
    let (used, secret) = invite(&app, "z@y.example", "member");
    assert_eq!(accept(&app, &secret).status, 200);
    refused(&withdraw(&app, &session, &used), 409, "invitation_accepted");
    let elsewhere = app.owner_of("Evil", "eve").sign_in(&app);
    let path = format!("/api/v1/orgs/evil/invitations/{id}");
    refused(&app.delete(&path).bearer(&elsewhere).send(), 404, "not_found");
    refused(&withdraw(&app, &session, "nobody"), 404, "not_found");
}
