//! `scope` and `audience`: a request may ask for less, never for more.

use serde_json::{Value, json};

use crate::support::{Answer, Credential, TestApp, claims};

fn exchange(app: &TestApp, credential: &Credential, members: Value) -> Answer {
    let mut body = members;
    body["refresh"] = json!(credential.text);
    app.post("/api/token/refresh").json(&body).send()
}

/// `aud`, `scope` and `authorization_details` of what is granted, or the refusal.
fn granted(app: &TestApp, credential: &Credential, members: Value) -> Result<[Value; 3], Value> {
    let answer = exchange(app, credential, members);
    match answer.status {
        200 => {
            let claims = claims(answer.json()["access"].as_str().unwrap());
            Ok(["aud", "scope", "authorization_details"].map(|name| claims[name].clone()))
        }
        400 => Err(answer.json()),
        other => panic!("{other}: {}", answer.text()),
    }
}

fn rights(app: &TestApp, credential: &Credential, scope: &str) -> Result<[Value; 2], Value> {
    granted(app, credential, json!({ "scope": scope })).map(|[_, scope, details]| [scope, details])
}

fn no_such_scope() -> Result<[Value; 2], Value> {
    Err(json!({ "scope": ["The token does not have this scope."] }))
}

#[test]
fn an_unrestricted_one_is_narrowed_to_reading_or_to_entities() {
    let app = TestApp::new();
    let own = &app.pat;
    let unrestricted = |scope: &str| Ok([json!(scope), Value::Null]);
    assert_eq!(rights(&app, own, "read"), unrestricted("read"));
    assert_eq!(rights(&app, own, "write"), unrestricted("read write"), "write implies read");
    assert_eq!(rights(&app, own, "write read read"), unrestricted("read write"));
    assert_eq!(
        rights(&app, own, "dataset:12:get dataset:12:put eu/model:*:get"),
        Ok([
            Value::Null,
            json!([
                { "type": "dataset", "identifier": "12", "actions": ["get", "put"] },
                { "type": "model", "domain": "eu", "actions": ["get"] },
            ])
        ])
    );
    for wrong in ["", " ", "admin", "read admin", "read dataset:12:get", "dataset:12", "\u{e9}"] {
        assert_eq!(rights(&app, own, wrong), no_such_scope(), "{wrong:?}");
    }
}

#[test]
fn a_read_one_never_writes() {
    let app = TestApp::new();
    let read = app.ada.credential(&app, &json!({ "name": "r", "permission": "read" }));
    assert_eq!(claims(&read.access(&app))["scope"], "read");
    assert_eq!(rights(&app, &read, "read"), Ok([json!("read"), Value::Null]));
    for wrong in ["write", "read write", "dataset:12:put"] {
        assert_eq!(rights(&app, &read, wrong), no_such_scope(), "{wrong:?}");
    }
}

#[test]
fn the_rights_of_a_restricted_one_travel_as_authorization_details() {
    let app = TestApp::new();
    let scopes = json!([
        { "entity_type": "dataset", "entity_id": "*", "operation": "get" },
        { "domain": "eu", "entity_type": "model", "entity_id": "7", "operation": "put" },
    ]);
    let restricted = app.ada.credential(&app, &json!({ "name": "ci", "scopes": scopes }));
    let all = claims(&restricted.access(&app));
    assert!(all.get("scope").is_none(), "a service that knows only scope grants nothing");
    let model = json!({ "type": "model", "identifier": "7", "domain": "eu", "actions": ["put"] });
    assert_eq!(all["authorization_details"], json!([{ "type": "dataset", "actions": ["get"] }, model]));
    assert_eq!(
        rights(&app, &restricted, "dataset:12:get"),
        Ok([Value::Null, json!([{ "type": "dataset", "identifier": "12", "actions": ["get"] }])])
    );
    for wrong in ["read", "write", "dataset:12:put", "model:7:put", "us/model:7:put", "eu/model:*:put"] {
        assert_eq!(rights(&app, &restricted, wrong), no_such_scope(), "{wrong}");
    }
}

#[test]
fn one_with_no_scopes_may_do_nothing() {
    let app = TestApp::new();
    let nothing = app.ada.credential(&app, &json!({ "name": "nothing", "scopes": [] }));
    let all = claims(&nothing.access(&app));
    assert!(all.get("scope").is_none());
    assert_eq!(all["authorization_details"], json!([]));
    assert_eq!(rights(&app, &nothing, "dataset:12:get"), no_such_scope());
}

#[test]
fn an_audience_is_chosen_among_those_of_the_credential() {
    let app = TestApp::new();
    let (a, b) = ("https://a.example", "https://b.example");
    let patch = json!({ "allowed_audiences": [a, b] });
    assert_eq!(app.ada.patch_policy(&app, &patch).status, 200);
    let both = app.ada.credential(&app, &json!({ "name": "both", "audiences": [a, b] }));
    let audience = |credential, asked: Value| granted(&app, credential, asked).map(|[aud, ..]| aud);
    let refused = || Err(json!({ "audience": ["The token does not have this audience."] }));
    assert_eq!(audience(&both, json!({})), Ok(json!([a, b])));
    assert_eq!(audience(&both, json!({ "audience": null, "scope": null })), Ok(json!([a, b])));
    assert_eq!(audience(&both, json!({ "audience": b })), Ok(json!(b)));
    assert_eq!(audience(&both, json!({ "audience": app.issuer() })), refused(), "the default is not among them");
    assert_eq!(audience(&app.pat, json!({ "audience": app.issuer() })), Ok(json!(app.issuer())));
    for wrong in [a, "", "https://c.example"] {
        assert_eq!(audience(&app.pat, json!({ "audience": wrong })), refused(), "{wrong}");
    }
}

#[test]
fn both_are_text() {
    let app = TestApp::new();
    for member in ["scope", "audience"] {
        for value in [json!(7), json!(["read"]), json!({}), json!(true)] {
            let answer = exchange(&app, &app.pat, json!({ member: value }));
            assert_eq!((answer.status, answer.json()), (400, json!({ member: ["Not a valid string."] })), "{value}");
        }
    }
}

#[test]
fn a_form_narrows_too() {
    let app = TestApp::new();
    let send = |scope| app.post("/token/refresh").form(&[("refresh", &*app.pat.text), ("scope", scope)]).send();
    assert_eq!(claims(send("read").json()["access"].as_str().unwrap())["scope"], "read");
    assert_eq!(send("admin").status, 400);
}

#[test]
fn a_dead_one_is_not_told_what_it_asks_too_much() {
    let app = TestApp::new();
    let dead = app.ada.credential(&app, &json!({ "name": "gone", "permission": "read" }));
    app.post("/api/v1/revocations").json(&json!({ "token": dead.text })).send();
    let answer = exchange(&app, &dead, json!({ "scope": "write", "audience": "https://c.example" }));
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_not_valid"));
}
