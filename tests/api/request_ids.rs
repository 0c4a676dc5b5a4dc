//! `X-Request-Id`: every answer has one, of ours.

use std::collections::HashSet;

use patmint::domain::ids::RequestId;
use serde_json::json;

use crate::support::{Answer, TestApp};

fn id_of(answer: &Answer) -> RequestId {
    let mut ids = answer.headers.get_all("x-request-id").iter();
    let (Some(id), None) = (ids.next(), ids.next()) else { panic!("not one id: {:?}", answer.headers) };
    id.to_str().unwrap().parse().expect("a UUIDv7")
}

#[test]
fn every_answer_has_one_of_its_own() {
    let app = TestApp::new();
    let mut ids = HashSet::new();
    let routes = patmint::http::all_routes().into_iter();
    let others = [("GET", "/nothing"), ("PUT", "/livez"), ("SESAME", "/api/token/refresh"), ("HEAD", "/readyz")];
    for (method, path) in routes.chain(others) {
        let answer = app.request(method, &path.replace(['{', '}'], "")).send();
        assert!(ids.insert(id_of(&answer)), "{method} {path}");
    }
    for token in [app.pat.text.as_str(), "unknown"] {
        for _ in 0..3 {
            let answer = app.post("/api/token/refresh").json(&json!({ "refresh": token })).send();
            assert!(ids.insert(id_of(&answer)), "{}", answer.status);
        }
    }
}

#[test]
fn it_is_made_at_the_time_of_the_request_and_not_taken_from_it() {
    let app = TestApp::new();
    let first = id_of(&app.get("/livez").send());
    let answer = app.get("/livez").header("x-request-id", &first.to_string()).send();
    assert_ne!(id_of(&answer), first);
    // The milliseconds since 1970, in the first 48 bits.
    let time = |id: RequestId| id.as_bytes()[..6].iter().fold(0, |time, byte| (time << 8) | i64::from(*byte));
    let now = patmint::domain::clock::Clock::now(&*app.clock).unix_millis();
    assert_eq!((time(first), time(id_of(&answer))), (now, now));
}

#[test]
fn what_fails_says_it_in_its_body_too() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    app.execute("ALTER TABLE credentials RENAME TO credentials_elsewhere");
    let fails = [
        app.post("/api/token/refresh").json(&json!({ "refresh": app.pat.text })).send(),
        app.get("/api/v1/tokens").bearer(&session).send(),
        app.post("/oauth/revoke").form(&[("token", &app.pat.text)]).send(),
    ];
    for answer in fails {
        assert!([500, 503].contains(&answer.status), "{}", answer.text());
        assert_eq!(answer.json()["request_id"], id_of(&answer).to_string(), "{}", answer.text());
    }
    assert!(app.get("/nothing").send().json().get("request_id").is_none());
}
