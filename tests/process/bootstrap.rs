//! `patmint bootstrap`, alone and at once with another; and servers that start at once.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Owner, Place, Program, Server};

const ARGUMENTS: [&str; 6] = ["bootstrap", "--org", "Acme", "--email", "ada@acme.example", "--json"];

fn members(line: &str) -> BTreeSet<String> {
    let value: Value = serde_json::from_str(line).expect("JSON");
    value.as_object().expect("an object").keys().cloned().collect()
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn json_is_one_line_with_the_documented_members() {
    let place = Place::new();
    let said = place.patmint(ARGUMENTS).run().good();
    assert!(said.ends_with("}\n") && said.lines().count() == 1, "{said}");
    let all = ["organization_id", "user_id", "email", "password", "token", "refresh_jwt"];
    assert_eq!(members(&said), names(&all));
    let owner = Owner::of(&said);
    assert_eq!(owner.email, "ada@acme.example");
    let server = place.serve();
    assert!(server.client.exchanges(&owner.token) && server.client.exchanges(&owner.refresh_jwt));
    server.client.session(&owner);
}

#[test]
fn a_given_password_is_taken_and_not_shown() {
    let place = Place::new();
    let password = "correct horse battery";
    let program = place.patmint(ARGUMENTS).args(["--password-stdin"]).input(&format!("{password}\n"));
    let said = program.run().good();
    assert_eq!(members(&said), names(&["organization_id", "user_id", "email", "token", "refresh_jwt"]));
    assert!(!said.contains(password));
    let server = place.serve();
    assert_eq!(server.client.sign_in("ada@acme.example", password).status, 201);
}

#[test]
fn of_two_at_once_exactly_one_wins() {
    for _ in 0..5 {
        let place = Place::new();
        let both = [place.patmint(ARGUMENTS).start(), place.patmint(ARGUMENTS).start()];
        let both = both.map(crate::support::Running::finish);
        let (won, lost): (Vec<_>, Vec<_>) = both.iter().partition(|finished| finished.code == Some(0));
        assert_eq!((won.len(), lost.len()), (1, 1), "{both:?}");
        assert!(lost[0].refusal().contains("has users already"), "{both:?}");
        let mut look = place.look();
        assert_eq!(["users", "organizations", "memberships"].map(|table| look.count(table)), [1, 1, 1]);
        assert_eq!((look.count("credentials"), look.count("audit")), (2, 1));
        assert!(place.serve().client.exchanges(&Owner::of(&won[0].stdout).token), "the winner's");
    }
}

#[test]
fn two_servers_that_start_at_once_are_one_service() {
    for _ in 0..5 {
        let place = Place::new();
        let start = || place.patmint(["serve", "--listen", "127.0.0.1:0"]).start();
        let both = [start(), start()];
        let [one, other] = both.map(Server::of);
        // A command beside the running servers.
        let owner = place.bootstrap();
        let keys = |server: &Server| server.client.get("/.well-known/jwks.json").json();
        assert_eq!(keys(&one), keys(&other));
        for (maker, user) in [(&one, &other), (&other, &one)] {
            let made = maker.client.create(&maker.client.session(&owner));
            assert!(user.client.exchanges(made["token"].as_str().unwrap()));
            assert!(user.client.exchanges(&owner.token) && user.client.exchanges(&owner.refresh_jwt));
        }
        assert_eq!(place.look().count("sealed_keys"), 2, "one tag key, one signing key");
        one.stop();
        other.stop();
    }
}

#[test]
fn migrate_makes_what_is_missing_and_may_run_again() {
    let place = Place::new();
    for _ in 0..2 {
        place.patmint(["migrate"]).run().good();
    }
    place.patmint(["bootstrap", "--org", "Acme", "--email", "ada@acme.example", "--no-migrate"]).run().good();
    // The default's folder is not there in a fresh clone.
    let url = ["migrate", "--database-url", "sqlite://new/folder/patmint.db"];
    Program::new(place.folder()).args(url).run().good();
    assert!(place.folder().join("new/folder/patmint.db").exists());
}
