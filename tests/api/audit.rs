//! The audit trail: one row for each change, none for what changed nothing, no secret in any.

use patmint::{domain::means::Means, store::audit::AuditRecord};
use serde_json::{Value, json};

use crate::support::TestApp;

/// The one record that `f` causes.
fn one(app: &TestApp, f: impl FnOnce()) -> AuditRecord {
    let mut records = app.audited(f);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

/// Action, actor, actor's credential and subject.
fn who(record: &AuditRecord) -> (&str, Option<String>, Option<String>, Option<&str>) {
    let AuditRecord { action, actor_user_id, actor_credential_id, subject_id, .. } = record;
    let (user, credential) = (actor_user_id.map(|id| id.to_string()), actor_credential_id.map(|id| id.to_string()));
    (action, user, credential, subject_id.as_deref())
}

fn detail(record: &AuditRecord) -> Value {
    record.detail.as_deref().map_or(Value::Null, |detail| serde_json::from_str(detail).unwrap())
}

#[test]
fn a_credentials_life_is_written_down() {
    let app = TestApp::new();
    let ada = || Some(app.ada.id.clone());
    let session = app.ada.sign_in(&app);
    let mut made = Value::Null;
    let create = || app.post("/api/v1/tokens").bearer(&session).json(&json!({ "name": "laptop" })).send().json();
    let record = one(&app, || made = create());
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert_eq!(who(&record), ("credential.create", ada(), None, Some(id)));
    assert_eq!(record.via, Some(Means::Session));
    assert_eq!(detail(&record), json!({ "name": "laptop", "number": 3 }));
    assert_eq!(record.organization_id.map(|id| id.to_string()), Some(app.organization_id.clone()));
    assert_eq!(record.address.as_deref(), Some("127.0.0.1"));
    assert_eq!(record.created_at.to_string(), "2026-11-21T10:00:00.250000Z");
    assert!(!format!("{record:?}").contains(&token[20..40]));

    let revoke = || assert_eq!(app.delete(&format!("/api/v1/tokens/{id}")).bearer(&session).send().status, 204);
    let record = one(&app, revoke);
    assert_eq!(who(&record), ("credential.revoke", ada(), None, Some(id)));
    assert_eq!(detail(&record), json!({ "number": 3, "reason": "requested" }));
}

#[test]
fn a_row_has_the_id_of_its_request() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let mut id = None;
    let record = one(&app, || {
        let answer = app.post("/api/v1/tokens").bearer(&session).json(&json!({ "name": "laptop" })).send();
        id = answer.header("x-request-id").map(str::to_owned);
    });
    assert_eq!((record.request_id.map(|id| id.to_string()), id.is_some()), (id, true));
}

#[test]
fn whoever_hands_one_in_acts_as_it() {
    let app = TestApp::new();
    let [leaked, held] = ["leaked", "held"].map(|name| app.ada.credential(&app, &json!({ "name": name })));
    let hand_in =
        || assert_eq!(app.post("/api/v1/revocations").json(&json!({ "token": leaked.text })).send().status, 202);
    let record = one(&app, hand_in);
    assert_eq!(record.via, Some(Means::Possession));
    assert_eq!(who(&record), ("credential.revoke", None, Some(leaked.id.clone()), Some(&*leaked.id)));
    assert_eq!(detail(&record)["reason"], "leaked");
    assert_eq!(record.address.as_deref(), Some("127.0.0.1"));
    let record = one(&app, || assert_eq!(app.post("/oauth/revoke").form(&[("token", &*held.text)]).send().status, 200));
    assert_eq!(who(&record), ("credential.revoke", None, Some(held.id.clone()), Some(&*held.id)));
    assert_eq!(detail(&record)["reason"], "holder");
}

#[test]
fn a_token_that_manages_is_named() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    let own = app.ada.credential(&app, &json!({ "name": "manager" }));
    for (bearer, via) in [(own.text.clone(), Means::Token), (own.access(&app), Means::AccessToken)] {
        let create = || {
            let answer = app.post("/api/v1/tokens").bearer(&bearer).json(&json!({ "name": "made" })).send();
            assert_eq!(answer.status, 201);
        };
        let record = one(&app, create);
        let (action, user, credential, _) = who(&record);
        assert_eq!(record.via, Some(via));
        assert_eq!((action, user, credential), ("credential.create", Some(app.ada.id.clone()), Some(own.id.clone())));
    }
}

#[test]
fn a_policys_change_says_what_was_changed() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let patch = json!({ "access_token_ttl": 60, "allowed_kinds": ["opaque"] });
    let record = one(&app, || {
        let request = app.request("PATCH", "/api/v1/orgs/acme/policy").bearer(&session).header("if-match", "*");
        assert_eq!(request.json(&patch).send().status, 200);
    });
    assert_eq!(who(&record), ("policy.update", Some(app.ada.id.clone()), None, Some(&*app.organization_id)));
    assert_eq!(detail(&record), patch);
}

#[test]
fn signing_in_and_out_is_written_down_and_failing_to_is_not() {
    let app = TestApp::new();
    let mut session = String::new();
    let begun = one(&app, || session = app.ada.sign_in(&app));
    let (action, user, _, subject) = who(&begun);
    assert_eq!(begun.via, Some(Means::Password));
    assert_eq!((action, user), ("session.create", Some(app.ada.id.clone())));
    let ended = one(&app, || assert_eq!(app.delete("/api/v1/session").bearer(&session).send().status, 204));
    assert_eq!(who(&ended), ("session.delete", Some(app.ada.id.clone()), None, subject));
    let wrong = json!({ "email": app.ada.email, "password": "wrong" });
    let failed = app.audited(|| assert_eq!(app.post("/api/v1/session").json(&wrong).send().status, 401));
    assert_eq!(failed.len(), 0, "a stranger cannot make patmint write");
}

#[test]
fn what_is_refused_leaves_no_row_and_no_number() {
    let app = TestApp::new();
    let (session, bob) = (app.ada.sign_in(&app), app.member("bob", patmint::domain::membership::Role::Member));
    let bob = bob.sign_in(&app);
    let head = |app: &TestApp| app.read(patmint::store::list::head).seq;
    let before = head(&app);
    let policy = |bearer: &str, if_match: &str, body: &Value| {
        let request = app.request("PATCH", "/api/v1/orgs/acme/policy").bearer(bearer).header("if-match", if_match);
        request.json(body).send().status
    };
    assert_eq!(app.post("/api/v1/tokens").bearer(&session).json(&json!({ "name": "" })).send().status, 422);
    assert_eq!(app.post("/api/v1/tokens").bearer(&app.pat.text).json(&json!({ "name": "a" })).send().status, 403);
    assert_eq!(policy(&session, "*", &json!({ "stale_after": 1 })), 422);
    assert_eq!(policy(&session, "\"1\"", &json!({ "stale_after": 86_400 })), 412);
    assert_eq!(policy(&bob, "*", &json!({ "stale_after": 86_400 })), 403);
    assert_eq!(head(&app), before);
}

#[test]
fn the_beginning_is_written_down() {
    let app = TestApp::new();
    let records = app.read(|connection| {
        let upto = patmint::store::list::head(connection)?.seq;
        patmint::store::audit::of_changes(connection, 0..=upto)
    });
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(who(record), ("organization.bootstrap", None, None, Some(&*app.ada.id)));
    assert_eq!((record.via, record.request_id), (Some(Means::Command), None));
}
