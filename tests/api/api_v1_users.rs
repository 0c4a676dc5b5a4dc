//! `/api/v1/users`: what an operator sees of users and does to them.

use patmint::domain::{clock::Clock as _, list::Target, membership::Role};
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

const PATH: &str = "/api/v1/users";

fn act(app: &TestApp, bearer: &str, person: &Person, what: &str) -> Answer {
    app.post(&format!("{PATH}/{}/{what}", person.id)).bearer(bearer).send()
}

fn status(app: &TestApp, bearer: &str) -> u16 {
    app.get("/api/v1/session").bearer(bearer).send().status
}

fn sign_in(app: &TestApp, person: &Person, password: &str) -> u16 {
    app.post("/api/v1/session").json(&json!({ "email": person.email, "password": password })).send().status
}

/// What `f` writes down of Ada's doing, and puts on the list.
fn recorded(app: &TestApp, person: &Person, f: impl FnOnce()) -> (Vec<String>, Vec<(Target, bool)>) {
    let mut listed = Vec::new();
    let records = app.audited(|| listed = app.listed(f));
    for record in &records {
        assert_eq!(record.subject_id.as_ref(), Some(&person.id));
        assert_eq!(record.actor_user_id.map(|id| id.to_string()), Some(app.ada.id.clone()));
    }
    (records.into_iter().map(|record| record.action).collect(), listed)
}

#[test]
fn all_are_listed_newest_first_or_one_is_found() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let (bob, _) = (app.member("bob", Role::Member), app.owner_of("Evil", "eve"));
    let page = |query: &str| app.get(&format!("{PATH}{query}")).bearer(&session).send();
    let numbers = |page: &Answer| -> Vec<Value> {
        page.json()["items"].as_array().unwrap().iter().map(|item| item["number"].clone()).collect()
    };
    let first = page("?limit=2");
    assert_eq!((numbers(&first), first.header("cache-control")), (vec![json!(3), json!(2)], Some("no-store")));
    let second = page(&format!("?limit=2&cursor={}", first.json()["next"].as_str().expect("a next page")));
    assert_eq!((numbers(&second), &second.json()["next"]), (vec![json!(1)], &Value::Null));
    let expected = json!({
        "id": bob.id,
        "number": 2,
        "email": bob.email,
        "name": "",
        "kind": "person",
        "operator": false,
        "created_at": app.clock.now(),
        "disabled_at": null,
    });
    assert_eq!(page("?email=BOB@acme.example").json()["items"], json!([expected]));
    assert_eq!(page("?email=nobody@acme.example").json()["items"], json!([]));
    for (query, detail) in [
        ("?email=bob", "email is no e-mail address"),
        ("?name=bob", "query has an unknown parameter; expected cursor, limit, email"),
    ] {
        let answer = page(query);
        assert_eq!((answer.status, &answer.json()["detail"]), (422, &json!(detail)), "{query}");
    }
}

#[test]
fn a_disabled_user_is_nobody_until_enabled() {
    let app = TestApp::new();
    let other = app.beside();
    let (bob, session) = (app.member("bob", Role::Member), app.ada.sign_in(&app));
    let (pat, of_bob) = (bob.credential(&app, &json!({ "name": "laptop" })), bob.sign_in(&app));
    let access = pat.access(&app);
    assert!(pat.is_alive(&other), "in memory");
    let target = Target::User(bob.id.parse().unwrap());
    let disable = || {
        let answer = act(&app, &session, &bob, "disable");
        assert_eq!((answer.status, &answer.json()["disabled_at"]), (200, &json!(app.clock.now())));
    };
    assert_eq!(recorded(&app, &bob, disable), (vec!["user.disable".to_owned()], vec![(target, true)]));
    assert_eq!([pat.is_alive(&app), pat.is_alive(&other)], [false, false]);
    assert_eq!([status(&app, &of_bob), status(&app, &access), sign_in(&app, &bob, &bob.password)], [401; 3]);
    assert_eq!(recorded(&app, &bob, disable), (vec![], vec![]), "it is so already");
    let enable = || {
        let answer = act(&app, &session, &bob, "enable");
        assert_eq!((answer.status, &answer.json()["disabled_at"]), (200, &Value::Null));
    };
    assert_eq!(recorded(&app, &bob, enable), (vec!["user.enable".to_owned()], vec![(target, false)]));
    assert_eq!([pat.is_alive(&app), pat.is_alive(&other)], [true, true]);
    assert_eq!([status(&app, &of_bob), status(&app, &access), sign_in(&app, &bob, &bob.password)], [401, 401, 201]);
    assert_eq!(recorded(&app, &bob, enable), (vec![], vec![]), "it is so already");
}

#[test]
fn there_is_always_an_operator() {
    let app = TestApp::new();
    let (bob, session) = (app.member("bob", Role::Member), app.ada.sign_in(&app));
    let refused = || {
        let answer = act(&app, &session, &app.ada, "disable");
        assert_eq!((answer.status, answer.code().as_str()), (409, "last_operator"));
        assert_eq!(status(&app, &session), 200);
    };
    refused();
    app.execute(&format!("UPDATE users SET operator_since = created_at WHERE id = '{}'", bob.id));
    assert_eq!(act(&app, &session, &bob, "disable").status, 200);
    refused();
    assert_eq!(act(&app, &session, &bob, "enable").status, 200);
    assert_eq!(act(&app, &session, &app.ada, "disable").status, 200);
    assert_eq!(status(&app, &session), 401);
    assert_eq!(act(&app, &bob.sign_in(&app), &app.ada, "enable").status, 200);
}

#[test]
fn a_new_password_is_shown_once_and_ends_the_sessions() {
    let app = TestApp::new();
    let (bob, session) = (app.member("bob", Role::Member), app.ada.sign_in(&app));
    let (pat, of_bob) = (bob.credential(&app, &json!({ "name": "laptop" })), bob.sign_in(&app));
    let mut password = String::new();
    let reset = || {
        let answer = act(&app, &session, &bob, "reset-password");
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        answer.json()["password"].as_str().unwrap().clone_into(&mut password);
    };
    assert_eq!(recorded(&app, &bob, reset).0, ["user.reset_password"]);
    assert_eq!(
        [status(&app, &of_bob), sign_in(&app, &bob, &bob.password), sign_in(&app, &bob, &password)],
        [401, 401, 201]
    );
    assert!(pat.is_alive(&app) && status(&app, &session) == 200);
    app.execute(&format!("UPDATE users SET kind = 'service_account' WHERE id = '{}'", bob.id));
    let answer = act(&app, &session, &bob, "reset-password");
    assert_eq!((answer.status, answer.code().as_str()), (409, "no_password"));
}

#[test]
fn signing_somebody_out_ends_what_is_short_lived() {
    let app = TestApp::new();
    let (bob, session) = (app.member("bob", Role::Member), app.ada.sign_in(&app));
    let (pat, of_bob) = (bob.credential(&app, &json!({ "name": "laptop" })), bob.sign_in(&app));
    let (access, others) = (pat.access(&app), app.pat.access(&app));
    let end = || assert_eq!(act(&app, &session, &bob, "sign-out").status, 204);
    let target = Target::User(bob.id.parse().unwrap());
    assert_eq!(recorded(&app, &bob, end), (vec!["user.sign_out".to_owned()], vec![(target, true)]));
    assert_eq!([status(&app, &of_bob), status(&app, &access), status(&app, &others)], [401, 401, 200]);
    assert!(pat.is_alive(&app), "credentials stay good");
    assert_eq!(status(&app, &pat.access(&app)), 200);
    assert_eq!(sign_in(&app, &bob, &bob.password), 201);
}

#[test]
fn whoever_is_not_there_is_not_found() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for what in ["disable", "enable", "reset-password", "sign-out"] {
        for id in ["nobody", app.organization_id.as_str()] {
            let answer = app.post(&format!("{PATH}/{id}/{what}")).bearer(&session).send();
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{id} {what}");
        }
    }
}
