//! Everywhere else where something is made.

use serde_json::{Value, json};

use super::{keyed, made, refused};
use crate::support::{TestApp, documented::DOCUMENT};

/// What is told of each operation that takes a key, by path.
fn with_key() -> Vec<&'static str> {
    let takes_key = |told: &Value| told["post"]["parameters"].to_string().contains("\"Idempotency-Key\"");
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.filter(|(_, told)| takes_key(told)).map(|(path, _)| path.as_str()).collect()
}

#[test]
fn everything_that_makes_something_takes_a_key() {
    let creating = patmint::http::all_routes().into_iter().filter(|(method, path)| {
        // A session and a membership are made too, by callers who are nobody yet: a second session harms nobody, and an
        // invitation is accepted once.
        let is_answered_created = DOCUMENT["paths"][path][method.to_lowercase()]["responses"]["201"].is_object();
        is_answered_created && *path != "/api/v1/session"
    });
    let mut creating: Vec<_> = creating.map(|(_, path)| path).collect();
    creating.sort_unstable();
    assert_eq!(with_key(), creating);
    assert_eq!(creating.len(), 6, "{creating:?}");
}

#[test]
fn a_service_account_and_its_token() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let accounts = "/api/v1/orgs/acme/service-accounts";
    let ask = |name: &str| keyed(&app, &session, accounts, "one", &json!({ "name": name }));
    let first = ask("ci");
    assert_eq!(first.status, 201, "{}", first.text());
    let repeat = ask("ci");
    assert_eq!((repeat.status, repeat.json()), (201, first.json()));
    assert_eq!(repeat.header("location"), first.header("location"));
    assert_eq!(refused(&ask("cd")), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(app.get(accounts).bearer(&session).send().json()["items"].as_array().unwrap().len(), 1);

    let account = first.json()["id"].as_str().unwrap().to_owned();
    let body = json!({ "name": "of the robot", "owner_id": account });
    let ask = || keyed(&app, &session, "/api/v1/orgs/acme/tokens", "one-of-it", &body);
    let (unseen, fresh) = (made(&ask()), made(&ask()));
    assert_eq!(unseen.id, fresh.id);
    assert!(!unseen.is_alive(&app) && fresh.is_alive(&app));
    let of_it = app.get(&format!("/api/v1/orgs/acme/tokens?owner={account}")).bearer(&session).send().json();
    assert_eq!(of_it["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.delete(&format!("{accounts}/{account}")).bearer(&session).send().status, 204);
    assert_eq!(ask().status, 422, "the account is no member any more");
    assert!(ask_ended(&app, &session, accounts)["ended_at"].is_string(), "as it is now");
}

fn ask_ended(app: &TestApp, session: &str, accounts: &str) -> Value {
    keyed(app, session, accounts, "one", &json!({ "name": "ci" })).json()
}

#[test]
fn an_organization() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let ask = || keyed(&app, &session, "/api/v1/orgs", "one", &json!({ "name": "New" }));
    let first = ask();
    assert_eq!(first.status, 201, "{}", first.text());
    let audited = app.audited(|| {
        let repeat = ask();
        assert_eq!((repeat.status, repeat.json()), (201, first.json()), "and not that its slug is taken");
    });
    assert!(audited.is_empty(), "{audited:?}");
    app.execute(&format!("UPDATE users SET operator_since = NULL WHERE id = '{}'", app.ada.id));
    assert_eq!(refused(&ask()), (403, "forbidden".to_owned()));
}
