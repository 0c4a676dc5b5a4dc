//! `GET /api/v1/orgs`: one's own; for an operator all of them.

use patmint::domain::membership::Role;
use serde_json::Value;

use super::{PATH, end, found};
use crate::support::{Answer, TestApp};

fn page(app: &TestApp, bearer: &str, query: &str) -> Answer {
    app.get(&format!("{PATH}{query}")).bearer(bearer).send()
}

fn slugs(answer: &Answer) -> Vec<String> {
    let items = answer.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| format!("{} {}", item["slug"], item["role"]).replace('"', "")).collect()
}

#[test]
fn a_member_sees_their_own_newest_first() {
    let app = TestApp::new();
    let bob = app.member("bob", Role::Member);
    app.owner_of("Evil", "eve");
    let beta = found(&app, "Beta");
    app.join(&bob, &beta);
    let session = bob.sign_in(&app);
    assert_eq!(slugs(&page(&app, &session, "")), ["beta member", "acme member"]);
    let first = page(&app, &session, "?limit=1");
    assert_eq!((slugs(&first), first.header("cache-control")), (vec!["beta member".to_owned()], Some("no-store")));
    let cursor = first.json()["next"].as_str().expect("a next page").to_owned();
    let second = page(&app, &session, &format!("?limit=1&cursor={cursor}"));
    assert_eq!((slugs(&second), &second.json()["next"]), (vec!["acme member".to_owned()], &Value::Null));
    assert_eq!(end(&app, &app.ada.sign_in(&app), &beta).status, 204);
    assert_eq!(slugs(&page(&app, &session, "")), ["acme member"]);
}

#[test]
fn an_operator_sees_all_that_are_or_were() {
    let app = TestApp::new();
    app.owner_of("Evil", "eve");
    let beta = found(&app, "Beta");
    let session = app.ada.sign_in(&app);
    assert_eq!(end(&app, &session, &beta).status, 204);
    let all = page(&app, &session, "");
    assert_eq!(slugs(&all), ["beta null", "evil null", "acme owner"]);
    let ended: Vec<_> = all.json()["items"].as_array().unwrap().iter().map(|item| item["ended_at"].is_null()).collect();
    assert_eq!(ended, [false, true, true]);
    let (mut seen, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let part = page(&app, &session, &query);
        seen.extend(slugs(&part));
        let Some(cursor) = part.json()["next"].as_str().map(str::to_owned) else { break };
        query = format!("?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, slugs(&all));
}

#[test]
fn parameters_are_checked() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for (query, detail) in [
        ("?limit=0", "limit must be 1 to 200"),
        ("?limit=201", "limit must be 1 to 200"),
        ("?limit=", "limit must be 1 to 200"),
        ("?cursor=sesame", "cursor is none of ours"),
        ("?sesame=1", "query has an unknown parameter; expected cursor, limit"),
    ] {
        let answer = page(&app, &session, query);
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{query}");
        assert_eq!(answer.json()["detail"], detail, "{query}");
    }
    assert_eq!(page(&app, &session, "?limit=200").status, 200);
}
