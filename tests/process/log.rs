//! The log, for programs that read it.

use serde_json::{Value, json};

use crate::support::{Client, Place};

#[test]
fn a_holder_of_a_dead_token_does_not_fill_the_log() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let client = server.client.clone();
    let session = client.session(&owner);
    let made = client.create(&session);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert_eq!(client.try_revoke(&session, id).unwrap().status, 204);
    let mut last = None;
    for _ in 0..200 {
        last = client.try_exchange(token);
    }
    let request_id = last.expect("an answer").header("x-request-id").expect("an id").to_owned();
    let metrics = client.request("GET", "/metrics").send().text();
    assert!(metrics.contains("patmint_exchanges_total{outcome=\"revoked\"} 200"), "{metrics}");
    let log = server.stop().stderr;
    let lines = log.lines().filter(|line| line.contains("token refused")).count();
    // Two, if a minute begins meanwhile.
    assert!((1..=2).contains(&lines), "{lines} lines");
    let said = place.patmint(["explain", &request_id]).run().good();
    assert!(said.contains("Refused       revoked"), "one without a line is explained too: {said}");
}

#[test]
fn each_line_is_a_json_object() {
    let place = Place::new();
    let owner = place.bootstrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"];
    let mut running = place.patmint(serve).start();
    let line = running.err.line_with("listening on").expect("it comes up");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["level"], &line["target"]), (&json!("INFO"), &json!("patmint::cli::serve")));
    let message = line["message"].as_str().unwrap();
    let url = message.strip_prefix("listening on ").unwrap();
    assert_eq!(line["issuer"], url);

    let client = Client::new(url.strip_prefix("http://").unwrap().parse().unwrap());
    let session = client.session(&owner);
    let made = client.create(&session);
    assert_eq!(client.try_revoke(&session, made["id"].as_str().unwrap()).unwrap().status, 204);
    assert!(!client.exchanges(made["token"].as_str().unwrap()));
    let line: Value = serde_json::from_str(&running.err.line_with("token refused").unwrap()).unwrap();
    assert_eq!((&line["credential"], &line["reason"]), (&made["id"], &json!("revoked")));

    running.terminate();
    let finished = running.finish();
    assert_eq!(finished.code, Some(0));
    for line in finished.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let has = |name: &str| line[name].as_str().is_some_and(|text| !text.is_empty());
        assert!(["timestamp", "level", "target", "message"].into_iter().all(has), "{line}");
    }
}
