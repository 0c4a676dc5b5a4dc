//! What cannot be done is refused in one clear line, and nothing is left half done.

use std::{fs, net::TcpListener};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{Place, Program};

const SECRET: &str = "hunter2hunter2";

/// Runs it, and expects one line with all of `words`.
#[track_caller]
fn refused(program: Program, words: &[&str]) {
    let finished = program.run();
    let line = finished.refusal();
    println!("{line}");
    for word in words {
        assert!(line.contains(word), "no {word:?} in {line:?}");
    }
    assert!(!line.contains(SECRET), "a secret in {line:?}");
}

fn bootstrap(place: &Place) -> Program {
    place.patmint(["bootstrap", "--org", "Acme", "--email", "ada@acme.example", "--json"])
}

#[test]
fn a_taken_port_costs_nothing() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["quickstart", "serve"] {
        refused(Program::new(place.folder()).args([command, "--listen", &address]), &["listen", &address, "in use"]);
        assert!(place.files().is_empty(), "{:?}", place.files());
    }
    refused(place.patmint(["serve", "--listen", "localhost:nonsense"]), &["listen", "localhost:nonsense"]);
}

#[test]
fn off_loopback_the_issuer_is_required() {
    let place = Place::new();
    for command in ["quickstart", "serve"] {
        refused(Program::new(place.folder()).args([command, "--listen", "0.0.0.0:0"]), &["--issuer", "required"]);
        assert!(place.files().is_empty(), "{:?}", place.files());
    }
    refused(place.patmint(["serve", "--issuer", "sts.example"]), &["issuer", "http"]);
}

#[test]
fn folders_that_cannot_be_used() {
    let place = Place::new();
    fs::write(place.folder().join("file"), "").unwrap();
    for (folder, problem) in [("file", "file"), ("/proc/none", "/proc")] {
        let url = format!("sqlite://{folder}/data/patmint.db");
        let program = || Program::new(place.folder()).args(["serve", "--listen", "127.0.0.1:0"]);
        refused(program().args(["--database-url", &url]), &["folder", problem]);
        let keys = format!("{folder}/keys");
        let program = place.patmint(["serve", "--listen", "127.0.0.1:0", "--keys-dir", &keys]);
        refused(program, &["root.key", problem]);
    }
}

#[test]
fn databases_that_cannot_be_used() {
    let place = Place::new();
    let serve = |url: &str| {
        Program::new(place.folder()).args(["serve", "--listen", "127.0.0.1:0"]).env("PATMINT_DATABASE_URL", url)
    };
    // Bound, so that nobody else gets the port; closed, so that nobody answers on it.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = format!("postgres://ada:{SECRET}@{closed}/patmint");
    refused(serve(&unreachable), &["is not available", &closed.to_string(), "refused"]);
    for unknown in [format!("mysql://ada:{SECRET}@db/x"), format!("data/{SECRET}.db"), "sqlite://".to_owned()] {
        refused(serve(&unknown), &["database_url", "sqlite://PATH"]);
    }
    let folder = place.folder().display().to_string();
    refused(serve(&format!("sqlite://{folder}")), &["cannot open the file", &folder, "directory"]);
    fs::write(place.folder().join("notes.db"), "not a database at all, but some text\n".repeat(400)).unwrap();
    refused(serve("sqlite://notes.db"), &["sqlite://notes.db", "not a database"]);
    assert!(!place.folder().join("keys").exists());
}

#[test]
fn a_damaged_sqlite_file() {
    let place = Place::new();
    if place.is_postgres() {
        return;
    }
    bootstrap(&place).run().good();
    let file = place.folder().join("test.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[100..].fill(0x5a);
    fs::write(&file, bytes).unwrap();
    refused(place.patmint(["serve", "--listen", "127.0.0.1:0"]), &["sqlite://", "malformed"]);
}

#[test]
fn unknown_settings_are_named_and_their_values_not_shown() {
    let place = Place::new();
    let toml = place.folder().join("patmint.toml");
    fs::write(&toml, format!("listen = \"127.0.0.1:0\"\ndatabase_ulr = \"{SECRET}\"\n")).unwrap();
    refused(place.patmint(["serve"]), &["patmint.toml", "line 2", "database_ulr"]);
    fs::write(&toml, format!("jwks_max_age = \"{SECRET}\"\n")).unwrap();
    refused(place.patmint(["serve"]), &["patmint.toml", "line 1"]);
    fs::remove_file(&toml).unwrap();
    refused(place.patmint(["serve"]).env("PATMINT_DATABSE_URL", SECRET), &["PATMINT_DATABSE_URL"]);
    refused(place.patmint(["serve", "--config", "none.toml"]), &["none.toml"]);
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[test]
fn root_keys_that_do_not_fit() {
    let place = Place::new();
    let owner = place.bootstrap();
    let key = place.folder().join("keys/root.key");
    let good = fs::read_to_string(&key).unwrap();
    let serve = || place.patmint(["serve", "--listen", "127.0.0.1:0"]);

    fs::remove_file(&key).unwrap();
    refused(serve(), &["root key", "keys", "--keys-dir"]);
    assert!(!key.exists(), "a new key would open nothing");

    let other = STANDARD.encode([7; 32]);
    fs::write(&key, format!("{other}\n")).unwrap();
    refused(serve(), &["root key in keys", "not the one"]);
    assert_eq!(fs::read_to_string(&key).unwrap().trim(), other, "left as it was");

    for damaged in [SECRET.as_bytes(), b"", &good.as_bytes()[..20], &[0xff; 40]] {
        fs::write(&key, damaged).unwrap();
        refused(serve(), &["root.key"]);
        assert_eq!(fs::read(&key).unwrap(), damaged, "left as it was");
    }
    // A new one on top of the right one is fine, and so is the right one alone.
    for text in [format!("{other}\n{good}"), good] {
        fs::write(&key, text).unwrap();
        assert!(place.serve().client.exchanges(&owner.token));
    }
}

#[test]
fn bootstraps_that_make_nothing() {
    let place = Place::new();
    let base = ["bootstrap", "--org", "Acme", "--json", "--email"];
    refused(place.patmint(base).args([SECRET]), &["e-mail"]);
    let good = "ada@acme.example";
    for password in ["short\n", "\n", "", "correcthorsebatterystaple\n"] {
        refused(place.patmint(base).args([good, "--password-stdin"]).input(password), &["password"]);
    }
    refused(place.patmint(["bootstrap", "--org", " ", "--email", good]), &["name"]);
    for table in ["users", "organizations", "credentials", "audit"] {
        assert_eq!(place.look().count(table), 0, "{table}");
    }
    bootstrap(&place).run().good();
    refused(bootstrap(&place), &["has users already"]);
    refused(place.patmint(base).args(["bob@acme.example"]), &["has users already"]);
    assert_eq!(place.look().count("users"), 1);
}

#[test]
fn nobody_is_neither_given_a_password_nor_disabled() {
    let place = Place::new();
    let owner = place.bootstrap();
    let reset = ["user", "reset-password", "--email"];
    for email in ["bob@acme.example", "nobody"] {
        for command in ["reset-password", "disable", "enable"] {
            refused(place.patmint(["user", command, "--email", email]), &["no user"]);
        }
    }
    refused(place.patmint(reset).args([&owner.email, "--password-stdin"]).input("short\n"), &["password"]);
    place.serve().client.session(&owner);
}
