//! The id in an answer finds the lines in the log.

use std::thread;

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

#[test]
fn whose_guess_slows_others_is_found_too() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let wrong = || server.client.sign_in(&owner.email, "not the password");
    let answers: Vec<_> = (0..20).map(|_| wrong()).collect();
    let last = answers.last().unwrap();
    assert_eq!(last.status, 401);
    let id = last.header("x-request-id").expect("an id").to_owned();
    let log = server.stop().stderr;
    let lines: Vec<_> = log.lines().filter(|line| line.contains("too many wrong passwords")).collect();
    assert_eq!(lines.len(), 2, "of one address and for one account: {lines:?}");
    assert!(lines.iter().all(|line| line.contains(&format!("request_id={id}"))), "{lines:?}");
}

#[test]
fn a_change_whose_answer_has_to_wait_is_found_too() {
    let place = Place::new();
    let owner = place.bootstrap();
    let mut server = place.serve();
    let session = server.client.session(&owner);
    let made = server.client.create(&session);
    let client = server.client.clone();
    place.look().execute("ALTER TABLE replicas RENAME TO others");
    let revoking = thread::spawn(move || client.try_revoke(&session, made["id"].as_str().unwrap()).expect("an answer"));
    let line = server.logs("cannot see whether the other servers have applied a change");
    place.look().execute("ALTER TABLE others RENAME TO replicas");
    let answer = revoking.join().expect("an answer");
    assert_eq!(answer.status, 204);
    let id = answer.header("x-request-id").expect("an id");
    assert!(line.contains(&format!("request_id={id}")), "{line}");
}
