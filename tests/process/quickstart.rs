//! `patmint quickstart`: the first minute with patmint, and the day after.

use std::{fs::File, path::Path, process::Command, thread, time::Instant};

use serde_json::Value;

use crate::support::{Look, PATIENCE, Place, Program, Server};

const EMAIL: &str = "owner@localhost.localdomain";

/// The last line that each start prints.
const FIRST_END: &str = "Password and token are not shown again.";
const LATER_END: &str = "For a new password:";

/// Whether a moment has come.
type Moment = fn(&Place) -> bool;

/// On SQLite just `patmint quickstart`, with everything else as it comes.
fn quickstart(place: &Place) -> Program {
    let program = if place.is_postgres() { place.patmint([]) } else { Program::new(place.folder()) };
    program.args(["quickstart", "--listen", "127.0.0.1:0"])
}

fn database_url(place: &Place) -> String {
    if place.is_postgres() { place.url() } else { format!("sqlite://{}/data/patmint.db", place.folder().display()) }
}

/// What follows `label` on its line.
fn after<'a>(text: &'a str, label: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    line.unwrap_or_else(|| panic!("no {label} in {text}")).trim()
}

/// Runs the line that begins with `patmint user reset-password` as it is printed; the new password.
fn reset_as_told(place: &Place, text: &str) -> String {
    let hint = after(text, LATER_END);
    let words = hint.strip_prefix("patmint ").expect("a command of ours").split(' ');
    let program = Program::new(place.folder()).env("PATMINT_DATABASE_URL", &database_url(place));
    let said = program.args(words).run().good();
    after(&said, "New password:").to_owned()
}

#[test]
fn it_serves_and_the_line_that_it_prints_works() {
    let place = Place::new();
    let mut server = Server::of(quickstart(&place).start());
    let said = server.stdout_to(FIRST_END);
    assert!(said.contains(&format!("ready at http://{}/", server.client.address)), "{said}");

    let line = said.lines().find(|line| line.starts_with("curl ")).expect("a curl line");
    let answer = if Command::new("curl").arg("--version").output().is_ok() {
        Program::other("sh", place.folder()).args(["-c", line]).run().good()
    } else {
        eprintln!("no curl here: the line is parsed, not run");
        let (_, body) = line.split_once("-d '").unwrap();
        let (body, url) = body.split_once("' ").unwrap();
        let path = url.strip_prefix(&format!("http://{}", server.client.address)).expect("the server's address");
        server.client.request("POST", path).text("application/json", body).send().text()
    };
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["access"].as_str().expect("an access token").split('.').count(), 3);

    let page = server.client.get("/");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.text().contains("security token service"), "{}", page.text());
    assert_eq!(server.client.sign_in(EMAIL, after(&said, "Password ")).status, 201);
    let finished = server.stop();
    assert!(!finished.stderr.contains(after(&said, "First token")), "a secret in the log");
    assert!(!finished.stderr.contains(after(&said, "Password ")), "a secret in the log");
}

#[test]
fn a_second_start_shows_no_secret_and_tells_how_to_get_a_new_one() {
    let place = Place::new();
    let mut server = Server::of(quickstart(&place).start());
    let first = server.stdout_to(FIRST_END);
    server.stop();
    let (password, token) = (after(&first, "Password "), after(&first, "First token"));

    let mut server = Server::of(quickstart(&place).start());
    let second = server.stdout_to(LATER_END);
    assert!(!second.contains(token) && !second.contains(password) && !second.contains("patmint_"), "{second}");
    assert!(second.contains("patmint user reset-password"), "{second}");
    assert!(server.client.exchanges(token), "the token lives on");
    assert_eq!(server.client.sign_in(EMAIL, password).status, 201);

    let new = reset_as_told(&place, &second);
    assert_eq!(server.client.sign_in(EMAIL, password).status, 401, "the old password is over");
    assert_eq!(server.client.sign_in(EMAIL, &new).status, 201);
    assert!(server.client.exchanges(token), "a password is not a token");
    let finished = server.stop();
    assert!(!finished.stderr.contains(&new) && !finished.stdout.contains(&new), "a secret in the log");
}

/// Whoever killed the first start, or could not read it, must be told by the next one how to get in.
#[test]
fn killed_before_it_said_the_password_it_says_later_how_to_get_one() {
    let moments: [(&str, Moment); 4] = [
        ("at once", |_| true),
        ("with a root key", |place| place.folder().join("keys/root.key").exists()),
        ("with a schema", |place| rows(place, "organizations").is_some()),
        ("with an owner", |place| rows(place, "users").is_some_and(|count| count > 0)),
    ];
    for (name, has_come) in moments {
        let place = Place::new();
        let running = quickstart(&place).start();
        wait_for(&place, has_come);
        let unfinished = running.kill();
        let is_told = unfinished.stdout.contains(FIRST_END);
        let has_owner = rows(&place, "users").is_some_and(|count| count > 0);
        println!("killed {name}: owner {has_owner}, told {is_told}");
        assert!(has_owner || !is_told, "{name}: a password of nobody");
        can_sign_in_after(&place, has_owner);
    }
}

#[test]
fn when_nobody_could_read_the_password_the_next_start_says_how_to_get_one() {
    let place = Place::new();
    let finished = quickstart(&place).stdout(File::options().write(true).open("/dev/full").unwrap()).run();
    assert_eq!(finished.refusal().split(':').next(), Some("cannot read or write"));
    can_sign_in_after(&place, true);
}

/// Starts again, and signs in with what that start says.
fn can_sign_in_after(place: &Place, has_owner: bool) {
    let mut server = Server::of(quickstart(place).start());
    let password = if has_owner {
        reset_as_told(place, &server.stdout_to(LATER_END))
    } else {
        after(&server.stdout_to(FIRST_END), "Password ").to_owned()
    };
    assert_eq!(server.client.sign_in(EMAIL, &password).status, 201);
    server.stop();
}

/// How many rows the table has; `None` = there is no such table yet.
fn rows(place: &Place, table: &str) -> Option<i64> {
    let url = database_url(place);
    if url.strip_prefix("sqlite://").is_some_and(|path| !Path::new(path).exists()) {
        return None;
    }
    Look::at(&url).try_count(table)
}

/// Looks all the time: what is waited for passes within milliseconds.
fn wait_for(place: &Place, has_come: Moment) {
    let begun = Instant::now();
    while !has_come(place) {
        assert!(begun.elapsed() < PATIENCE, "it never comes");
        thread::yield_now();
    }
}
