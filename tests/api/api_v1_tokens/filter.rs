//! `GET` with filters: what the list without one shows, less what does not belong.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use super::{PATH, create, delete};
use crate::support::{Person, TestApp, days, seconds};

/// More than a page looks at.
const MANY: usize = 2_500;

fn answer(app: &TestApp, session: &str, query: &str) -> Value {
    let answer = app.get(&format!("{PATH}?limit=200&{query}")).bearer(session).send();
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()
}

fn items(app: &TestApp, session: &str, query: &str) -> Vec<Value> {
    let answer = answer(app, session, query);
    assert_eq!(answer["next"], Value::Null, "{query}");
    answer["items"].as_array().unwrap().clone()
}

fn names(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// Tokens of every state, and some that are nearly of another.
fn app_with_all_sorts() -> (TestApp, Person) {
    let app = TestApp::new();
    let policy = json!({ "stale_after": 86_400, "allowed_kinds": ["opaque", "jwt", "legacy"] });
    assert_eq!(app.ada.patch_policy(&app, &policy).status, 200);
    let bob = app.member("bob", Role::Member);
    bob.credential(&app, &json!({ "name": "Deploy, long ago" }));
    bob.credential(&app, &json!({ "name": "used", "expires_in": 900_000 }));
    let gone = bob.credential(&app, &json!({ "name": "REVOKED 100%", "expires_in": 10 }));
    assert_eq!(delete(&app, &bob.sign_in(&app), &gone.id).status, 204);
    app.clock.advance(days(1));
    app.execute("UPDATE credentials SET last_used_at = '2026-11-22 09:00:00.250000' WHERE name = 'used'");
    for body in [
        json!({ "name": "deploy_ÄRGER", "kind": "legacy" }),
        json!({ "name": "expired", "expires_in": 10 }),
        // It ends at the moment that the lists are asked for, and the next one a microsecond later.
        json!({ "name": "ends now", "expires_at": "2026-11-22T10:00:10.250000Z", "kind": "jwt" }),
        json!({ "name": "ends next", "expires_at": "2026-11-22T10:00:10.250001Z", "kind": "jwt" }),
        json!({ "name": "stale now" }),
        json!({ "name": "stale next" }),
        json!({ "name": "deploy ärger", "expires_at": "2026-11-22T10:00:11.000000Z" }),
    ] {
        bob.credential(&app, &body);
    }
    app.execute("UPDATE credentials SET last_used_at = '2026-11-21 10:00:10.250000' WHERE name = 'stale now'");
    app.execute("UPDATE credentials SET last_used_at = '2026-11-21 10:00:10.250001' WHERE name = 'stale next'");
    app.clock.advance(seconds(10));
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_kinds": ["opaque", "jwt"] })).status, 200);
    (app, bob)
}

#[test]
fn each_leaves_what_it_names() {
    type Admits = fn(&Value) -> bool;
    fn is(item: &Value, member: &str, expected: &str) -> bool {
        item[member] == expected
    }
    fn ends(item: &Value) -> Option<&str> {
        item["effective_expires_at"].as_str()
    }
    fn seen(item: &Value) -> &str {
        item["last_used_at"].as_str().unwrap_or(item["created_at"].as_str().unwrap())
    }
    let cases: [(&str, Admits); 15] = [
        ("state=active", |item| is(item, "state", "active")),
        ("state=revoked", |item| is(item, "state", "revoked")),
        ("state=expired", |item| is(item, "state", "expired")),
        ("state=stale", |item| is(item, "state", "stale")),
        ("state=disallowed", |item| is(item, "state", "disallowed")),
        ("kind=opaque", |item| is(item, "kind", "opaque")),
        ("kind=jwt", |item| is(item, "kind", "jwt")),
        ("name=dEPLOY", |item| item["name"].as_str().unwrap().to_lowercase().starts_with("deploy")),
        ("name=deploy_", |item| is(item, "name", "deploy_ÄRGER")),
        ("name=100%25", |item| is(item, "name", "REVOKED 100%")),
        ("name=%C3%84rger", |item| is(item, "name", "deploy_ÄRGER")),
        ("never_expires=true", |item| ends(item).is_none()),
        ("never_expires=false", |item| ends(item).is_some()),
        ("unused_since=2026-11-22T09:00:00.25Z", |item| seen(item) < "2026-11-22T09:00:00.250000Z"),
        ("expires_before=2026-11-22T10:00:11Z", |item| ends(item).is_some_and(|at| at < "2026-11-22T10:00:11.000000Z")),
    ];
    let (app, bob) = app_with_all_sorts();
    for policy in [json!({}), json!({ "token_max_ttl": 86_405 })] {
        assert_eq!(app.ada.patch_policy(&app, &policy).status, 200);
        let session = bob.sign_in(&app);
        let all = items(&app, &session, "");
        assert_eq!(all.len(), 10);
        for (name, state) in [("now", ["expired", "stale"]), ("next", ["active", "active"])] {
            for (kind, state) in ["ends", "stale"].iter().zip(state) {
                let item = all.iter().find(|item| item["name"] == format!("{kind} {name}")).expect("it is listed");
                assert!(policy != json!({}) || item["state"] == state, "{item}");
            }
        }
        for (query, admits) in &cases {
            let expected: Vec<_> = all.iter().filter(|item| admits(item)).cloned().collect();
            assert!(policy != json!({}) || !expected.is_empty(), "{query} is about one of them");
            assert_eq!(items(&app, &session, query), expected, "{query} with {policy}");
        }
        let both = items(&app, &session, "state=stale&name=deploy&kind=opaque&never_expires=true");
        assert_eq!(names(&both).len(), usize::from(policy == json!({})), "all of them count");
    }
}

#[test]
fn what_is_revoked_with_others_is_revoked() {
    for table in ["memberships", "users", "organizations"] {
        let app = TestApp::new();
        app.execute(&format!("UPDATE {table} SET revoked_seq = 9000000000000000"));
        let session = app.ada.sign_in(&app);
        assert_eq!(items(&app, &session, "state=revoked").len(), 2, "{table}");
        assert_eq!(items(&app, &session, "state=active").len(), 0, "{table}");
    }
}

#[test]
fn a_cursor_leads_through_what_is_admitted() {
    let app = TestApp::new();
    let session = app.member("bob", Role::Member).sign_in(&app);
    for name in ["a1", "b1", "b2", "a2", "a3", "b3", "a4", "b4"] {
        assert_eq!(create(&app, &session, &json!({ "name": name })).status, 201);
    }
    let page = |query: &str| app.get(&format!("{PATH}?limit=2&name=a{query}")).bearer(&session).send().json();
    let first = page("");
    assert_eq!(names(first["items"].as_array().unwrap()), ["a4", "a3"]);
    let second = page(&format!("&cursor={}", first["next"].as_str().unwrap()));
    assert_eq!(names(second["items"].as_array().unwrap()), ["a2", "a1"]);
    assert_eq!(second["next"], Value::Null, "nothing more of these");
}

#[test]
fn a_page_looks_at_so_many_and_the_next_one_goes_on() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_kinds": ["opaque", "jwt", "legacy"] })).status, 200);
    let session = bob.sign_in(&app);
    assert_eq!(create(&app, &session, &json!({ "name": "the one", "kind": "legacy" })).status, 201);
    app.fill(&bob, MANY);
    assert_eq!(app.ada.patch_policy(&app, &json!({ "allowed_kinds": ["opaque", "jwt"] })).status, 200);
    let first = answer(&app, &session, "state=disallowed");
    assert_eq!(first["items"], json!([]));
    let cursor = first["next"].as_str().expect("not the end").to_owned();
    let second = answer(&app, &session, &format!("state=disallowed&cursor={cursor}"));
    assert_eq!(names(second["items"].as_array().unwrap()), ["the one"]);
    assert_eq!(second["next"], Value::Null);
}

#[test]
fn values_are_checked_and_not_quoted() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let name = "name must have 1 to 100 characters, no control characters";
    let long = format!("name={}", "a".repeat(101));
    for (query, detail) in [
        ("state=sesame", "state must be active, revoked, expired, stale or disallowed"),
        ("state=", "state must be active, revoked, expired, stale or disallowed"),
        ("kind=sesame", "kind must be opaque, jwt or legacy"),
        ("name=", name),
        (&long, name),
        ("name=a%00", name),
        ("unused_since=2026-11-21", "unused_since must be a time such as 2026-11-21T10:00:00Z"),
        ("expires_before=sesame", "expires_before must be a time such as 2026-11-21T10:00:00Z"),
        ("never_expires=1", "never_expires must be true or false"),
    ] {
        let answer = app.get(&format!("{PATH}?{query}")).bearer(&session).send();
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{query}");
        assert_eq!(answer.json()["detail"], detail, "{query}");
    }
    for extreme in ["unused_since=0000-01-01T00:00:00Z", "expires_before=9999-12-31T23:59:59Z"] {
        items(&app, &session, extreme);
    }
}
