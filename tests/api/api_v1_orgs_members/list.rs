//! `GET`: pages of members, newest users first.

use patmint::domain::{clock::Clock as _, membership::Role};
use serde_json::{Value, json};

use super::{PATH, end, list};
use crate::support::{Answer, TestApp};

fn emails(answer: &Answer) -> Vec<String> {
    let items = answer.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["user"]["email"].as_str().unwrap_or("none").replace("@acme.example", "")).collect()
}

#[test]
fn a_member_is_shown_without_secrets() {
    let app = TestApp::new();
    let (cora, session) = (app.member("cora", Role::Admin), app.ada.sign_in(&app));
    let answer = list(&app, &session, "");
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let expected = json!({
        "user": {
            "id": cora.id,
            "number": 2,
            "email": cora.email,
            "name": "",
            "kind": "person",
            "disabled": false,
        },
        "role": "admin",
        "groups": null,
        "created_at": app.clock.now(),
        "ended_at": null,
    });
    assert_eq!(answer.json()["items"][0], expected);
    assert_eq!(list(&app, &cora.sign_in(&app), "").json(), answer.json(), "an admin sees the same");
}

#[test]
fn a_cursor_leads_from_page_to_page_and_others_are_not_on_it() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    app.member("bob", Role::Member);
    app.owner_of("Evil", "eve");
    app.member("cora", Role::Admin);
    assert_eq!(emails(&list(&app, &session, "")), ["cora", "bob", "ada"]);
    let first = list(&app, &session, "?limit=2");
    assert_eq!(emails(&first), ["cora", "bob"]);
    app.member("dora", Role::Member);
    let cursor = first.json()["next"].as_str().expect("a next page").to_owned();
    let second = list(&app, &session, &format!("?limit=2&cursor={cursor}"));
    assert_eq!((emails(&second), &second.json()["next"]), (vec!["ada".to_owned()], &Value::Null));
}

#[test]
fn filters_leave_out_the_others() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let [bob, _, robot] = [("bob", Role::Member), ("cora", Role::Admin), ("robot", Role::Member)]
        .map(|(name, role)| app.member(name, role));
    app.execute(&format!("UPDATE users SET kind = 'service_account', email = NULL WHERE id = '{}'", robot.id));
    assert_eq!(end(&app, &session, &bob).status, 204);
    for (query, expected) in [
        ("", &["none", "cora", "bob", "ada"][..]),
        ("?role=owner", &["ada"]),
        ("?role=member", &["none", "bob"]),
        ("?kind=person", &["cora", "bob", "ada"]),
        ("?kind=service_account", &["none"]),
        ("?state=current", &["none", "cora", "ada"]),
        ("?state=ended", &["bob"]),
        ("?role=member&kind=person&state=current", &[]),
    ] {
        assert_eq!(emails(&list(&app, &session, query)), expected, "{query}");
    }
    for (query, detail) in [
        ("?role=king", "role must be owner, admin or member"),
        ("?kind=", "kind must be person or service_account"),
        ("?state=active", "state must be current or ended"),
        ("?name=a", "query has an unknown parameter; expected cursor, limit, role, kind, state"),
    ] {
        let answer = list(&app, &session, query);
        assert_eq!((answer.status, &answer.json()["detail"]), (422, &json!(detail)), "{query}");
    }
    assert_eq!(app.post(PATH).bearer(&session).json(&json!({})).send().status, 405);
}
