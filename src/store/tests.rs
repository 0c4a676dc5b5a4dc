//! The store on the engine that `PATMINT_TEST_DATABASE` names.

mod compatibility;
mod order;
mod parity;
mod settings;

use std::future::Future;

use tokio::runtime;

use super::{Database, DatabaseSettings, time};
use crate::{
    domain::clock::{Clock as _, SystemClock},
    test_database::TestDatabase,
};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A migrated database.
fn migrated(test: &TestDatabase) -> Database {
    let db = Database::new(&DatabaseSettings { url: test.url().parse().unwrap(), connections: 8 });
    db.migrate().unwrap();
    db
}

#[test]
fn a_server_tells_the_time_and_a_file_does_not() {
    let test = TestDatabase::new();
    let said = time::now(&mut migrated(&test).own_connection().unwrap()).unwrap();
    assert_eq!(said.is_some(), test.is_postgres());
    let now = SystemClock.now();
    assert!((SystemClock.of_database(said).unix_millis() - now.unix_millis()).abs() < 60_000, "{said:?} {now}");
}
