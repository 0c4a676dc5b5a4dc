//! Everything that is refused, by name, with nothing changed.

use serde_json::{Value, json};

use super::{API, PATH, edited, get, named, patch, scope};
use crate::support::{Credential, TestApp};

/// Each body must be refused with 422 and a detail that begins so.
fn assert_refused(app: &TestApp, own: &Credential, cases: &[(Value, &str)]) {
    let session = app.ada.sign_in(app);
    let before = get(app, &session, &own.id).json();
    let audited = app.audited(|| {
        for (body, expected) in cases {
            let answer = patch(app, &session, &own.id, body);
            let problem = answer.json();
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{body}: {}", answer.text());
            assert!(detail.starts_with(expected), "{body}: {detail}");
            assert!(!answer.text().contains("sesame"), "{body} is quoted: {detail}");
        }
    });
    assert!(audited.is_empty(), "{audited:?}");
    assert_eq!(get(app, &session, &own.id).json(), before, "nothing was changed");
}

#[test]
fn members_that_are_none_or_wrong() {
    let app = TestApp::new();
    assert_refused(
        &app,
        &named(&app, &json!({})),
        &[
            (json!({}), "request must have at least one of name, permission, scopes"),
            (json!({ "kind": "jwt" }), "request has an unknown member"),
            (json!({ "name": "a", "organization_id": app.organization_id }), "request has an unknown member"),
            (json!({ "name": "a", "token": "sesame" }), "request has an unknown member"),
            (json!({ "name": "a", "state": "active" }), "request has an unknown member"),
            (json!({ "name": null }), "name has the wrong type"),
            (json!({ "name": 7 }), "name has the wrong type"),
            (json!({ "name": " " }), "name must have 1 to 100 characters"),
            (json!({ "name": "sesame\n" .repeat(20) }), "name must have"),
            (json!({ "permission": null }), "permission has the wrong type"),
            (json!({ "permission": "sesame" }), "permission has the wrong type"),
            (json!({ "name": "a", "scopes": "sesame" }), "scopes has the wrong type"),
            (json!({ "scopes": [scope("1", "open sesame")] }), "scopes must have parts"),
            (json!({ "scopes": [{ "entity_type": "a" }] }), "entity_id is required"),
            (json!({ "audiences": [] }), "audiences must be 1 to 20"),
            (json!({ "audiences": [API] }), "audiences must be allowed by the organization's policy"),
            (json!([]), "request has the wrong type"),
            (json!(null), "request has the wrong type"),
        ],
    );
}

#[test]
fn bodies_that_cannot_be_read() {
    let app = TestApp::new();
    let (session, own) = (app.ada.sign_in(&app), named(&app, &json!({})));
    for (media_type, body, status, code) in [
        ("application/json", "sesame", 400, "malformed_json"),
        ("application/json", "", 400, "malformed_json"),
        ("application/json", r#"{"name": "a", "name": "sesame"}"#, 400, "malformed_json"),
        ("text/plain", "{}", 415, "unsupported_media_type"),
    ] {
        let request = app.request("PATCH", &format!("{PATH}/{}", own.id)).bearer(&session);
        let answer = request.text(media_type, body).send();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
        assert!(!answer.text().contains("sesame"), "{body}");
    }
}

#[test]
fn scopes_that_would_lift_a_restriction_or_do_not_fit() {
    let app = TestApp::new();
    let lifted = "scopes cannot be lifted from a token that has some";
    for scopes in [json!([]), json!([scope("1", "get")])] {
        let own = named(&app, &json!({ "scopes": scopes }));
        assert_refused(&app, &own, &[(json!({ "scopes": null }), lifted)]);
    }
    let unfit = "scopes of a read token may only name";
    let writes = named(&app, &json!({ "scopes": [scope("1", "put")] }));
    let both = json!({ "permission": "read", "scopes": [scope("1", "get"), scope("1", "put")] });
    assert_refused(&app, &writes, &[(json!({ "permission": "read" }), unfit), (both, unfit)]);
    let reads = named(&app, &json!({ "permission": "read" }));
    assert_refused(&app, &reads, &[(json!({ "scopes": [scope("1", "put")] }), unfit)]);
    edited(&app, &reads, &json!({ "permission": "read_write", "scopes": [scope("1", "put")] }));
    edited(&app, &reads, &json!({ "permission": "read", "scopes": [] }));
    assert_refused(&app, &reads, &[(json!({ "scopes": null }), lifted)]);
}

#[test]
fn expiries_that_the_policy_or_the_clock_forbids() {
    let app = TestApp::new();
    let own = named(&app, &json!({ "expires_in": 300 }));
    let (at, within) = (|at: &str| json!({ "expires_at": at }), |seconds: i64| json!({ "expires_in": seconds }));
    assert_refused(
        &app,
        &own,
        &[
            (at("sesame"), "expires_at has the wrong type"),
            (at("2026-11-21T10:00:00.250000Z"), "expires_at must be in the future"),
            (within(0), "expires_in must be in the future"),
            (within(-1), "expires_in must be in the future"),
            (within(i64::MAX), "expires_in is later than the organization's policy allows"),
            (
                json!({ "expires_in": 60, "expires_at": "2026-11-22T10:00:00Z" }),
                "expires_in must not come with expires_at",
            ),
        ],
    );
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_max_ttl": 600 })).status, 200);
    app.clock.advance(crate::support::seconds(100));
    assert_refused(
        &app,
        &own,
        &[
            (within(501), "expires_in is later than"),
            (at("2026-11-21T10:10:00.250001Z"), "expires_at is later than the organization's policy allows"),
            (json!({ "expires_at": null }), "expires_at is required by the organization's policy"),
        ],
    );
    edited(&app, &own, &within(500));
    edited(&app, &own, &within(300));
    edited(&app, &own, &at("2026-11-21T10:10:00.250000Z"));
    let patch = json!({ "token_max_ttl": null, "require_expiry": true });
    assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    assert_refused(
        &app,
        &own,
        &[
            (json!({ "expires_at": null }), "expires_at is required"),
            (json!({ "expires_in": null }), "expires_at is required"),
        ],
    );
}

#[test]
fn a_jwt_ends_no_later_than_it_says() {
    let app = TestApp::new();
    let own = named(&app, &json!({ "kind": "jwt", "expires_in": 600 }));
    let longer = [
        (json!({ "expires_in": 601 }), "expires_in of a jwt token can only become earlier"),
        (json!({ "expires_at": "2026-11-21T10:10:00.250001Z" }), "expires_at of a jwt token can only become earlier"),
        (json!({ "expires_at": null }), "expires_at of a jwt token can only become earlier"),
    ];
    assert_refused(&app, &own, &longer);
    edited(&app, &own, &json!({ "expires_in": 600 }));
    edited(&app, &own, &json!({ "expires_in": 599 }));
    assert_refused(&app, &own, &[(json!({ "expires_in": 600 }), "expires_in of a jwt token")]);
    let endless = named(&app, &json!({ "kind": "jwt" }));
    edited(&app, &endless, &json!({ "expires_in": 600 }));
    assert_refused(&app, &endless, &longer);
}
