//! The id in an answer finds the lines in the log.

use serde_json::json;

use crate::support::Place;

#[test]
fn a_refusal_is_found_in_the_log_by_the_id_of_its_answer() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let leaked = json!({ "token": owner.token });
    assert_eq!(server.client.request("POST", "/api/v1/revocations").json(&leaked).send().status, 202);
    let forged = "019a0000-0000-7000-8000-000000000000";
    let refresh = server.client.request("POST", "/api/token/refresh").header("x-request-id", forged);
    let answer = refresh.json(&json!({ "refresh": owner.token })).send();
    assert_eq!(answer.status, 401);
    let id = answer.header("x-request-id").expect("an id").to_owned();
    let log = server.stop().stderr;
    let line = log.lines().find(|line| line.contains("token refused")).expect("a line");
    assert!(line.contains(&format!("request_id={id}")), "{line}");
    assert!(line.contains("reason=revoked"), "{line}");
    assert!(!log.contains(forged), "{log}");
}
