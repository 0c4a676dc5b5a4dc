//! `kill -9` amid writes, over and over on one database: what was answered stands, the rest is whole or absent.

mod consistency;
mod ledger;
mod workers;

use std::sync::{Arc, mpsc};

use crate::support::{PATIENCE, Place, Server, rounds};
use consistency::Heads;
use ledger::{Fate, Ledger};

/// How often it is killed, unless `scripts/faults` wants it more often.
const ROUNDS: usize = 20;

#[test]
fn what_was_answered_survives_kill_9() {
    let place = Place::new();
    let owner = place.bootstrap();
    let mut server = place.serve();
    let session = server.client.session(&owner);
    server.client.allow_many(&session);

    let ledger = Arc::new(Ledger::default());
    let mut heads = Heads::default();
    let rounds = rounds(ROUNDS);
    for round in 0..rounds {
        let (acknowledge, acknowledged) = mpsc::channel();
        let workers = workers::start(&server.client, &session, &ledger, &acknowledge);
        // Not the same phase of the work each time.
        for _ in 0..3 + round * 7 % 31 {
            acknowledged.recv_timeout(PATIENCE).expect("the workers get answers");
        }
        assert_eq!(server.kill().code, None, "killed, not ended");
        for worker in workers {
            worker.join().expect("no wrong answer before the end");
        }
        server = place.serve();
        heads.check(&place, ledger.highest_rev());
        consistency::check(&place);
        check(&server, &ledger, ledger.new_ones());
    }
    check(&server, &ledger, ledger.all());
    consistency::check_numbers(&place, &ledger);
    let (created, revoked, unknown) = ledger.summary();
    println!(
        "killed {rounds} times: {created} created, of them {revoked} revoked and {unknown} with a revocation in flight"
    );
    assert!(created > rounds && revoked > rounds, "{created} created, {revoked} revoked");
    assert!(server.client.exchanges(&owner.token), "never touched");
    server.stop();
}

/// Each credential is as its owner was told.
fn check(server: &Server, ledger: &Ledger, ids: Vec<String>) {
    for id in ids {
        let (token, fate) = ledger.get(&id);
        match fate {
            Fate::Created => assert!(server.client.exchanges(&token), "{id}: an answered creation is lost"),
            Fate::Revoked => assert!(!server.client.exchanges(&token), "{id}: an answered revocation is lost"),
            // Either is right, but it is decided: a second look sees the same.
            Fate::Revoking => {
                let first = server.client.exchanges(&token);
                assert_eq!(first, server.client.exchanges(&token), "{id}: undecided");
            }
        }
    }
}
