//! Two requests with one key at once: one outcome.

use std::{sync::Barrier, thread};

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use super::{TOKENS, count, keyed, made, refused};
use crate::support::{Answer, Credential, TestApp};

/// Asks both servers at once.
fn race(servers: [&TestApp; 2], bearer: &str, path: &str, key: &str, body: &Value) -> [Answer; 2] {
    let start = &Barrier::new(2);
    thread::scope(|scope| {
        let threads = servers.map(|server| {
            scope.spawn(move || {
                start.wait();
                keyed(server, bearer, path, key, body)
            })
        });
        threads.map(|thread| thread.join().unwrap())
    })
}

/// Both have the same outcome, or one is told that the other one runs; what lives is one at the most.
fn one_outcome(servers: [&TestApp; 2], answers: &[Answer; 2]) -> String {
    let told: Vec<Credential> = answers.iter().filter(|answer| answer.status == 201).map(made).collect();
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused(answer), (409, "idempotency_in_progress".to_owned()));
    }
    let id = told.first().expect("one of them is answered").id.clone();
    assert!(told.iter().all(|token| token.id == id), "{answers:?}");
    for server in servers {
        assert_eq!(told.iter().filter(|token| token.is_alive(server)).count(), 1, "{answers:?}");
    }
    id
}

#[test]
fn of_creating_on_one_server_and_on_two() {
    let app = TestApp::new();
    let other = app.beside();
    for servers in [[&app, &app], [&app, &other]] {
        for round in 0..10 {
            let bob = app.member(&format!("bob-{round}-{}", servers[1].address.port()), Role::Member);
            let session = bob.sign_in(&app);
            let body = json!({ "name": "race" });
            let answers = race(servers, &session, TOKENS, "one", &body);
            let id = one_outcome(servers, &answers);
            assert_eq!(count(&app, &session), 1, "round {round}");
            let repeat = made(&keyed(servers[1], &session, TOKENS, "one", &body));
            assert!(repeat.id == id && repeat.is_alive(servers[0]), "round {round}");
        }
    }
}

#[test]
fn of_a_token_that_rotates_itself() {
    let app = TestApp::new();
    let other = app.beside();
    assert_eq!(app.ada.patch_policy(&app, &json!({ "token_management": true, "max_tokens_per_user": 1 })).status, 200);
    for servers in [[&app, &app], [&app, &other]] {
        let bob = app.member(&format!("bob-{}", servers[1].address.port()), Role::Member);
        for round in 0..10 {
            let old = bob.credential(&app, &json!({ "name": "race" }));
            let path = format!("{TOKENS}/{}/rotate", old.id);
            let answers = race(servers, &old.text, &path, "one", &json!({}));
            let id = one_outcome(servers, &answers);
            let repeat = made(&keyed(servers[1], &old.text, &path, "one", &json!({})));
            assert!(repeat.id == id && repeat.is_alive(servers[0]) && old.is_alive(servers[0]), "round {round}");
            let session = bob.sign_in(&app);
            for dead in [&old.id, &id] {
                assert_eq!(app.delete(&format!("{TOKENS}/{dead}")).bearer(&session).send().status, 204);
            }
        }
    }
}
