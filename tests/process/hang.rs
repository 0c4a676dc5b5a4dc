//! A database that hangs: its connections stay open and it says nothing. Only a deadline of one's own helps.

use std::process::Command;

use crate::support::{Answer, Place, Server};

/// The backends of PostgreSQL that serve one database, stopped; they go on when this is dropped.
struct Frozen(Vec<String>);

impl Frozen {
    fn at(place: &Place) -> Self {
        let of_server = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'patmint'";
        let pids = place.look().texts(&format!("SELECT CAST(pid AS TEXT) AS value {of_server}"));
        assert!(pids.len() > 1, "the pool's and the follower's connection");
        signal("-STOP", &pids);
        Self(pids)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("-CONT", &self.0);
    }
}

fn signal(signal: &str, pids: &[String]) {
    assert!(Command::new("kill").arg(signal).args(pids).status().unwrap().success(), "kill {signal}");
}

/// The first answer with another status than `status`.
fn until_not(status: u16, mut ask: impl FnMut() -> Answer) -> Answer {
    loop {
        let answer = ask();
        if answer.status != status {
            return answer;
        }
    }
}

/// With one connection in the pool, so that none can be opened past those that hang.
fn serve(place: &Place) -> Server {
    Server::of(place.patmint(["serve", "--listen", "127.0.0.1:0"]).env("PATMINT_DATABASE_CONNECTIONS", "1").start())
}

#[test]
fn callers_get_a_503_until_the_database_goes_on() {
    let place = Place::new();
    if !place.is_postgres() {
        return;
    }
    let owner = place.bootstrap();
    let server = serve(&place);
    let client = &server.client;
    let session = client.session(&owner);
    let made = client.create(&session);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let exchange = || client.try_exchange(token).expect("an answer");
    assert_eq!(exchange().status, 200);

    let frozen = Frozen::at(&place);
    // From memory for as long as that may be believed.
    let refused = until_not(200, exchange);
    assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true), "{}", refused.text());
    let changes = [client.try_create(&session), client.try_revoke(&session, id)];
    for answer in changes.map(|answer| answer.expect("an answer")) {
        assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true), "{}", answer.text());
    }
    for (path, status) in [("/livez", 200), ("/.well-known/jwks.json", 200), ("/readyz", 503)] {
        assert_eq!(client.get(path).status, status, "{path}");
    }
    drop(frozen);
    assert_eq!(until_not(503, exchange).status, 200);
    server.stop();
}

#[test]
fn the_server_ends_all_the_same() {
    let place = Place::new();
    if !place.is_postgres() {
        return;
    }
    let owner = place.bootstrap();
    let server = serve(&place);
    assert_eq!(server.client.try_exchange(&owner.token).expect("an answer").status, 200);
    let _frozen = Frozen::at(&place);
    server.terminate();
    let finished = server.finish();
    // What was counted could not be written, and that is said.
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("could not be written"), "{}", finished.stderr);
}
