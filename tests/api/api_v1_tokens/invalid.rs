//! `POST`: everything that is refused, by name, with nothing made.

use serde_json::{Value, json};

use super::{PATH, create};
use crate::support::TestApp;

fn count(app: &TestApp, session: &str) -> usize {
    app.get(PATH).bearer(session).send().json()["items"].as_array().unwrap().len()
}

/// Each body must be refused with 422 and a detail that begins so.
fn assert_refused(app: &TestApp, cases: &[(Value, &str)]) {
    let session = app.ada.sign_in(app);
    let before = count(app, &session);
    for (body, expected) in cases {
        let answer = create(app, &session, body);
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{body}: {}", answer.text());
        assert!(detail.starts_with(expected), "{body}: {detail}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(!answer.text().contains("sesame"), "{body} is quoted: {detail}");
    }
    assert_eq!(count(app, &session), before, "nothing was made");
}

#[test]
fn names_kinds_and_permissions() {
    let app = TestApp::new();
    assert_refused(
        &app,
        &[
            (json!({}), "name is required"),
            (json!({ "name": "" }), "name must have 1 to 100 characters"),
            (json!({ "name": " \t " }), "name must have"),
            (json!({ "name": "a".repeat(101) }), "name must have"),
            (json!({ "name": "sesame\u{7}" }), "name must have"),
            (json!({ "name": "a\nb" }), "name must have"),
            (json!({ "name": null }), "name has the wrong type"),
            (json!({ "name": 7 }), "name has the wrong type"),
            (json!({ "name": ["sesame"] }), "name has the wrong type"),
            (json!({ "name": "a", "kind": "sesame" }), "kind has the wrong type or is none of the values allowed"),
            (json!({ "name": "a", "kind": "Opaque" }), "kind has the wrong type"),
            (json!({ "name": "a", "kind": null }), "kind has the wrong type"),
            (json!({ "name": "a", "kind": "legacy" }), "kind is not allowed by the organization's policy"),
            (json!({ "name": "a", "permission": "sesame" }), "permission has the wrong type"),
            (json!({ "name": "a", "permission": 1 }), "permission has the wrong type"),
            (json!({ "name": "a", "sesame": 1 }), "request has an unknown member; expected "),
            (json!({ "name": "a", "token": "sesame" }), "request has an unknown member"),
            (json!({ "name": "a", "organization_id": "sesame" }), "organization_id has the wrong type"),
            (json!({ "name": "a", "organization_id": 1 }), "organization_id has the wrong type"),
            (json!(["a"]), "request has the wrong type"),
            (json!("sesame"), "request has the wrong type"),
            (json!(null), "request has the wrong type"),
            (json!(7), "request has the wrong type"),
        ],
    );
}

#[test]
fn scopes() {
    let app = TestApp::new();
    let scope = |operation: &str| json!({ "entity_type": "dataset", "entity_id": "1", "operation": operation });
    let many: Vec<Value> = (0..101).map(|number| scope(&format!("do{number}"))).collect();
    let with = |scopes: Value| json!({ "name": "a", "scopes": scopes });
    assert_refused(
        &app,
        &[
            (with(json!("dataset:1:get")), "scopes has the wrong type"),
            (with(json!({ "sesame": 1 })), "scopes has the wrong type"),
            (with(json!(["dataset:1:sesame"])), "scopes[0] has the wrong type"),
            (with(json!([scope("get"), ["dataset", "1", "get"]])), "scopes[1] has the wrong type"),
            (with(json!([{ "entity_type": "dataset", "entity_id": "1" }])), "operation is required"),
            (with(json!([{ "entity_type": 7, "entity_id": "1", "operation": "get" }])), "scopes[0].entity_type"),
            (
                with(json!([{ "entity_type": "a", "entity_id": "1", "operation": "get", "sesame": 1 }])),
                "request has an unknown member",
            ),
            (with(json!([scope("")])), "scopes must have parts of 1 to 128"),
            (with(json!([scope("open sesame")])), "scopes must have parts"),
            (with(json!([scope("a:b")])), "scopes must have parts"),
            (with(json!([scope("\u{e9}")])), "scopes must have parts"),
            (with(json!([scope(&"a".repeat(129))])), "scopes must have parts"),
            (with(json!(many)), "scopes must be 100 at the most"),
            (
                json!({ "name": "a", "permission": "read", "scopes": [scope("get"), scope("put")] }),
                "scopes of a read token may only name",
            ),
        ],
    );
    assert_eq!(app.ada.patch_policy(&app, &json!({ "require_scopes": true })).status, 200);
    let required = "scopes are required by the organization's policy";
    assert_refused(&app, &[(json!({ "name": "a" }), required), (with(json!(null)), required)]);
    let session = app.ada.sign_in(&app);
    assert_eq!(create(&app, &session, &with(json!([]))).status, 201, "no right at all is a restriction");
}

#[test]
fn audiences() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_audiences": ["https://a.example"] })).status, 200);
    let with = |audiences: Value| json!({ "name": "a", "audiences": audiences });
    let not_allowed = "audiences must be allowed by the organization's policy";
    assert_refused(
        &app,
        &[
            (with(json!("https://a.example")), "audiences has the wrong type"),
            (with(json!([7])), "audiences[0] has the wrong type"),
            (with(json!([])), "audiences must be 1 to 20"),
            (with(json!(["https://sesame.example"])), not_allowed),
            (with(json!(["https://a.example", "https://sesame.example"])), not_allowed),
            (with(json!([""])), not_allowed),
        ],
    );
}

#[test]
fn expiries() {
    let app = TestApp::new();
    let (at, within) = (
        |at: Value| json!({ "name": "a", "expires_at": at }),
        |seconds: Value| json!({ "name": "a", "expires_in": seconds }),
    );
    assert_refused(
        &app,
        &[
            (at(json!("sesame")), "expires_at has the wrong type"),
            (at(json!("2026-11-22")), "expires_at has the wrong type"),
            (at(json!(1_795_000_000)), "expires_at has the wrong type"),
            (at(json!("2026-11-21T09:00:00Z")), "expires_at must be in the future"),
            (at(json!("2026-11-21T10:00:00.250000Z")), "expires_at must be in the future"),
            (at(json!("2226-11-21T09:00:00Z")), "expires_at is later than"),
            (within(json!("60")), "expires_in has the wrong type"),
            (within(json!(1.5)), "expires_in has the wrong type"),
            (within(json!(0)), "expires_in must be in the future"),
            (within(json!(-1)), "expires_in must be in the future"),
            (within(json!(i64::MIN)), "expires_in must be in the future"),
            (within(json!(i64::MAX)), "expires_in is later than the organization's policy allows"),
            (
                json!({ "name": "a", "expires_in": 60, "expires_at": "2026-11-22T10:00:00Z" }),
                "expires_in must not come with expires_at",
            ),
        ],
    );
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_max_ttl": 3600 })).status, 200);
    assert_refused(
        &app,
        &[
            (within(json!(3601)), "expires_in is later than the organization's policy allows"),
            (at(json!("2026-11-21T11:00:00.250001Z")), "expires_at is later than"),
            (at(json!(null)), "expires_at is required by the organization's policy"),
        ],
    );
    let patch = json!({ "token_max_ttl": null, "require_expiry": true });
    assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    let required = "expires_at is required by the organization's policy";
    assert_refused(&app, &[(at(json!(null)), required), (json!({ "name": "a" }), required)]);
}

#[test]
fn bodies_that_cannot_be_read() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for (media_type, body, status, code) in [
        ("application/json", "sesame", 400, "malformed_json"),
        ("application/json", "", 400, "malformed_json"),
        ("application/json", r#"{"name": "a"} sesame"#, 400, "malformed_json"),
        ("application/json", r#"{"name": "a", "name": "sesame"}"#, 400, "malformed_json"),
        (
            "application/json",
            r#"{"name": "a", "scopes": [{"entity_type": "a", "entity_id": "1", "operation": "b", "operation": "b"}]}"#,
            400,
            "malformed_json",
        ),
        ("application/x-www-form-urlencoded", "name=sesame", 415, "unsupported_media_type"),
        ("text/plain", "{}", 415, "unsupported_media_type"),
    ] {
        let answer = app.post(PATH).bearer(&session).text(media_type, body).send();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
        assert!(!answer.text().contains("sesame"), "{body}");
    }
    let long = create(&app, &session, &json!({ "name": "a".repeat(65_536) }));
    assert_eq!((long.status, long.code().as_str()), (413, "body_too_large"));
    assert_eq!(app.post(PATH).text("application/json", "sesame").send().status, 401, "first: who is it");
}
