//! The store on the engine that `PATMINT_TEST_DATABASE` names.

mod order;
mod parity;
mod settings;

use std::future::Future;

use tokio::runtime;

use super::{Database, DatabaseSettings};
use crate::test_database::TestDatabase;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A migrated database.
fn migrated(test: &TestDatabase) -> Database {
    let db = Database::new(&DatabaseSettings { url: test.url().parse().unwrap(), connections: 8 });
    db.migrate().unwrap();
    db
}
