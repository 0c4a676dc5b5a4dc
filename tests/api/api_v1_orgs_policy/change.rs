//! Versions and what may stand in a change.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};

use super::{PATH, patch};
use crate::support::TestApp;

#[test]
fn it_is_found_by_id_and_by_slug() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let by_slug = app.get(PATH).bearer(&session).send();
    assert_eq!((by_slug.status, by_slug.header("cache-control")), (200, Some("no-store")));
    assert_eq!(
        by_slug.json(),
        json!({
            "access_token_ttl": 300,
            "token_max_ttl": null,
            "token_default_ttl": null,
            "require_expiry": false,
            "require_scopes": false,
            "token_management": false,
            "allowed_kinds": ["opaque", "jwt"],
            "max_tokens_per_user": 50,
            "stale_after": 31_536_000,
            "default_audience": null,
            "allowed_audiences": [],
            "allowed_networks": [],
        })
    );
    let by_id = app.get(&format!("/api/v1/orgs/{}/policy", app.organization_id)).bearer(&session).send();
    assert_eq!((by_id.status, by_id.body), (200, by_slug.body));
    assert_eq!(by_id.headers["etag"], by_slug.headers["etag"]);
}

#[test]
fn a_change_names_the_version_that_it_replaces() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let read = || app.get(PATH).bearer(&session).send();
    let first = read().header("etag").unwrap().to_owned();
    let ttl = |seconds: i64| json!({ "access_token_ttl": seconds });

    let unconditional = app.request("PATCH", PATH).bearer(&session).json(&ttl(60)).send();
    assert_eq!((unconditional.status, unconditional.code().as_str()), (428, "precondition_required"));

    let changed = patch(&app, &session, &first, &ttl(60));
    assert_eq!((changed.status, &changed.json()["access_token_ttl"]), (200, &json!(60)));
    let second = changed.header("etag").unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!((read().header("etag"), read().json()), (Some(&*second), changed.json()));

    let digits = second.trim_matches('"');
    for stale in [&*first, "\"1\"", "\"garbage\"", "", digits, &format!("W/{second}"), &format!("{first}, \"1\"")] {
        let answer = patch(&app, &session, stale, &ttl(90));
        assert_eq!((answer.status, answer.code().as_str()), (412, "precondition_failed"), "{stale}");
    }
    assert_eq!(read().json()["access_token_ttl"], 60, "none of them changed anything");

    let one_of = patch(&app, &session, &format!("{first} , {second}"), &ttl(90));
    assert_eq!((one_of.status, &one_of.json()["access_token_ttl"]), (200, &json!(90)));
    assert_eq!(patch(&app, &session, "*", &ttl(120)).status, 200);
}

#[test]
fn a_change_that_changes_nothing_is_no_new_version() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let first = app.get(PATH).bearer(&session).send().header("etag").unwrap().to_owned();
    for same in [json!({}), json!({ "access_token_ttl": 300 }), json!({ "token_max_ttl": null })] {
        let audited = app.audited(|| {
            let answer = patch(&app, &session, &first, &same);
            assert_eq!((answer.status, answer.header("etag")), (200, Some(&*first)), "{same}");
        });
        assert_eq!(audited.len(), 0, "{same}");
    }
}

#[test]
fn of_two_changes_of_one_version_one_wins() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    for round in 0..5 {
        let etag = app.get(PATH).bearer(&session).send().header("etag").unwrap().to_owned();
        let (start, app, session) = (Barrier::new(2), &app, &session);
        let race = |ttl: i64| {
            start.wait();
            patch(app, session, &etag, &json!({ "access_token_ttl": ttl })).status
        };
        let mut statuses = thread::scope(|scope| {
            let threads = [2 * round, 2 * round + 1].map(|n| scope.spawn(move || race(60 + n)));
            threads.map(|thread| thread.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "round {round}");
    }
}

#[test]
fn a_wrong_field_is_named_and_nothing_changes() {
    let app = TestApp::new();
    let session = app.ada.sign_in(&app);
    let before = app.get(PATH).bearer(&session).send();
    let refused = |body: Value, field: &str| {
        let answer = patch(&app, &session, "*", &body);
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid"), "{body}");
        assert!(detail.starts_with(&format!("{field} ")) && !detail.contains("sesame"), "{body}: {detail}");
    };
    for (field, values) in [
        ("access_token_ttl", json!([59, 3601, null, "300", 60.5])),
        ("token_max_ttl", json!([0, 59, -1, "sesame", 6_307_200_001_i64])),
        ("token_default_ttl", json!([0, -1, true])),
        ("require_expiry", json!([0, null, "yes"])),
        ("require_scopes", json!([1, null, []])),
        ("token_management", json!(["sesame", null])),
        ("allowed_kinds", json!([null, "opaque", ["sesame"], ["opaque", "opaque"], [7]])),
        ("max_tokens_per_user", json!([-1, 100_001, null, "50"])),
        ("stale_after", json!([0, 86_399, null])),
        ("default_audience", json!(["", "open sesame", 7, "a".repeat(256)])),
        ("allowed_audiences", json!([null, "sesame", [""], ["open sesame"], vec!["a"; 101]])),
        ("allowed_networks", json!([null, ["sesame"], ["10.0.0.1"], ["10.0.0.0/33"], ["10.0.0.1/64"], [7]])),
    ] {
        for value in values.as_array().unwrap() {
            refused(json!({ field: value }), field);
            refused(json!({ "access_token_ttl": 90, field: value }), field);
        }
    }
    refused(json!({ "token_max_ttl": 600, "token_default_ttl": 601 }), "token_default_ttl");
    refused(json!({ "sesame": 1 }), "policy");
    for body in [json!([]), json!("sesame"), json!(null)] {
        refused(body, "request");
    }
    let after = app.get(PATH).bearer(&session).send();
    assert_eq!((after.body, &after.headers["etag"]), (before.body, &before.headers["etag"]));
}
