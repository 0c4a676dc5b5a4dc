//! Every credential that is dead, unknown or malformed is answered alike, to the byte: nobody learns which it is.

use patmint::domain::membership::Role;
use serde_json::{Value, json};

use crate::support::{Answer, Options, TestApp, days, minutes};

/// All that a stranger sees of an answer, but for the date and the id that each has of its own.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status, headers, answer.text())
}

/// Hands in each credential and holds the answer to the one for garbage.
fn assert_alike<'a>(app: &TestApp, dead: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let exchange = |refresh: &str| app.post("/api/token/refresh").json(&json!({ "refresh": refresh })).send();
    let expected = exchange("garbage");
    assert_eq!(expected.status, 401);
    assert_eq!(expected.text(), r#"{"code":"token_not_valid","detail":"Token is invalid or expired"}"#);
    assert_eq!(expected.header("www-authenticate"), Some("Bearer realm=\"api\""));
    assert_eq!(expected.header("cache-control"), Some("no-store"));
    for (what, text) in dead {
        assert_eq!(seen(&exchange(text)), seen(&expected), "{what}");
    }
}

/// `text` with its last character, or the one `from_end` before it, changed to another of the same alphabet.
fn changed(text: &str, from_end: usize) -> String {
    let at = text.len() - 1 - from_end;
    let other = if text.as_bytes()[at] == b'1' { "2" } else { "1" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

#[test]
fn what_was_never_a_credential_here() {
    let (app, elsewhere) = (TestApp::new(), TestApp::new());
    for own in [&app, &elsewhere] {
        assert!(own.pat.is_alive(own) && own.jwt.is_alive(own), "each is good where it was made");
    }
    let (pat, jwt) = (&app.pat.text, &app.jwt.text);
    let (access, session) = (app.pat.access(&app), app.ada.sign_in(&app));
    let unsigned = jwt.rsplit_once('.').unwrap().0;
    let texts = [
        ("only the prefix", "patmint_".to_owned()),
        ("an opaque one, truncated", pat[..pat.len() - 1].to_owned()),
        ("an opaque one, longer", format!("{pat}0")),
        ("an opaque one, its checksum changed", changed(pat, 0)),
        ("an opaque one, its tag changed", changed(pat, 8)),
        ("an opaque one, its id changed", changed(pat, 75)),
        ("an opaque one without prefix", pat.trim_start_matches("patmint_").to_owned()),
        ("a JWT, truncated", jwt[..jwt.len() - 1].to_owned()),
        ("a JWT, its signature changed", changed(jwt, 10)),
        ("a JWT without signature", format!("{unsigned}.")),
        ("two thirds of a JWT", unsigned.to_owned()),
        ("an unsigned JWT", format!("eyJhbGciOiJub25lIn0.{}.", jwt.split('.').nth(1).unwrap())),
        ("another installation's", elsewhere.pat.text.clone()),
        ("another installation's JWT", elsewhere.jwt.text.clone()),
        ("40 hex digits", "0123456789abcdef0123456789abcdef01234567".to_owned()),
        ("an access token", access),
        ("a session", session),
        ("a very long text", "x".repeat(60_000)),
        ("not ASCII", "patmint_\u{e9}\u{1f600}".to_owned()),
        ("a NUL", "patmint_\0".to_owned()),
    ];
    assert_alike(&app, texts.iter().map(|(what, text)| (*what, text.as_str())));
}

#[test]
fn a_number_is_text_that_is_no_credential() {
    let app = TestApp::new();
    let expected = app.post("/api/token/refresh").json(&json!({ "refresh": "garbage" })).send();
    for number in [json!(7), json!(-1.5), json!(0)] {
        let answer = app.post("/api/token/refresh").json(&json!({ "refresh": number })).send();
        assert_eq!(seen(&answer), seen(&expected), "{number}");
    }
}

#[test]
fn a_credential_whose_time_is_over_or_that_was_ended() {
    let app = TestApp::new();
    let make = |name: &str, body: Value| app.member(name, Role::Member).credential(&app, &body);
    let simple = || json!({ "name": "laptop" });
    let [revoked, forgotten] = ["bob", "cora"].map(|name| make(name, simple()));
    let expired = make("dan", json!({ "name": "short", "expires_in": 60 }));
    let (eve, fay) = (app.member("eve", Role::Member), app.member("fay", Role::Member));
    let (disabled, left) = (eve.credential(&app, &simple()), fay.credential(&app, &simple()));
    // All but the one that will be removed: its use could not be written down any more.
    let all = [&revoked, &expired, &disabled, &left];
    assert!(all.into_iter().all(|credential| credential.is_alive(&app)), "each of them was good");

    let handed_in = app.post("/api/v1/revocations").json(&json!({ "token": revoked.text })).send();
    assert_eq!(handed_in.status, 202);
    app.forget(&forgotten.id);
    app.disable(&eve);
    app.end_membership(&fay);
    app.clock.advance(minutes(1));
    assert_alike(
        &app,
        [
            ("revoked", &*revoked.text),
            ("removed", &forgotten.text),
            ("expired", &expired.text),
            ("of a disabled user", &disabled.text),
            ("of somebody who left", &left.text),
        ],
    );
    assert!(app.pat.is_alive(&app), "and nobody else is hit");

    app.enable(&eve);
    assert!(disabled.is_alive(&app), "a user who is enabled again has their credentials again");
}

#[test]
fn a_credential_that_nobody_used_for_a_year() {
    let mut app = TestApp::new();
    let unused = app.ada.credential(&app, &json!({ "name": "drawer" }));
    app.clock.advance(days(364));
    assert!(app.pat.is_alive(&app));
    // Its use is written down.
    app.restart(Options::default());
    app.clock.advance(days(1));
    assert_alike(&app, [("stale", &*unused.text)]);
    assert!(app.pat.is_alive(&app), "used yesterday");
}

#[test]
fn a_credential_that_the_policy_stands_against() {
    let app = TestApp::new();
    let policy = |patch: Value| assert_eq!(app.ada.patch_policy(&app, &patch).status, 200, "{patch}");
    policy(json!({ "allowed_audiences": ["https://a.example"] }));
    let elsewhere = app.ada.credential(&app, &json!({ "name": "a", "audiences": ["https://a.example"] }));
    assert!(elsewhere.is_alive(&app) && app.jwt.is_alive(&app));
    policy(json!({ "allowed_audiences": [], "allowed_kinds": ["opaque"] }));
    assert_alike(&app, [("of a kind not allowed", &*app.jwt.text), ("for nobody", &elsewhere.text)]);
    assert!(app.pat.is_alive(&app));
    policy(json!({ "allowed_networks": ["10.0.0.0/8"] }));
    assert_alike(&app, [("from outside", &*app.pat.text)]);
    policy(json!({ "allowed_networks": ["10.0.0.0/8", "127.0.0.0/8"] }));
    assert!(app.pat.is_alive(&app));
}
