//! Each connection is set up so that what was answered survives, and so that nobody holds up everybody.

use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::Text};

use super::*;
use crate::store::DbConnection;

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
