//! What a change of the keys does to servers, on one database.

use std::{
    fs,
    path::PathBuf,
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{KeyRingError, ShownKey};
use crate::{
    domain::clock::Clock as _,
    service::{
        NotReady,
        exchange::Point,
        testing::{KEY_LEAD, Replica, block_on},
    },
};

/// A rotation by a command, which is made and waits for the servers.
struct Rotation {
    command: Replica,
    thread: JoinHandle<ShownKey>,
}

impl Rotation {
    fn begin(beside: &Replica, at_once: bool) -> Self {
        let command = beside.command_beside();
        command.pauses.arm(Point::OthersBehind);
        let services = command.services.clone();
        let thread = thread::spawn(move || block_on(services.keys.rotate(None, at_once)).unwrap());
        command.pauses.await_reached(Point::OthersBehind);
        Self { command, thread }
    }

    fn end(self, servers: &[&Replica]) -> String {
        for server in servers {
            server.follow();
            server.note();
        }
        self.command.pauses.release(Point::OthersBehind);
        self.thread.join().unwrap().kid
    }
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

/// The key under which the server signs now.
fn signer(server: &Replica) -> String {
    let exchanged = server.exchange().expect("alive");
    jsonwebtoken::decode_header(&exchanged.access).unwrap().kid.unwrap()
}

/// The keys that the server publishes now.
fn published(server: &Replica) -> Vec<String> {
    let published = server.services.core().keys.published(server.clock.now());
    published.iter().map(|key| key.kid().to_owned()).collect()
}

#[test]
fn every_server_publishes_a_new_key_and_signs_with_it_at_the_same_moment() {
    let one = Replica::warm();
    let (other, old) = (one.warm_beside(), signer(&one));
    let rotation = Rotation::begin(&one, false);
    assert!(!rotation.thread.is_finished(), "nobody publishes it");
    let new = rotation.end(&[&one, &other]);
    one.clock.advance(seconds(KEY_LEAD - 1));
    for server in [&one, &other] {
        assert_eq!((published(server), signer(server)), (vec![new.clone(), old.clone()], old.clone()));
    }
    one.clock.advance(seconds(1));
    for server in [&one, &other] {
        assert_eq!((published(server), signer(server)), (vec![new.clone(), old.clone()], new.clone()));
    }
    let started_now = one.beside();
    assert_eq!((published(&started_now), signer(&started_now)), (vec![new.clone(), old], new));
}

#[test]
fn memory_stays() {
    let server = Replica::warm();
    let new = Rotation::begin(&server, true).end(&[&server]);
    let queries = server.db.queries();
    assert_eq!(signer(&server), new);
    assert_eq!(server.db.queries(), queries);
}

#[test]
fn moments_are_by_the_databases_clock() {
    let server = Replica::warm();
    let new = Rotation::begin(&server, false).end(&[&server]);
    let compare = |seconds| {
        server.clock.set_database_ahead(seconds);
        block_on(server.services.core().keys.compare_clocks(&server.db)).unwrap();
        block_on(server.services.health.check())
    };
    for seconds in [60, -60] {
        assert!(compare(seconds).is_ok());
        assert_ne!(signer(&server), new);
    }
    for seconds in [61, -61] {
        let refused = compare(seconds);
        assert!(matches!(refused, Err(NotReady::Skew(millis)) if millis == seconds * 1000), "{refused:?}");
    }
    assert!(compare(KEY_LEAD).is_err());
    assert_eq!(signer(&server), new);
}

#[test]
fn a_server_that_cannot_open_a_key_follows_nothing_until_it_can() {
    let server = Replica::warm();
    let file: PathBuf = server.keys_dir().join("root.key");
    let before = fs::read_to_string(&file).unwrap();
    let renewed = format!("{}\n{before}", STANDARD.encode([7; 32]));
    fs::write(&file, &renewed).unwrap();
    let rotation = Rotation::begin(&server, false);
    fs::write(&file, before).unwrap();
    let (applied, error) = (server.memory.applied(), server.follower().step().unwrap_err());
    assert!(matches!(error, KeyRingError::DoesNotOpen(_)), "{error}");
    assert_eq!(server.memory.applied(), applied);
    fs::write(&file, renewed).unwrap();
    let new = rotation.end(&[&server]);
    assert_eq!(published(&server)[0], new);
}
