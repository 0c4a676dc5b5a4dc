//! The ordering rules R1–R7 of DESIGN 6. Each test stops the code at the point where a change of that order would be
//! dangerous, lets the danger happen, and finds that it did no harm. `scripts/mutants` takes each rule out of the code
//! in turn and sees the test fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use secrecy::ExposeSecret as _;

use super::{ExchangeError, pause::Point};
use crate::{
    domain::{
        clock::Clock as _,
        list::{ENTRY_LIFETIME, Entry},
        verdict::{Asked, Refusal},
    },
    service::testing::{MAX_STALENESS, Outcome, Replica, block_on},
    store::list,
};

fn assert_refused(outcome: &Outcome) {
    assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Revoked))), "{outcome:?}");
}

/// An exchange under way while the credential was revoked: whatever it gave, the entry must revoke.
fn assert_covered(outcome: &Outcome, entry: Entry) {
    match outcome {
        Ok(exchanged) => assert!(exchanged.rev < entry.seq, "rev {} is not below {}", exchanged.rev, entry.seq),
        Err(_) => assert_refused(outcome),
    }
}

#[test]
fn r1_memory_loses_the_old_before_the_number_is_published() {
    let replica = Replica::warm();
    let entry = replica.revoke();
    replica.pauses.arm(Point::SeenRaised);
    let follower = replica.follow_apart();
    replica.pauses.await_reached(Point::SeenRaised);
    // Memory is still old; so must be the number that goes into the token.
    let outcome = replica.exchange();
    assert!(outcome.is_ok(), "memory is trusted and has the credential: {outcome:?}");
    assert_covered(&outcome, entry);
    replica.pauses.release(Point::SeenRaised);
    follower.join().unwrap();
    assert_refused(&replica.exchange());
}

#[test]
fn r1_the_counter_is_read_before_the_entries() {
    let replica = Replica::warm();
    replica.change_something_else();
    replica.pauses.arm(Point::CounterRead);
    let follower = replica.follow_apart();
    replica.pauses.await_reached(Point::CounterRead);
    // Between the two reads: it must not be counted as applied without being applied.
    let entry = replica.revoke();
    replica.pauses.release(Point::CounterRead);
    follower.join().unwrap();
    assert_covered(&replica.exchange(), entry);
    replica.follow();
    assert_refused(&replica.exchange());
}

#[test]
fn r1_trust_counts_from_before_the_counter_was_read() {
    let replica = Replica::warm();
    replica.pauses.arm(Point::ListRead);
    let follower = replica.follow_apart();
    replica.pauses.await_reached(Point::ListRead);
    // Not seen by the follower, which is slow to finish; the revoker waits for the bound and answers.
    replica.revoke();
    replica.clock.pass(MAX_STALENESS.mul_f64(0.7));
    replica.pauses.release(Point::ListRead);
    follower.join().unwrap();
    replica.clock.pass(MAX_STALENESS.mul_f64(0.3));
    assert_refused(&replica.exchange());
}

#[test]
fn r2_trust_is_checked_before_the_look_up() {
    let replica = Replica::warm();
    // Trust has run out, so the revoker need not wait: it has answered before the exchange starts.
    replica.clock.pass(MAX_STALENESS);
    replica.revoke();
    replica.pauses.arm(Point::LookedUp);
    let finished = Arc::new(AtomicBool::new(false));
    let (exchange, done, pauses) = (replica.exchange_apart(), finished.clone(), replica.pauses.clone());
    let exchange = thread::spawn(move || {
        let outcome = exchange.join().unwrap();
        done.store(true, SeqCst);
        pauses.nudge();
        outcome
    });
    replica.pauses.await_reached_or(Point::LookedUp, || finished.load(SeqCst));
    // Trust comes back: too late for what was looked up without it.
    replica.follow();
    replica.pauses.release(Point::LookedUp);
    assert_refused(&exchange.join().unwrap());
}

#[test]
fn r3_rev_is_read_before_what_the_verdict_uses() {
    let replica = Replica::warm();
    replica.pauses.arm(Point::LookedUp);
    let exchange = replica.exchange_apart();
    replica.pauses.await_reached(Point::LookedUp);
    let entry = replica.revoke();
    replica.follow();
    replica.pauses.release(Point::LookedUp);
    let outcome = exchange.join().unwrap();
    assert!(outcome.is_ok(), "it had looked up before: {outcome:?}");
    assert_covered(&outcome, entry);
}

#[test]
fn r4_the_wall_clock_is_read_before_rev() {
    let replica = Replica::warm();
    let started = replica.clock.now().unix_seconds();
    replica.pauses.arm(Point::RevRead);
    let exchange = replica.exchange_apart();
    replica.pauses.await_reached(Point::RevRead);
    let entry = replica.revoke();
    // The exchange is held up for as long as the entry lives.
    replica.clock.jump(ENTRY_LIFETIME);
    replica.pauses.release(Point::RevRead);
    let exchanged = exchange.join().unwrap().expect("memory had it");
    let claims: serde_json::Value = jsonwebtoken::dangerous::insecure_decode(&exchanged.access).unwrap().claims;
    assert_eq!(claims["iat"], started);
    let forgotten_at = entry.created_at.plus_seconds(ENTRY_LIFETIME).unix_seconds();
    assert!(claims["exp"].as_i64().unwrap() < forgotten_at, "the token must not outlive its entry");
}

#[test]
fn r5_an_old_row_does_not_enter_memory() {
    let replica = Replica::following();
    replica.pauses.arm(Point::RowRead);
    let exchange = replica.exchange_apart();
    replica.pauses.await_reached(Point::RowRead);
    let entry = replica.revoke();
    replica.follow();
    replica.pauses.release(Point::RowRead);
    assert_covered(&exchange.join().unwrap(), entry);
    assert_refused(&replica.exchange());
}

#[test]
fn r5_an_old_row_does_not_enter_between_forgetting_and_publishing() {
    let replica = Replica::following();
    replica.pauses.arm(Point::RowRead);
    let exchange = replica.exchange_apart();
    replica.pauses.await_reached(Point::RowRead);
    let entry = replica.revoke();
    replica.pauses.arm(Point::Forgotten);
    let follower = replica.follow_apart();
    replica.pauses.await_reached(Point::Forgotten);
    replica.pauses.release(Point::RowRead);
    assert_covered(&exchange.join().unwrap(), entry);
    replica.pauses.release(Point::Forgotten);
    follower.join().unwrap();
    assert_refused(&replica.exchange());
}

#[test]
fn r6_without_trust_the_counter_is_read_before_the_row() {
    let replica = Replica::new();
    replica.pauses.arm(Point::HalfRead);
    let exchange = replica.exchange_apart();
    replica.pauses.await_reached(Point::HalfRead);
    let entry = replica.revoke();
    replica.pauses.release(Point::HalfRead);
    assert_covered(&exchange.join().unwrap(), entry);
}

#[test]
fn r6_a_row_never_passes_for_newer_than_it_is() {
    let replica = Replica::following();
    replica.pauses.arm(Point::HalfRead);
    let exchange = replica.exchange_apart();
    replica.pauses.await_reached(Point::HalfRead);
    let entry = replica.revoke();
    replica.follow();
    replica.pauses.release(Point::HalfRead);
    assert_covered(&exchange.join().unwrap(), entry);
    assert_refused(&replica.exchange());
}

#[test]
fn r7_a_late_exchange_does_not_take_over_an_early_load() {
    let replica = Replica::following();
    replica.pauses.arm(Point::RowRead);
    let early = replica.exchange_apart();
    replica.pauses.await_reached(Point::RowRead);
    let entry = replica.revoke();
    replica.follow();
    // The revoke has answered; what starts now must not succeed, whoever has read what before.
    replica.pauses.arm(Point::Joining);
    let late = replica.exchange_apart();
    replica.pauses.await_reached(Point::Joining);
    replica.pauses.release(Point::Joining);
    replica.pauses.release(Point::RowRead);
    assert_covered(&early.join().unwrap(), entry);
    assert_refused(&late.join().unwrap());
}

#[test]
fn a_look_up_hit_asks_no_database() {
    let replica = Replica::warm();
    let queries = replica.db.queries();
    for _ in 0..1000 {
        replica.exchange().expect("alive");
    }
    assert_eq!(replica.db.queries(), queries);
}

#[test]
fn a_mistyped_token_reaches_no_database() {
    let replica = Replica::following();
    let (queries, token) = (replica.db.queries(), replica.token.expose_secret().to_owned());
    for at in 0..token.len() {
        let mut wrong = token.clone();
        wrong.replace_range(at..=at, if token.as_bytes()[at] == b'x' { "y" } else { "x" });
        let outcome = block_on(replica.services.exchange.exchange(&wrong, &Asked::default()));
        assert!(matches!(outcome, Err(ExchangeError::Unknown)), "{outcome:?}");
    }
    assert_eq!(replica.db.queries(), queries);
    replica.exchange().expect("the right one does");
    assert!(replica.db.queries() > queries);
}

#[test]
fn a_load_is_shared_by_those_who_may() {
    let replica = Replica::following();
    replica.pauses.arm(Point::RowRead);
    let first = replica.exchange_apart();
    replica.pauses.await_reached(Point::RowRead);
    let queries = replica.db.queries();
    replica.pauses.arm(Point::Joining);
    let second = replica.exchange_apart();
    replica.pauses.await_reached(Point::Joining);
    replica.pauses.release(Point::Joining);
    replica.pauses.release(Point::RowRead);
    first.join().unwrap().expect("alive");
    second.join().unwrap().expect("alive");
    assert_eq!(replica.db.queries(), queries, "the second one read nothing");
}

#[test]
fn a_counter_that_went_back_empties_memory_and_is_raised() {
    let replica = Replica::warm();
    let seen = replica.memory.applied();
    // A restored backup: the revocation below has a number that was given out before.
    let rewind = block_on(replica.db.write(|connection| list::rewind(connection, 1)));
    rewind.unwrap();
    replica.follow();
    assert!(replica.memory.applied() > seen, "numbers go on above what was seen");
    let queries = replica.db.queries();
    replica.exchange().expect("alive");
    assert!(replica.db.queries() > queries, "memory was dropped");
}

#[test]
fn a_credential_in_use_is_looked_up_anew_only_when_it_seems_stale() {
    const DAY: i64 = 86_400;
    let replica = Replica::warm();
    replica.clock.jump(200 * DAY);
    replica.exchange().expect("used in time");
    replica.clock.jump(200 * DAY);
    // 400 days after the row was read; its use of 200 days ago is not written yet.
    replica.exchange().expect("used in time");
    block_on(replica.services.flush_usage()).unwrap();
    replica.exchange().expect("read anew, with its last use");
    let queries = replica.db.queries();
    replica.exchange().expect("and remembered");
    assert_eq!(replica.db.queries(), queries);
    replica.clock.jump(366 * DAY);
    let outcome = replica.exchange();
    assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Stale))), "{outcome:?}");
}
