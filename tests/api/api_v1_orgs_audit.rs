//! `GET /api/v1/orgs/{org}/audit`: what was done in an organization, for its admins and for operators.

use patmint::domain::{clock::Clock as _, membership::Role};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, minutes};

const PATH: &str = "/api/v1/orgs/acme/audit";

fn list(app: &TestApp, bearer: &str, query: &str) -> Value {
    let answer = app.get(&format!("{PATH}{query}")).bearer(bearer).send();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
    answer.json()
}

fn actions(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["action"].as_str().unwrap()).collect()
}

fn create(app: &TestApp, bearer: &str, name: &str) -> Answer {
    let answer = app.post("/api/v1/tokens").bearer(bearer).json(&json!({ "name": name })).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

#[test]
fn an_entry_says_who_did_what_to_whom_from_where_with_what_in_which_request_and_when() {
    let app = TestApp::new();
    app.clock.advance(minutes(1));
    let session = app.ada.sign_in(&app);
    app.clock.advance(minutes(1));
    let made = create(&app, &session, "laptop");
    let (id, at) = (made.json()["id"].clone(), app.clock.now());
    app.clock.advance(minutes(1));
    let listed = list(&app, &session, "");
    assert_eq!(actions(&listed), ["credential.create", "session.create", "organization.bootstrap"]);
    assert_eq!(listed["next"], Value::Null);
    let mut entry = listed["items"][0].clone();
    assert!(entry["id"].take().as_str().is_some());
    let expected = json!({
        "id": null,
        "created_at": at,
        "action": "credential.create",
        "organization_id": app.organization_id,
        "actor": { "id": app.ada.id, "number": 1, "email": app.ada.email, "name": "", "kind": "person" },
        "credential_id": null,
        "via": "session",
        "subject_id": id,
        "address": "127.0.0.1",
        "request_id": made.header("x-request-id"),
        "detail": { "name": "laptop", "number": 3 },
    });
    assert_eq!(entry, expected);
    let first = &listed["items"][2];
    assert_eq!((&first["actor"], &first["address"], &first["via"]), (&Value::Null, &Value::Null, &json!("command")));
}

#[test]
fn each_filter_leaves_what_it_names_and_all_work_together() {
    let app = TestApp::new();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true })).status, 200);
    let (bob, session) = (app.member("bob", Role::Member), app.ada.sign_in(&app));
    let bobs = bob.sign_in(&app);
    app.clock.advance(minutes(1));
    let (own, later) = (create(&app, &bobs, "manager"), app.clock.now());
    let (id, text) = (own.json()["id"].clone(), own.json()["token"].clone());
    app.clock.advance(minutes(1));
    create(&app, text.as_str().unwrap(), "made by a token");
    let last = app.clock.now();
    let (bob, id, ada) = (bob.id.as_str(), id.as_str().unwrap(), app.ada.id.as_str());
    let cases = [
        (String::new(), 7),
        ("action=credential.create".to_owned(), 2),
        ("action=credential".to_owned(), 0),
        (format!("actor={bob}"), 3),
        (format!("actor={ada}"), 3),
        (format!("credential={id}"), 1),
        (format!("subject={id}"), 1),
        (format!("since={later}"), 2),
        (format!("until={later}"), 5),
        (format!("since={later}&until={last}"), 1),
        (format!("actor={bob}&action=session.create"), 1),
        (format!("actor={ada}&credential={id}"), 0),
    ];
    for (query, count) in cases {
        let listed = list(&app, &session, &format!("?{query}"));
        assert_eq!(actions(&listed).len(), count, "{query}: {listed:#}");
    }
    let by_token = list(&app, &session, &format!("?credential={id}"));
    assert_eq!((&by_token["items"][0]["via"], &by_token["items"][0]["actor"]["id"]), (&json!("token"), &json!(bob)));
}

#[test]
fn what_is_no_filter_is_refused() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let long = format!("subject={}", "a".repeat(201));
    let wrong = [
        "actor=ada",
        "credential=1",
        "since=yesterday",
        "until=",
        "action=",
        "subject=a%00b",
        &long,
        "limit=0",
        "limit=201",
        "cursor=x",
        "cursor=AAAA",
        "cursor=__________8",
        "verb=a",
    ];
    for query in wrong {
        let answer = app.get(&format!("{PATH}?{query}")).bearer(&session).send();
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{query}: {}", answer.text());
    }
}

#[test]
fn pages_follow_each_other_without_a_gap_also_within_one_moment() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    // The clock stands still, so that many are of one moment.
    for number in 0..7 {
        create(&app, &session, &format!("token {number}"));
    }
    app.clock.advance(minutes(1));
    for number in 7..12 {
        create(&app, &session, &format!("token {number}"));
    }
    let whole = list(&app, &session, "");
    let ids = |list: &Value| {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (mut found, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = list(&app, &session, &query);
        assert!(ids(&page).len() <= 3);
        found.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=3&cursor={next}");
    }
    assert_eq!((found.len(), &found), (14, &ids(&whole)));
}

#[test]
fn nothing_of_another_organization_is_in_it() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    let (session, eves) = (app.ada.sign_in(&app), eve.sign_in(&app));
    app.clock.advance(minutes(1));
    create(&app, &eves, "theirs");
    assert_eq!(actions(&list(&app, &session, &format!("?actor={}", eve.id))), Vec::<&str>::new());
    let theirs = app.get("/api/v1/orgs/evil/audit").bearer(&eves).send().json();
    assert_eq!(actions(&theirs), ["credential.create", "session.create"]);
    assert_eq!(app.get(PATH).bearer(&eves).send().status, 404);
}

#[test]
fn a_sign_in_shows_in_each_organization_that_the_person_is_in() {
    let app = TestApp::new();
    let eve = app.owner_of("Evil", "eve");
    app.join(&eve, &app.organization_id);
    let eves = eve.sign_in(&app);
    let of_acme = list(&app, &app.ada.sign_in(&app), &format!("?actor={}", eve.id));
    let of_evil = app.get("/api/v1/orgs/evil/audit").bearer(&eves).send().json();
    assert_eq!((actions(&of_acme), actions(&of_evil)), (vec!["session.create"], vec!["session.create"]));
    assert_eq!(of_acme["items"][0]["request_id"], of_evil["items"][0]["request_id"]);
}

#[test]
fn an_operator_reads_on_when_the_organization_has_ended() {
    let app = TestApp::new();
    let operator = app.owner_of("Operations", "oscar");
    app.execute(&format!("UPDATE users SET operator_since = created_at WHERE id = '{}'", operator.id));
    let (session, oscars) = (app.ada.sign_in(&app), operator.sign_in(&app));
    app.clock.advance(minutes(1));
    assert_eq!(app.delete("/api/v1/orgs/acme").bearer(&session).send().status, 204);
    assert_eq!(actions(&list(&app, &oscars, "?limit=1")), ["organization.end"]);
    assert_eq!(app.get("/api/v1/orgs/none/audit").bearer(&oscars).send().status, 404);
}
