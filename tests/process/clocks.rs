//! Machines whose clocks are hours or years off (libfaketime): what they do goes by the database's clock, and nothing that
//! does not come back is done by a wrong one.

use std::{fs, path::Path, time::SystemTime};

use serde_json::{Value, json};

use crate::support::{Client, Place, Program, Server, claims};

/// How far from the right moment one may be that was written down in a test.
const NEARLY: i64 = 120;

/// How long an entry of the list lives, in seconds.
const LIFETIME: i64 = 7200;

/// The library, which distributions put into folders of their own.
fn libfaketime() -> String {
    let find = |folder: &Path| {
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).ok()?.flatten() {
                if entry.file_name() == "libfaketime.so.1" {
                    return Some(entry.path().display().to_string());
                }
                folders.extend(entry.file_type().is_ok_and(|kind| kind.is_dir()).then(|| entry.path()));
            }
        }
        None
    };
    let found = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].iter().find_map(|folder| find(Path::new(folder)));
    found.expect("libfaketime, as in `apt-get install faketime`")
}

/// The same program on a machine whose clock is `off` ("+3h").
fn off(program: Program, off: &str) -> Program {
    let program = program.env("LD_PRELOAD", &libfaketime()).env("FAKETIME", off);
    program.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1")
}

fn serve_off(place: &Place, by: &str) -> Server {
    Server::of(off(place.patmint(["serve", "--listen", "127.0.0.1:0"]), by).start())
}

#[expect(clippy::disallowed_methods, reason = "the real time, to compare with")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

#[track_caller]
fn assert_near(moment: i64, expected: i64) {
    assert!((moment - expected).abs() < NEARLY, "{moment} is {} s from {expected}", moment - expected);
}

fn seconds(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<patmint::domain::clock::Timestamp>().unwrap().unix_seconds()
}

/// Expects an entry about `target` in the feed that lives for its two hours.
#[track_caller]
fn assert_listed(client: &Client, member: &str, target: &Value) {
    let feed = client.get("/revocations?after=0").json();
    let entry = feed["entries"].as_array().unwrap().iter().find(|entry| entry[member] == *target);
    let entry = entry.unwrap_or_else(|| panic!("no {target} in {feed}"));
    assert_near(seconds(&entry["expires_at"]), now() + LIFETIME);
}

#[test]
fn servers_and_commands_that_are_three_hours_off_go_by_the_databases_clock() {
    let place = Place::new();
    if !place.is_postgres() {
        // A file has no clock: there it is the machine's.
        return;
    }
    let owner = place.bootstrap();
    let right = place.serve();
    for by in ["-3h", "+3h"] {
        // The one from before was ended by `disable`.
        let session = right.client.session(&owner);
        let mut wrong = serve_off(&place, by);
        wrong.logs("nothing that is old is removed until they agree");
        let readiness = wrong.client.get("/readyz");
        assert_eq!(readiness.status, 503, "{by}");

        let [first, second] = [&wrong, &right].map(|server| server.client.create(&session));
        assert_near(seconds(&first["created_at"]), now());
        let token = |made: &Value| made["token"].as_str().unwrap().to_owned();
        let dated = claims(&wrong.client.try_exchange(&token(&first)).unwrap());
        assert_near(dated["iat"].as_i64().unwrap(), now());

        // What was made before a moment: the one, not the other, whoever made it.
        let before = json!({ "created_before": second["created_at"] });
        let bulk = right.client.request("POST", "/api/v1/orgs/acme/revocations").bearer(&session).json(&before).send();
        assert_eq!(bulk.status, 200, "{by}: {}", bulk.text());
        assert_eq!([&first, &second].map(|made| right.client.exchanges(&token(made))), [false, true], "{by}");

        let revoked = wrong.client.try_revoke(&session, second["id"].as_str().unwrap()).unwrap();
        assert_eq!(revoked.status, 204, "{by}");
        assert!(![&right, &wrong].iter().any(|server| server.client.exchanges(&token(&second))), "{by}");

        let command = off(place.patmint(["user", "disable", "--email", &owner.email]), by).run();
        assert!(command.stderr.contains("this command goes by the database's clock"), "{}", command.stderr);
        command.good();
        let user = dated["sub"].clone();
        let later = place.serve();
        for server in [&right, &wrong, &later] {
            assert_listed(&server.client, "credential", &second["id"]);
            assert_listed(&server.client, "user", &user);
        }
        off(place.patmint(["user", "enable", "--email", &owner.email]), by).run().good();
        later.stop();
        wrong.stop();
    }
}

#[test]
fn a_server_whose_clock_is_years_ahead_ends_and_removes_nothing() {
    let place = Place::new();
    let owner = place.bootstrap();
    let right = place.serve();
    let session = right.client.session(&owner);
    let made = right.client.create(&session);
    assert_eq!(right.client.try_revoke(&session, made["id"].as_str().unwrap()).unwrap().status, 204);
    right.stop();
    // As a server does that has run for two hours.
    place.look().execute("UPDATE clock SET trusted_at = (SELECT max(created_at) FROM credentials)");

    let mut wrong = serve_off(&place, "+730d");
    wrong.logs("nothing that is old is removed until");
    let metrics = wrong.client.get("/metrics").text();
    assert!(metrics.contains("\npatmint_cleanup_allowed 0\n"), "{metrics}");
    wrong.stop();

    let mut look = place.look();
    assert_eq!(look.count("audit WHERE action IN ('credential.remove', 'key.rotate')"), 0);
    assert_eq!(look.count("credentials WHERE revoked_reason = 'stale'"), 0);
    let right = place.serve();
    assert_eq!(right.client.request("GET", "/api/v1/session").bearer(&session).send().status, 200);
    assert!(right.client.exchanges(&owner.token));
    assert_listed(&right.client, "credential", &made["id"]);
}
