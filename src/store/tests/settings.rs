//! Each connection is set up so that what was answered survives, and so that nobody holds up everybody.

use std::sync::Arc;

use diesel::{QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types::Text};

use super::*;
use crate::{
    domain::clock::SystemClock,
    store::{DbConnection, StoreError, inspect},
};

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

fn value(connection: &mut DbConnection, query: &str) -> String {
    sql_query(query).get_result::<Value>(connection).unwrap().value
}

#[test]
fn connections_are_durable_and_impatient() {
    let test = TestDatabase::new();
    let mut connection = migrated(&test).own_connection().unwrap();
    let expected: &[(&str, &str)] = if test.is_postgres() {
        &[
            ("SELECT current_setting('synchronous_commit') AS value", "on"),
            ("SELECT current_setting('TimeZone') AS value", "UTC"),
            ("SELECT current_setting('lock_timeout') AS value", "900ms"),
            ("SELECT current_setting('statement_timeout') AS value", "900ms"),
            ("SELECT current_setting('idle_in_transaction_session_timeout') AS value", "900ms"),
            ("SELECT current_setting('default_transaction_isolation') AS value", "read committed"),
            ("SELECT current_setting('application_name') AS value", "patmint"),
        ]
    } else {
        &[
            ("SELECT journal_mode AS value FROM pragma_journal_mode", "wal"),
            // 2 = FULL: a commit is on the disk before it is answered.
            ("SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous", "2"),
            ("SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys", "1"),
            ("SELECT CAST(timeout AS TEXT) AS value FROM pragma_busy_timeout", "5000"),
            // Without it, a bound LIMIT makes SQLite plan the statement at each call.
            ("SELECT CAST(sqlite_compileoption_used('ENABLE_QPSG') AS TEXT) AS value", "1"),
        ]
    };
    for (query, expected) in expected {
        assert_eq!(&value(&mut connection, query), expected, "{query}");
    }
}

#[test]
fn a_database_that_is_not_there_is_unavailable_and_shows_no_password() {
    let url = if TestDatabase::new().is_postgres() {
        "postgres://ada:hunter2@127.0.0.1:1/nothing".to_owned()
    } else {
        "sqlite:///proc/nothing/test.db".to_owned()
    };
    let db = Database::new(&DatabaseSettings { url: url.parse().unwrap(), connections: 1 });
    let errors = [db.migrate().unwrap_err(), block_on(db.schema()).unwrap_err(), db.own_connection().err().unwrap()];
    for error in errors {
        assert!(matches!(error, crate::store::StoreError::Unavailable(_)), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn libpq_speaks_tls() {
    let test = TestDatabase::new();
    if !test.is_postgres() {
        return;
    }
    let separator = if test.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}sslmode=require", test.url());
    let db = Database::new(&DatabaseSettings { url: url.parse().unwrap(), connections: 1 });
    match db.own_connection() {
        Ok(mut connection) => {
            let query = "SELECT ssl::text AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            assert_eq!(value(&mut connection, query), "true");
        }
        // A libpq without TLS would refuse the parameter itself.
        Err(error) => assert!(error.to_string().contains("server does not support SSL"), "{error}"),
    }
}

/// Runs statements about the database `{}` as its owner.
fn set_up(test: &TestDatabase, statements: &str) {
    let (url, mut connection) = (test.url(), DbConnection::open_patient(&test.url().parse().unwrap()).unwrap());
    let name = url.rsplit_once('/').unwrap().1.split('?').next().unwrap();
    connection.batch_execute(&statements.replace("{}", name)).unwrap();
}

#[test]
fn a_database_has_no_say_in_deadlines_and_isolation() {
    let test = TestDatabase::new();
    if !test.is_postgres() {
        return;
    }
    set_up(
        &test,
        "ALTER DATABASE {} SET statement_timeout = '300ms'; ALTER DATABASE {} SET lock_timeout = '300ms';
         ALTER DATABASE {} SET idle_in_transaction_session_timeout = '300ms';
         ALTER DATABASE {} SET idle_session_timeout = '300ms'; ALTER DATABASE {} SET synchronous_commit = off;
         ALTER DATABASE {} SET default_transaction_isolation = 'serializable';
         ALTER DATABASE {} SET default_transaction_deferrable = on; ALTER DATABASE {} SET TimeZone = 'Asia/Tokyo';",
    );
    let url = test.url().parse().unwrap();
    for (mut connection, deadline) in
        [(DbConnection::open(&url).unwrap(), "900ms"), (DbConnection::open_patient(&url).unwrap(), "0")]
    {
        for (setting, expected) in [
            ("statement_timeout", deadline),
            ("lock_timeout", deadline),
            ("idle_in_transaction_session_timeout", deadline),
            ("idle_session_timeout", "0"),
            ("synchronous_commit", "on"),
            ("transaction_isolation", "read committed"),
            ("transaction_deferrable", "off"),
            ("TimeZone", "UTC"),
        ] {
            let query = format!("SELECT current_setting('{setting}') AS value");
            assert_eq!(value(&mut connection, &query), expected, "{setting} {deadline}");
        }
    }
    let db = migrated(&test);
    let long = |connection: &mut DbConnection, _| {
        connection.batch_execute("SELECT pg_sleep(0.4)").map_err(StoreError::from)?;
        Ok::<_, StoreError>(value(connection, "SELECT 'done' AS value"))
    };
    assert_eq!(block_on(db.change_at_length(Arc::new(SystemClock), long)).unwrap(), "done");
}

#[test]
fn a_database_that_takes_no_writes_is_refused() {
    let test = TestDatabase::new();
    if !test.is_postgres() {
        return;
    }
    migrated(&test);
    set_up(&test, "ALTER DATABASE {} SET default_transaction_read_only = on");
    let separator = if test.url().contains('?') { '&' } else { '?' };
    for (own, words) in [
        // libpq finds it out itself.
        (String::new(), "session is read-only; patmint needs the primary"),
        (format!("{separator}target_session_attrs=any"), "default_transaction_read_only"),
    ] {
        let url = format!("{}{own}", test.url());
        let db = Database::new(&DatabaseSettings { url: url.parse().unwrap(), connections: 1 });
        for error in [
            db.migrate().unwrap_err(),
            db.own_connection().err().unwrap(),
            block_on(db.schema()).unwrap_err(),
            block_on(db.change_at_length(Arc::new(SystemClock), |_, _| Ok::<_, StoreError>(()))).unwrap_err(),
        ] {
            assert!(matches!(&error, StoreError::Unavailable(why) if why.contains(words)), "{error:?}");
        }
    }
    // The doctor may look.
    let url = test.url().parse().unwrap();
    let mut connection = inspect::connection(&url).unwrap();
    assert!(inspect::postgres(&mut connection).unwrap().unwrap().is_read_only);
}

#[test]
fn a_connection_whose_server_takes_no_writes_any_more_is_not_used_again() {
    let test = TestDatabase::new();
    if !test.is_postgres() {
        return;
    }
    migrated(&test);
    let db = Database::new(&DatabaseSettings { url: test.url().parse().unwrap(), connections: 1 });
    let session = || {
        let pid = |connection: &mut DbConnection| {
            Ok::<_, StoreError>(value(connection, "SELECT pg_backend_pid()::text AS value"))
        };
        block_on(db.read(pid)).unwrap()
    };
    let execute = |statement: &'static str| {
        block_on(db.write(move |connection| connection.batch_execute(statement).map_err(StoreError::from)))
    };
    let first = session();
    assert_eq!(session(), first, "it is used again as long as it is good");
    // Noticed at a write: it is refused once.
    let refused = execute("SET TRANSACTION READ ONLY; UPDATE list_head SET seq = seq");
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let second = session();
    assert_ne!(second, first);
    // Noticed before anything is asked: what a standby says is old.
    execute("SET default_transaction_read_only = on").unwrap();
    assert_ne!(session(), second);
    block_on(db.change(Arc::new(SystemClock), |_, stamp| Ok::<_, StoreError>(stamp.seq))).unwrap();
}

#[test]
fn a_database_that_cannot_keep_every_name_is_refused() {
    let test = TestDatabase::new();
    if !test.is_postgres() {
        return;
    }
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = test.url().rsplit_once('/').unwrap().1.split('?').next().unwrap().to_owned();
        let other = format!("{name}_{}", encoding.to_lowercase());
        set_up(
            &test,
            &format!("CREATE DATABASE {other} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"),
        );
        let url = test.url().replace(&name, &other).parse().unwrap();
        let outcome = Database::new(&DatabaseSettings { url, connections: 1 }).migrate();
        let url = test.url().replace(&name, &other).parse().unwrap();
        let mut connection = inspect::connection(&url).unwrap();
        assert!(!inspect::postgres(&mut connection).unwrap().unwrap().is_utf8());
        drop(connection);
        set_up(&test, &format!("DROP DATABASE {other}"));
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains(&format!("{other} has the encoding {encoding}")), "{error}");
    }
}
