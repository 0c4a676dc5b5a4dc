//! The list's numbers become visible in their order, on both engines, whoever writes.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use super::*;
use crate::{
    domain::{
        clock::{Clock, SystemClock, Timestamp},
        ids::CredentialId,
        list::{Entry, Target},
        random::SystemRandomness,
    },
    store::{
        StoreError,
        list::{self, Stamp},
        usage::{self, UsageBatch},
    },
    test_clock::ManualClock,
};

const WRITERS: usize = 6;
const CHANGES: usize = 40;

fn now() -> Timestamp {
    "2026-11-21T10:00:00.123456Z".parse().unwrap()
}

fn entry(seq: i64) -> Entry {
    let id = CredentialId::generate(now(), &SystemRandomness::default());
    Entry { seq, target: Target::Credential(id), revokes: true, created_at: now() }
}

async fn append(db: &Database) -> i64 {
    let change = |connection: &mut _, Stamp { seq, .. }| list::append(connection, entry(seq)).map(|()| seq);
    db.change::<_, StoreError>(clock(), change).await.unwrap()
}

/// A clock that stands still: numbers go on one by one.
fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::default())
}

/// The number of the first change.
fn first() -> i64 {
    clock().now().unix_millis()
}

#[test]
fn a_reader_sees_every_number_once_and_in_order() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    let (writing, start) = (Arc::new(AtomicUsize::new(WRITERS)), Arc::new(Barrier::new(WRITERS + 1)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (db, writing, start) = (db.clone(), writing.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                block_on(async {
                    for _ in 0..CHANGES {
                        append(&db).await;
                    }
                });
                writing.fetch_sub(1, SeqCst);
            })
        })
        .collect();
    let mut connection = db.own_connection().unwrap();
    let (mut seen, mut polls) = (first() - 1, 0);
    start.wait();
    loop {
        let is_last = writing.load(SeqCst) == 0;
        let head = list::head(&mut connection).unwrap().seq;
        let numbers: Vec<i64> =
            list::entries(&mut connection, seen, head).unwrap().into_iter().map(|entry| entry.seq).collect();
        // All there are, none late: a number that turned up below `seen` would be missed for ever.
        assert_eq!(numbers, (seen + 1..=head).collect::<Vec<_>>());
        (seen, polls) = (seen.max(head), polls + 1);
        if is_last {
            break;
        }
    }
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(seen - first() + 1, i64::try_from(WRITERS * CHANGES).unwrap());
    assert!(polls > 1, "the reader looked while they wrote");
}

#[test]
fn a_change_that_fails_leaves_nothing_and_gives_its_number_back() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    let first = block_on(append(&db));
    let failed: Result<(), StoreError> = block_on(db.change(clock(), |connection, Stamp { seq, .. }| {
        list::append(connection, entry(seq))?;
        // The same number again: the second insert is refused.
        list::append(connection, entry(seq))
    }));
    assert!(matches!(failed, Err(StoreError::Conflict)), "{failed:?}");
    assert_eq!(block_on(append(&db)), first + 1);
}

#[test]
fn a_panic_in_a_change_leaves_nothing_and_the_next_one_works() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    let before = block_on(append(&db));
    let panicked: Result<(), StoreError> = block_on(db.change(clock(), |_, _| panic!("on purpose")));
    assert!(matches!(panicked, Err(StoreError::Query(_))), "{panicked:?}");
    assert_eq!(block_on(append(&db)), before + 1);
}

#[test]
fn entries_are_pruned_by_age_and_that_is_noted() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    let old = block_on(append(&db));
    let young = block_on(db.change::<_, StoreError>(clock(), |connection, Stamp { seq, .. }| {
        let young = Entry { created_at: now().plus_seconds(10), ..entry(seq) };
        list::append(connection, young)?;
        Ok(young)
    }));
    let young = young.unwrap();
    for _ in 0..2 {
        let more = block_on(db.write(|connection| list::prune(connection, now().plus_seconds(1))));
        assert!(!more.unwrap());
    }
    let mut connection = db.own_connection().unwrap();
    let head = list::head(&mut connection).unwrap();
    assert_eq!((head.seq, head.pruned_to), (young.seq, old));
    // Microseconds survive, on both engines.
    assert_eq!(list::entries(&mut connection, 0, i64::MAX).unwrap(), [young]);
}

#[test]
fn the_counter_is_never_lowered() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    for (floor, expected) in [(10, 10), (5, 10), (11, 11)] {
        assert_eq!(block_on(db.write(move |c| list::raise_to(c, floor))).unwrap(), expected);
    }
}

#[test]
fn numbers_go_by_the_databases_clock_and_on_from_there() {
    let test = TestDatabase::new();
    let mut connection = migrated(&test).own_connection().unwrap();
    let at = SystemClock.now();
    let first = list::raise(&mut connection, &SystemClock).unwrap();
    for moment in [first.seq, first.now.unix_millis()] {
        assert!((moment - at.unix_millis()).abs() < 60_000, "{first:?} {at}");
    }
    let ahead = list::raise_to(&mut connection, first.seq + 3_600_000).unwrap();
    assert_eq!(list::raise(&mut connection, &SystemClock).unwrap().seq, ahead + 1, "never lower");
    assert_eq!(list::raise_by(&mut connection, 5, &SystemClock).unwrap().seq, ahead + 6);
    assert!(list::raise_if_free(&mut connection, &SystemClock).unwrap());
    let (head, said) = list::head_and_time(&mut connection).unwrap();
    assert_eq!((head.seq, said.is_some()), (ahead + 7, test.is_postgres()));
}

#[test]
fn who_goes_on_above_the_clock_does_not_wait_for_a_change() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    let (mut changes, mut follows) = (db.own_connection().unwrap(), db.own_connection().unwrap());
    let begun = SystemClock.since_boot();
    let change = changes.write_transaction(|changes| {
        let stamp = list::raise(changes, &SystemClock)?;
        Ok::<_, StoreError>((stamp, list::raise_if_free(&mut follows, &SystemClock)?))
    });
    let (stamp, raised) = change.unwrap();
    assert!(!raised && SystemClock.since_boot() < begun + Duration::from_millis(500), "it waited");
    assert_eq!(list::head(&mut follows).unwrap().seq, stamp.seq);
    assert!(list::raise_if_free(&mut follows, &SystemClock).unwrap());
}

#[test]
fn usage_of_a_credential_that_is_gone_stops_nothing() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    let id = CredentialId::generate(now(), &SystemRandomness::default());
    let mut batch = UsageBatch::default();
    batch.last_used.insert(id, (now(), None));
    batch.counts.insert((id, "2026-11-21".to_owned(), "granted"), 2);
    for _ in 0..2 {
        let batch = batch.clone();
        block_on(db.write(move |connection| usage::write(connection, &batch))).unwrap();
    }
    let counts = block_on(db.read(move |connection| usage::counts_of(connection, id, "")))
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
    assert_eq!(counts, [("2026-11-21".to_owned(), "granted".to_owned(), 4)], "counts add up");
}
