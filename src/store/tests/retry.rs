//! What PostgreSQL aborts in favour of another transaction runs again, whole, and not for ever.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use diesel::connection::SimpleConnection as _;

use super::*;
use crate::{
    domain::{
        clock::{SystemClock, Timestamp},
        list::{Entry, Target},
    },
    store::{
        DbConnection, StoreError,
        list::{self, Stamp},
    },
};

/// As PostgreSQL says it, one of them in another language than this test's.
const DEADLOCK: &str = "MESSAGE = 'Verklemmung entdeckt', ERRCODE = '40P01', HINT = 'Einzelheiten im Serverlog.', \
    DETAIL = E'Prozess 1 wartet auf Prozess 2.\\nProzess 2 wartet auf Prozess 1.'";
const SERIALIZATION: &str = "MESSAGE = 'konnte nicht serialisieren', ERRCODE = '40001'";

fn execute(db: &Database, statements: &str) {
    db.own_connection().unwrap().batch_execute(statements).unwrap();
}

/// Makes PostgreSQL refuse the first `times` entries with `error`; at the commit if they are `DEFERRED`.
fn abort(db: &Database, times: usize, error: &str, deferred: &str) {
    // A sequence does not go back with a transaction.
    execute(
        db,
        &format!(
            "DROP SEQUENCE IF EXISTS tries; CREATE SEQUENCE tries;
             CREATE OR REPLACE FUNCTION abort() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('tries') <= {times} THEN RAISE EXCEPTION USING {error}; END IF;
                 RETURN NULL;
             END $$;
             DROP TRIGGER IF EXISTS abort ON list_entries;
             CREATE CONSTRAINT TRIGGER abort AFTER INSERT ON list_entries
                 DEFERRABLE INITIALLY {deferred} FOR EACH ROW EXECUTE FUNCTION abort();"
        ),
    );
}

/// Makes a change, and says how often it ran.
fn change(db: &Database) -> (Result<i64, StoreError>, usize) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let created_at: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
    let change = move |connection: &mut DbConnection, Stamp { seq, .. }| {
        counted.fetch_add(1, SeqCst);
        list::append(connection, Entry { seq, target: Target::Unknown, revokes: true, created_at })?;
        Ok(seq)
    };
    let outcome = block_on(db.change(Arc::new(SystemClock), change));
    (outcome, runs.load(SeqCst))
}

fn entries(db: &Database) -> usize {
    list::entries(&mut db.own_connection().unwrap(), 0, i64::MAX).unwrap().len()
}

#[test]
fn an_aborted_change_runs_again_whole() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    let (first, runs) = change(&db);
    let mut last = first.unwrap();
    assert_eq!(runs, 1);
    if !test.is_postgres() {
        return;
    }
    for (error, moment) in [(SERIALIZATION, "IMMEDIATE"), (SERIALIZATION, "DEFERRED"), (DEADLOCK, "IMMEDIATE")] {
        abort(&db, 2, error, moment);
        let before = entries(&db);
        let (outcome, runs) = change(&db);
        let seq = outcome.unwrap_or_else(|refusal| panic!("{error} {moment}: {refusal}"));
        assert_eq!((runs, entries(&db)), (3, before + 1), "{error} {moment}");
        assert!(seq > last, "{error} {moment}");
        last = seq;
    }
}

#[test]
fn it_does_not_run_for_ever_and_not_for_other_errors() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    if !test.is_postgres() {
        return;
    }
    for (error, runs) in [
        (SERIALIZATION, 5),
        (DEADLOCK, 5),
        ("MESSAGE = 'disk full', ERRCODE = '53100', HINT = 'Free some space.'", 1),
        ("MESSAGE = 'canceling statement due to lock timeout', ERRCODE = '55P03'", 1),
    ] {
        abort(&db, 100, error, "IMMEDIATE");
        let (outcome, ran) = change(&db);
        assert!(matches!(outcome, Err(StoreError::Busy | StoreError::Unavailable(_))), "{error}: {outcome:?}");
        assert_eq!(ran, runs, "{error}");
    }
    assert_eq!(entries(&db), 0);
}

#[test]
fn of_two_that_wait_for_each_other_both_succeed() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    if !test.is_postgres() {
        return;
    }
    let name = test.url();
    let name = name.rsplit_once('/').unwrap().1.split('?').next().unwrap();
    // Otherwise the wait for the lock ends first.
    execute(
        &db,
        &format!(
            "ALTER DATABASE {name} SET deadlock_timeout = '10ms';
             CREATE TABLE place (id int PRIMARY KEY, visits int NOT NULL); INSERT INTO place VALUES (1, 0), (2, 0);"
        ),
    );
    let (db, both, runs) = (migrated(&test), Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
    let visit = |first: i32, second: i32| {
        let (db, both, runs) = (db.clone(), both.clone(), runs.clone());
        thread::spawn(move || {
            let visit = move |connection: &mut DbConnection| {
                let go = |connection: &mut DbConnection, id: i32| {
                    let go = format!("UPDATE place SET visits = visits + 1 WHERE id = {id}");
                    connection.batch_execute(&go).map_err(StoreError::from)
                };
                go(connection, first)?;
                // Each has its first one now; whoever comes again comes alone.
                if runs.fetch_add(1, SeqCst) < 2 {
                    both.wait();
                }
                go(connection, second)
            };
            block_on(db.write(visit)).unwrap();
        })
    };
    for one in [visit(1, 2), visit(2, 1)] {
        one.join().unwrap();
    }
    assert_eq!(runs.load(SeqCst), 3, "one of them was aborted");
}
