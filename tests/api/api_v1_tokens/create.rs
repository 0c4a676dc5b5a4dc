//! `POST`: what a credential is made of.

use patmint::domain::{clock::Clock as _, ids::CredentialId};
use serde_json::{Value, json};

use super::{PATH, create, get};
use crate::support::{Credential, TestApp, claims};

#[test]
fn a_name_is_enough() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let answer = create(&app, &session, &json!({ "name": "  laptop " }));
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    let mut made = answer.json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(id.parse::<CredentialId>().is_ok());
    assert_eq!(answer.header("location"), Some(&*format!("{PATH}/{id}")));
    let token = made.as_object_mut().unwrap().remove("token").expect("the token");
    assert!(Credential::of_text(token.as_str().unwrap()).is_alive(&app));
    assert_eq!(
        made,
        json!({
            "id": id,
            "number": 3,
            "organization_id": app.organization_id,
            "owner": { "id": app.ada.id, "number": 1, "email": "ada@acme.example", "kind": "person" },
            "name": "laptop",
            "kind": "opaque",
            "permission": "read_write",
            "scopes": null,
            "audiences": null,
            "created_at": "2026-11-21T10:00:00.250000Z",
            "expires_at": null,
            "effective_expires_at": null,
            "last_used_at": null,
            "last_used_from": null,
            "revoked_at": null,
            "revoked_by": null,
            "revoked_reason": null,
            "rotated_from": null,
            "rotated_to": null,
            "rotated_at": null,
            "state": "active",
        })
    );
}

#[test]
fn each_kind_with_every_field() {
    let app = TestApp::new();
    let (a, b) = ("https://a.example", "https://b.example");
    let patch = json!({ "allowed_kinds": ["opaque", "jwt", "legacy"], "allowed_audiences": [a, b] });
    assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    let session = app.ada.sign_in(&app);
    for kind in ["opaque", "jwt", "legacy"] {
        let get_scope = json!({ "entity_type": "dataset", "entity_id": "*", "operation": "get" });
        let list_scope = json!({ "domain": "eu", "entity_type": "file", "entity_id": "a/b:c", "operation": "list" });
        let body = json!({
            "name": "\u{f6}ffentlich \u{1f600}",
            "kind": kind,
            "permission": "read",
            "scopes": [list_scope, get_scope, get_scope],
            "audiences": [b, a, b],
            "expires_at": "2026-11-22T12:00:00.1234567+02:00",
            "expires_in": null,
            "organization_id": app.organization_id,
        });
        let answer = create(&app, &session, &body);
        assert_eq!(answer.status, 201, "{kind}: {}", answer.text());
        let mut made = answer.json();
        let token = made.as_object_mut().unwrap().remove("token").unwrap();
        let expected = [
            ("name", body["name"].clone()),
            ("kind", json!(kind)),
            ("permission", json!("read")),
            ("scopes", json!([get_scope, list_scope])),
            ("audiences", json!([b, a])),
            ("expires_at", json!("2026-11-22T10:00:00.123456Z")),
            ("effective_expires_at", json!("2026-11-22T10:00:00.123456Z")),
        ];
        for (member, value) in expected {
            assert_eq!(made[member], value, "{kind}: {member}");
        }
        assert_eq!(get(&app, &session, made["id"].as_str().unwrap()).json(), made, "{kind}: kept as it was shown");
        let access = claims(&Credential::of_text(token.as_str().unwrap()).access(&app));
        assert_eq!((&access["client_id"], &access["aud"]), (&made["id"], &json!([b, a])), "{kind}");
    }
}

#[test]
fn the_secret_is_in_the_creating_answer_only() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let answer = create(&app, &session, &json!({ "name": "laptop" })).json();
    let (id, token) = (answer["id"].as_str().unwrap(), answer["token"].as_str().unwrap());
    for later in [get(&app, &session, id), app.get(PATH).bearer(&session).send()] {
        assert_eq!(later.status, 200);
        assert!(!later.text().contains(token) && !later.text().contains("\"token\""));
    }
}

#[test]
fn an_expiry_comes_from_the_request_or_from_the_policy() {
    let app = TestApp::new();
    let in_seconds = |seconds: i64| json!(app.clock.now().plus_seconds(seconds));
    let ends = |body: Value| {
        let session = app.ada.sign_in(&app);
        let answer = create(&app, &session, &body);
        assert_eq!(answer.status, 201, "{body}: {}", answer.text());
        ["expires_at", "effective_expires_at"].map(|member| answer.json()[member].clone())
    };
    let patch = |patch: Value| assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    assert_eq!(ends(json!({ "name": "a", "expires_in": 60 })), [in_seconds(60), in_seconds(60)]);
    assert_eq!(ends(json!({ "name": "a", "expires_at": null })), [Value::Null, Value::Null]);
    assert_eq!(ends(json!({ "name": "a", "expires_at": null, "expires_in": 5 })), [in_seconds(5), in_seconds(5)]);
    patch(json!({ "token_default_ttl": 600 }));
    assert_eq!(ends(json!({ "name": "a" })), [in_seconds(600), in_seconds(600)]);
    assert_eq!(ends(json!({ "name": "a", "expires_at": null })), [Value::Null, Value::Null], "asked for");
    patch(json!({ "token_default_ttl": null, "token_max_ttl": 3600 }));
    assert_eq!(ends(json!({ "name": "a" })), [in_seconds(3600), in_seconds(3600)]);
    assert_eq!(ends(json!({ "name": "a", "expires_in": 3600 })), [in_seconds(3600), in_seconds(3600)]);
    patch(json!({ "token_default_ttl": 600, "require_expiry": true }));
    assert_eq!(ends(json!({ "name": "a" })), [in_seconds(600), in_seconds(600)]);
}

#[test]
fn names_need_not_be_unique_and_numbers_are() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let number = |name: &str| create(&app, &session, &json!({ "name": name })).json()["number"].as_i64().unwrap();
    assert_eq!([number("same"), number("same"), number(&"\u{1f600}".repeat(100))], [3, 4, 5]);
}
