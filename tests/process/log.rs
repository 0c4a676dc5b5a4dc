//! The log, for programs that read it.

use serde_json::{Value, json};

use crate::support::{Client, Place};

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
