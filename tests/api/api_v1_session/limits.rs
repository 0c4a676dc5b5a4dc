//! Whoever guesses passwords is slowed. When, and for how long, is tested where it is counted.

use patmint::{domain::membership::Role, http::TrustedProxies};
use serde_json::json;

use crate::support::{Answer, Options, TestApp, minutes, seconds};

/// A server that believes the test who the client is.
fn app() -> TestApp {
    let proxies = TrustedProxies { networks: vec!["127.0.0.1/32".parse().unwrap()], ..TrustedProxies::default() };
    TestApp::with(Options { proxies, ..Options::default() })
}

fn sign_in(app: &TestApp, from: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    app.post(super::PATH).header("x-forwarded-for", from).json(&body).send()
}

#[track_caller]
fn assert_slowed(answer: &Answer, seconds: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (429, "too_many_attempts"), "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some(seconds));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[test]
fn after_twenty_wrong_passwords_from_one_address() {
    let app = app();
    let (bob, session) = (app.member("bob", Role::Member), app.ada.sign_in(&app));
    for number in 0..20 {
        let email = if number % 2 == 0 { &bob.email } else { "nobody@acme.example" };
        assert_eq!(sign_in(&app, "192.0.2.1", email, "a wrong password").status, 401, "{number}");
    }
    let slowed = sign_in(&app, "192.0.2.1", &bob.email, "a wrong password");
    assert_slowed(&slowed, "30");
    for (email, password) in [
        (bob.email.as_str(), bob.password.as_str()),
        (&app.ada.email, &app.ada.password),
        ("nobody@acme.example", "a wrong password"),
        ("no address at all", ""),
    ] {
        let answer = sign_in(&app, "192.0.2.1", email, password);
        assert_slowed(&answer, "30");
        assert_eq!(answer.body, slowed.body, "all alike, {email}");
        assert!(answer.header("set-cookie").is_none());
    }
    // Neither sessions nor tokens hang on it, from there or from elsewhere.
    let from_there = |path| app.get(path).header("x-forwarded-for", "192.0.2.1");
    assert_eq!(from_there("/api/v1/session").bearer(&session).send().status, 200);
    assert!(app.pat.is_alive(&app));
    assert_eq!(sign_in(&app, "192.0.2.2", &bob.email, &bob.password).status, 201);
    app.clock.advance(seconds(29));
    assert_slowed(&sign_in(&app, "192.0.2.1", &bob.email, &bob.password), "1");
    app.clock.advance(seconds(1));
    assert_eq!(sign_in(&app, "192.0.2.1", &bob.email, &bob.password).status, 201);
}

#[test]
fn after_twenty_wrong_passwords_for_one_account() {
    let app = app();
    let bob = app.member("bob", Role::Member);
    assert_eq!(sign_in(&app, "198.51.100.1", &bob.email, &bob.password).status, 201);
    for email in [&bob.email, "nobody@acme.example"] {
        for number in 0..20 {
            let answer = sign_in(&app, &format!("192.0.2.{number}"), email, "a wrong password");
            assert_eq!(answer.status, 401, "{email} {number}");
        }
        assert_slowed(&sign_in(&app, "203.0.113.1", &email.to_uppercase(), &bob.password), "30");
    }
    assert_eq!(sign_in(&app, "198.51.100.1", &bob.email, &bob.password).status, 201, "where bob signs in");
    assert_eq!(sign_in(&app, "203.0.113.1", &app.ada.email, &app.ada.password).status, 201, "somebody else");
    app.clock.advance(seconds(30));
    assert_eq!(sign_in(&app, "203.0.113.1", &bob.email, &bob.password).status, 201, "and elsewhere after a while");
}

#[test]
fn after_twenty_wrong_passwords_of_ones_own() {
    let app = app();
    let bob = app.member("bob", Role::Member);
    let [session, other] = [bob.sign_in(&app), app.ada.sign_in(&app)];
    let change = |session: &str, current: &str| {
        let body = json!({ "current_password": current, "new_password": "a new and longer password" });
        app.post("/api/v1/session/password").bearer(session).json(&body).send()
    };
    for _ in 0..20 {
        assert_eq!(change(&session, "a wrong password").status, 422);
    }
    assert_slowed(&change(&session, &bob.password), "30");
    assert_eq!(app.get(super::PATH).bearer(&session).send().status, 200, "the session lives on");
    assert_eq!(sign_in(&app, "127.0.0.1", &bob.email, &bob.password).status, 201, "and bob may sign in");
    assert_eq!(change(&other, &app.ada.password).status, 204, "and others change theirs");
    app.clock.advance(minutes(1));
    assert_eq!(change(&session, &bob.password).status, 204);
}

#[test]
fn nobody_who_signs_in_is_slowed_by_that() {
    let app = app();
    for _ in 0..25 {
        assert_eq!(sign_in(&app, "192.0.2.1", &app.ada.email, &app.ada.password).status, 201);
    }
}
