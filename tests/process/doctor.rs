//! `patmint doctor`: says what is wrong, and changes nothing.

mod tls;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use serde_json::Value;

use crate::support::{Client, Place, Program, Server};

/// Runs `patmint doctor --json`, and says what it found.
#[track_caller]
fn findings(program: Program) -> Vec<Value> {
    let finished = program.run();
    let said: Value = serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"));
    let findings = said["findings"].as_array().unwrap().clone();
    let wrong = findings.iter().filter(|finding| finding["outcome"] == "wrong").count();
    assert_eq!((said["good"].as_bool(), finished.code), (Some(wrong == 0), Some(i32::from(wrong > 0))), "{said}");
    let complaint =
        if wrong > 0 { format!("patmint: {wrong} of the checks found something wrong\n") } else { String::new() };
    assert_eq!(finished.stderr, complaint);
    findings
}

/// Expects that what is wrong is `check`, with `words` in what is said of it.
#[track_caller]
fn wrong(program: Program, check: &str, words: &str) {
    let findings = findings(program);
    let wrong: Vec<_> = findings.iter().filter(|finding| finding["outcome"] == "wrong").collect();
    println!("{wrong:?}");
    assert!(wrong.len() == 1 && wrong[0]["check"] == check, "{wrong:?}");
    assert!(wrong[0]["message"].as_str().unwrap().contains(words), "no {words:?} in {wrong:?}");
    assert!(wrong[0]["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{wrong:?}");
}

/// With an issuer at which nobody answers.
fn doctor(place: &Place) -> Program {
    doctor_at(place, "127.0.0.1:1")
}

fn doctor_at(place: &Place, listen: &str) -> Program {
    place.patmint(["doctor", "--json", "--listen", listen])
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Makes changes by `client`, so that its server gives signs of life, until `f` ends.
fn beside_changes<T>(place: &Place, client: &Client, session: &str, f: impl FnOnce(&Place) -> T) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                client.create(session);
            }
        });
        let value = f(place);
        is_over.store(true, Relaxed);
        value
    })
}

#[test]
fn a_good_installation_is_good_throughout() {
    let place = Place::new();
    let owner = place.bootstrap();
    let server = place.serve();
    let session = server.client.session(&owner);
    server.client.allow_many(&session);
    let address = server.client.address.to_string();
    let found = beside_changes(&place, &server.client, &session, |place| findings(doctor_at(place, &address)));
    let checks: Vec<_> = found.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    for finding in &found {
        // The tests' own role is one.
        let is_superuser = finding["message"] == "patmint's role is a superuser";
        assert!(finding["outcome"] == "good" || is_superuser, "{finding}");
    }
    let on_both = ["configuration", "database", "schema", "cleaning up", "root key file", "keys", "issuer", "servers"];
    let on_one: &[&str] = if place.is_postgres() {
        &["clock", "PostgreSQL", "connections"]
    } else {
        &["database file", "file system", "disk space"]
    };
    for check in on_both.iter().chain(on_one) {
        assert!(checks.contains(check), "no {check} in {checks:?}");
    }
    server.stop();
    let text = place.patmint(["doctor", "--listen", "127.0.0.1:1"]).run().good();
    assert!(text.contains("\nwarning  issuer"), "nobody answers on this port: {text}");
}

#[test]
fn what_a_wrong_clock_leaves_behind_is_told() {
    let place = Place::new();
    place.bootstrap();
    place.look().execute(
        "UPDATE sealed_keys SET created_at = '2099-01-01 00:00:00';
         INSERT INTO mass_changes VALUES ('stale', '2026-11-21 10:00:00', 900, 1000)",
    );
    let found = findings(doctor(&place));
    let told = |check: &str, words: &str| {
        let is_told =
            |finding: &Value| finding["check"] == check && finding["message"].as_str().unwrap().contains(words);
        found.iter().any(|finding| is_told(finding) && finding["outcome"] == "warning")
    };
    assert!(told("keys", "was made at 2099-01-01"), "{found:?}");
    assert!(told("cleaning up", "would end 900 tokens of 1000"), "{found:?}");
    place.look().execute("UPDATE clock SET trusted_at = '2099-01-01 00:00:00'");
    wrong(doctor(&place), "cleaning up", "one of the two is wrong");
}

#[test]
fn nothing_is_made_or_changed() {
    let place = Place::new();
    let (check, words) =
        if place.is_postgres() { ("schema", "the database is empty") } else { ("database file", "is not there") };
    wrong(doctor(&place), check, words);
    assert!(place.files().is_empty(), "{:?}", place.files());
    place.bootstrap();
    let seen = || {
        let contents = |name: &String| fs::read(place.folder().join(name)).ok();
        let files: Vec<_> = place.files().into_iter().map(|name| (contents(&name), name)).collect();
        (files, place.look().number("SELECT seq AS value FROM list_head"))
    };
    let before = seen();
    findings(doctor(&place));
    assert!(before == seen());
}

#[test]
fn root_keys_that_are_not_right() {
    let place = Place::new();
    place.bootstrap();
    let (folder, key) = (place.folder().join("keys"), place.folder().join("keys/root.key"));
    set_mode(&key, 0o644);
    findings(doctor(&place));
    set_mode(&folder, 0o755);
    wrong(doctor(&place), "root key file", "others on this machine can read");
    set_mode(&key, 0o640);
    let warned = findings(doctor(&place));
    let of_file = warned.iter().find(|finding| finding["check"] == "root key file").unwrap();
    assert!(of_file["outcome"] == "warning" && of_file["message"].as_str().unwrap().contains("look into"), "{of_file}");

    let (good, other) = (fs::read_to_string(&key).unwrap(), "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n");
    fs::write(&key, other).unwrap();
    wrong(doctor(&place), "keys", "does not open the keys");
    fs::write(&key, format!("{other}{good}")).unwrap();
    let warned = findings(doctor(&place));
    let of_keys = warned.iter().find(|finding| finding["check"] == "keys").unwrap();
    assert!(of_keys["outcome"] == "warning" && of_keys["advice"].as_str().unwrap().contains("reseal"), "{of_keys}");
    place.patmint(["keys", "reseal"]).run().good();
    fs::write(&key, other).unwrap();
    assert!(findings(doctor(&place)).iter().any(|finding| finding["check"] == "keys" && finding["outcome"] == "good"));
    fs::remove_file(&key).unwrap();
    wrong(doctor(&place), "keys", "there is none in keys");
}

#[test]
fn the_keys_folder_of_a_fresh_clone_is_closed_by_the_first_start() {
    let place = Place::new();
    let folder = place.folder().join("keys");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("README.md"), "").unwrap();
    set_mode(&folder, 0o755);
    place.patmint(["migrate"]).run().good();
    let of_keys = || findings(doctor(&place)).into_iter().find(|finding| finding["check"] == "root key file").unwrap();
    let before = of_keys();
    assert!(before["outcome"] == "warning" && before["message"].as_str().unwrap().contains("will lie"), "{before}");
    place.bootstrap();
    let after = of_keys();
    assert_eq!(after["outcome"], "good", "{after}");
}

#[test]
fn a_server_warns_of_a_root_key_that_others_can_read() {
    let place = Place::new();
    place.bootstrap();
    let said = |mode| {
        set_mode(&place.folder().join("keys"), 0o755);
        set_mode(&place.folder().join("keys/root.key"), mode);
        place.serve().stop().stderr.contains("others on this machine can get at root.key")
    };
    assert_eq!([0o600, 0o640, 0o644].map(said), [false, false, true]);
}

#[test]
fn configurations_that_are_not_right() {
    let place = Place::new();
    place.bootstrap();
    let file = place.folder().join("patmint.toml");
    fs::write(&file, "feed_token = \"hunter2hunter2hunter2\"\n").unwrap();
    set_mode(&file, 0o644);
    wrong(doctor(&place), "configuration", "there is a password or token in it");
    set_mode(&file, 0o640);
    findings(doctor(&place));
    fs::write(&file, "listen = \"127.0.0.1:1\"\n").unwrap();
    set_mode(&file, 0o644);
    findings(doctor(&place));
    set_mode(&file, 0o646);
    wrong(doctor(&place), "configuration", "others on this machine can write");
    fs::write(&file, "listn = \"127.0.0.1:1\"\n").unwrap();
    wrong(doctor(&place), "configuration", "listn");
    fs::remove_file(&file).unwrap();
    wrong(doctor_at(&place, "0.0.0.0:1"), "issuer", "--issuer is required");
    let unreachable = "postgres://ada:hunter2hunter2@127.0.0.1:1/patmint";
    let finished = doctor(&place).env("PATMINT_DATABASE_URL", unreachable).run();
    assert!(finished.stdout.contains("postgres://127.0.0.1:1/patmint: the database is not available"), "{finished:?}");
    assert!(!format!("{finished:?}").contains("hunter2"), "{finished:?}");
}

#[test]
fn schemas_that_are_not_this_programs() {
    let place = Place::new();
    place.bootstrap();
    let mut look = place.look();
    look.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')");
    let found = findings(doctor(&place));
    let of_schema = found.iter().find(|finding| finding["check"] == "schema").unwrap();
    let ahead = "the schema is ahead by 1 migrations that this program does not know, and can be served";
    assert_eq!((&of_schema["outcome"], &of_schema["message"]), (&"good".into(), &ahead.into()));
    place.serve().stop();
    place.patmint(["migrate"]).run().good();
    look.execute("UPDATE compatibility SET required_migration = '29991231000000'");
    let too_new = "the schema is too new: it requires a patmint that knows migration 29991231000000";
    wrong(doctor(&place), "schema", too_new);
    for refused in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["serve", "--listen", "127.0.0.1:0", "--no-migrate"],
        &["migrate"],
        &["keys", "list"],
    ] {
        let finished = place.patmint(refused.iter().copied()).run();
        assert!(finished.code != Some(0) && finished.stderr.contains(too_new), "{refused:?}: {finished:?}");
    }
    look.execute("UPDATE compatibility SET required_migration = '20261128000003'");
    look.execute("DELETE FROM __diesel_schema_migrations WHERE version = '29991231000000'");
    let newest = "SELECT max(version) FROM __diesel_schema_migrations";
    look.execute(&format!("DELETE FROM __diesel_schema_migrations WHERE version = ({newest})"));
    wrong(doctor(&place), "schema", "1 migrations have not been run");
}

#[test]
fn somebody_else_answers_at_the_issuers_address() {
    let (place, other) = (Place::new(), Place::new());
    place.bootstrap();
    other.bootstrap();
    let server = other.serve();
    let address = server.client.address.to_string();
    wrong(doctor_at(&place, &address), "issuer", "another installation answers");
    server.stop();
    let server = Server::of(
        place
            .patmint(["serve", "--listen", "127.0.0.1:0", "--issuer", "https://sts.example", "--max-staleness", "0"])
            .start(),
    );
    let address = server.client.address.to_string();
    wrong(doctor_at(&place, &address), "issuer", "was started with another --issuer");
}

#[test]
fn a_server_that_is_dead_is_noticed() {
    let place = Place::new();
    let owner = place.bootstrap();
    place.serve().kill();
    let found = findings(doctor(&place));
    let of_servers = found.iter().find(|finding| finding["check"] == "servers").unwrap();
    assert!(of_servers["outcome"] == "warning" && of_servers["message"].as_str().unwrap().contains("no server runs"));
    let server = place.serve();
    let session = server.client.session(&owner);
    server.client.allow_many(&session);
    beside_changes(&place, &server.client, &session, |place| {
        wrong(doctor(place), "servers", "gives no sign of life: each change waits 1 s for it");
    });
}

#[test]
fn a_damaged_file_is_noticed() {
    let place = Place::new();
    if place.is_postgres() {
        return;
    }
    place.bootstrap();
    let file = place.folder().join("test.db");
    set_mode(&file, 0o644);
    wrong(doctor(&place), "database file", "others on this machine can open");
    set_mode(&file, 0o600);
    let mut bytes = fs::read(&file).unwrap();
    let length = bytes.len();
    bytes[length - 4096..].fill(0x5a);
    fs::write(&file, bytes).unwrap();
    wrong(doctor(&place), "database", "is damaged");
}
