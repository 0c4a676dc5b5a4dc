//! What rule R1 asks of several servers on one database: a change waits for each of them, and one that nobody waits for
//! trusts nothing. Made like `ordering_tests.rs`.

use std::{path::Path, time::Duration};

use super::{ExchangeError, Memory, pause::Point, presence::BEAT_LASTS};
use crate::{
    domain::verdict::Refusal,
    service::{
        LARGEST_STALENESS,
        testing::{MAX_STALENESS, Outcome, Replica, block_on},
        watcher::{STILL_FOR, Watcher},
    },
    store::{list, replicas},
};

const MILLISECOND: Duration = Duration::from_millis(1);

/// A moment less.
fn nearly(time: Duration) -> Duration {
    time.saturating_sub(MILLISECOND)
}

fn assert_refused(outcome: &Outcome) {
    assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Revoked))), "{outcome:?}");
}

/// The change that is held at [`Point::OthersBehind`] looks again and comes there again.
fn look_again(replica: &Replica) {
    replica.pauses.release(Point::OthersBehind);
    replica.pauses.arm(Point::OthersBehind);
    replica.pauses.await_reached(Point::OthersBehind);
}

fn remove_row(replica: &Replica) {
    let id = replica.presence.id().expect("registered");
    block_on(replica.db.write(move |connection| replicas::remove(connection, id))).unwrap();
}

#[test]
fn r1_a_change_waits_until_another_server_has_applied_it() {
    let one = Replica::warm();
    let other = one.warm_beside();
    one.pauses.arm(Point::OthersBehind);
    let revoke = one.revoke_apart();
    one.pauses.await_reached(Point::OthersBehind);
    other.exchange().expect("no answer yet");
    other.follow();
    look_again(&one);
    // Applied, but not noted.
    assert!(!revoke.has_answered());
    other.note();
    one.pauses.release(Point::OthersBehind);
    revoke.join();
    assert!(other.is_trusted(), "it was waited for until it had applied the change");
    assert_refused(&other.exchange());
}

#[test]
fn r1_a_change_waits_for_a_server_that_stands_still_until_its_bound_is_over() {
    let one = Replica::warm();
    let other = one.warm_beside();
    one.pauses.arm(Point::OthersBehind);
    let revoke = one.revoke_apart();
    one.pauses.await_reached(Point::OthersBehind);
    other.exchange().expect("no answer yet");
    one.clock.pass(nearly(MAX_STALENESS));
    look_again(&one);
    one.clock.pass(MILLISECOND);
    one.pauses.release(Point::OthersBehind);
    revoke.join();
    assert!(!other.is_trusted());
    assert_refused(&other.exchange());
}

#[test]
fn r1_what_a_server_noted_before_a_failover_is_not_taken_for_the_change() {
    let one = Replica::new();
    one.change_something_else();
    one.follow();
    let other = one.warm_beside();
    // The database loses what was committed last; the other server has seen that, and has not noticed the loss.
    block_on(one.db.write(|connection| list::rewind(connection, 1))).unwrap();
    one.pauses.arm(Point::OthersBehind);
    let revoke = one.revoke_apart();
    let waits = one.pauses.await_reached_or(Point::OthersBehind, || revoke.has_answered());
    assert!(waits, "the number that the other one noted is above that of the change");
    other.follow();
    other.note();
    one.pauses.release(Point::OthersBehind);
    revoke.join();
    assert_refused(&other.exchange());
}

#[test]
fn r1_who_asks_for_what_is_so_already_waits_too() {
    let one = Replica::warm();
    let other = one.warm_beside();
    // Revoked, but whoever did it went away before the others were waited for.
    one.revoke_without_waiting();
    one.pauses.arm(Point::OthersBehind);
    let again = one.revoke_apart();
    let waits = one.pauses.await_reached_or(Point::OthersBehind, || again.has_answered());
    assert!(waits, "the other server goes by what was before");
    other.exchange().expect("no answer yet");
    other.follow();
    other.note();
    one.pauses.release(Point::OthersBehind);
    again.join();
    assert_refused(&other.exchange());
}

#[test]
fn r1_a_command_waits_for_a_server() {
    let server = Replica::warm();
    server.note();
    let command = server.command_beside();
    command.pauses.arm(Point::OthersBehind);
    let revoke = command.revoke_apart();
    command.pauses.await_reached(Point::OthersBehind);
    server.exchange().expect("no answer yet");
    server.follow();
    server.note();
    command.pauses.release(Point::OthersBehind);
    revoke.join();
    assert!(server.is_trusted());
    assert_refused(&server.exchange());
}

#[test]
fn r1_the_rows_are_read_after_the_commit() {
    let one = Replica::warm();
    one.pauses.arm(Point::Changing);
    let revoke = one.revoke_apart();
    one.pauses.await_reached(Point::Changing);
    // A server comes up, and has the credential in memory before it is revoked.
    let other = one.warm_beside();
    one.pauses.arm(Point::OthersBehind);
    one.pauses.release(Point::Changing);
    if one.pauses.await_reached_or(Point::OthersBehind, || revoke.has_answered()) {
        one.clock.pass(MAX_STALENESS);
        one.pauses.release(Point::OthersBehind);
    }
    revoke.join();
    assert_refused(&other.exchange());
}

#[test]
fn r1_a_look_from_before_the_registration_does_not_count() {
    let one = Replica::warm();
    let other = one.beside();
    other.follow();
    other.exchange().expect("alive");
    other.pauses.arm(Point::ListRead);
    let follower = other.follow_apart();
    other.pauses.await_reached(Point::ListRead);
    // Nobody to wait for: answered at once.
    one.revoke();
    other.note();
    other.pauses.release(Point::ListRead);
    follower.join().unwrap();
    assert!(!other.is_trusted());
    assert_refused(&other.exchange());
    other.follow();
    assert!(other.is_trusted());
}

#[test]
fn r1_a_server_whose_row_is_gone_trusts_nothing() {
    let one = Replica::warm();
    let other = one.warm_beside();
    remove_row(&other);
    other.pauses.arm(Point::RowGone);
    let noter = other.note_apart();
    other.pauses.await_reached(Point::RowGone);
    // A look that began now would not be waited for either.
    other.follow();
    one.revoke();
    assert_refused(&other.exchange());
    other.pauses.release(Point::RowGone);
    noter.join().unwrap();
    assert!(!other.is_trusted(), "it has not looked anew");
    other.follow();
    assert!(other.is_trusted());
    assert_refused(&other.exchange());
}

#[test]
fn r1_a_look_from_before_the_row_is_there_anew_does_not_count() {
    let one = Replica::warm();
    let other = one.warm_beside();
    remove_row(&other);
    other.pauses.arm(Point::RowGone);
    let noter = other.note_apart();
    other.pauses.await_reached(Point::RowGone);
    other.pauses.arm(Point::ListRead);
    let follower = other.follow_apart();
    other.pauses.await_reached(Point::ListRead);
    one.revoke();
    other.pauses.release(Point::RowGone);
    noter.join().unwrap();
    other.pauses.release(Point::ListRead);
    follower.join().unwrap();
    assert!(!other.is_trusted());
    assert_refused(&other.exchange());
}

#[test]
fn r1_trust_ends_when_no_beat_can_be_written() {
    let replica = Replica::warm();
    block_on(replica.db.write(replicas::lose)).unwrap();
    block_on(replica.presence.note()).unwrap_err();
    replica.clock.pass(nearly(BEAT_LASTS));
    replica.follow();
    assert!(replica.is_trusted());
    block_on(replica.presence.note()).unwrap_err();
    replica.clock.pass(MILLISECOND);
    replica.follow();
    assert!(!replica.is_trusted(), "a watcher may remove the row some time after");
    replica.exchange().expect("from the database");
}

#[test]
fn r1_a_change_that_cannot_read_the_rows_waits_for_the_largest_bound() {
    let one = Replica::warm();
    block_on(one.db.write(replicas::lose)).unwrap();
    one.pauses.arm(Point::OthersBehind);
    let revoke = one.revoke_apart();
    one.pauses.await_reached(Point::OthersBehind);
    one.clock.pass(nearly(LARGEST_STALENESS));
    look_again(&one);
    one.clock.pass(MILLISECOND);
    one.pauses.release(Point::OthersBehind);
    revoke.join();
}

#[test]
fn a_row_that_does_not_beat_is_removed_and_one_that_does_is_not() {
    let (beating, mut watcher) = (Replica::warm(), Watcher::default());
    let still = beating.warm_beside();
    let (kept, removed) = (beating.presence.id().unwrap(), still.presence.id().unwrap());
    block_on(watcher.look(beating.services.core())).unwrap();
    beating.clock.pass(nearly(STILL_FOR));
    beating.note();
    block_on(watcher.look(beating.services.core())).unwrap();
    assert!(beating.registered().contains(&removed));
    beating.clock.pass(MILLISECOND);
    block_on(watcher.look(beating.services.core())).unwrap();
    assert_eq!(beating.registered(), [kept]);
    // It lives after all: under a new name.
    still.note();
    assert_eq!(still.registered().len(), 2);
    assert_ne!(still.presence.id(), Some(removed));
}

#[test]
fn a_row_that_beats_at_the_last_moment_is_not_removed() {
    let replica = Replica::warm();
    let id = replica.presence.id().unwrap();
    replica.note();
    let removed = block_on(replica.db.write(move |connection| replicas::remove_still(connection, id, 0))).unwrap();
    assert!(!removed);
    assert_eq!(replica.registered(), [id]);
}

#[test]
fn a_server_that_leaves_is_not_waited_for_and_trusts_nothing() {
    let one = Replica::warm();
    let other = one.warm_beside();
    block_on(other.presence.leave()).unwrap();
    one.revoke();
    assert_refused(&other.exchange());
}

#[test]
fn without_a_row_a_look_alone_gives_no_trust() {
    let memory = Memory::new(10);
    memory.trust.looked(memory.trust.registration(), Duration::MAX);
    assert!(!memory.is_trusted(Duration::ZERO));
    memory.trust.registered(Duration::MAX);
    assert!(!memory.is_trusted(Duration::ZERO));
    memory.trust.looked(memory.trust.registration(), Duration::MAX);
    assert!(memory.is_trusted(Duration::ZERO));
}

#[test]
fn a_server_registers_serves_and_leaves() {
    let replica = Replica::new();
    let server = replica.real_server_beside();
    assert_eq!(replica.registered().len(), 2);
    // Registered first, so its first look counts.
    block_on(server.health.check()).expect("ready as soon as it is there");
    block_on(server.shut_down()).unwrap();
    assert_eq!(replica.registered(), [replica.presence.id().unwrap()]);
    assert!(block_on(server.health.check()).is_err(), "it goes by nothing any more");
}

#[test]
fn a_server_that_does_not_come_to_be_leaves_no_row() {
    let replica = Replica::new();
    assert!(replica.try_real_server(Path::new("/proc/nothing")).is_err());
    assert_eq!(replica.registered().len(), 1);
}
