//! A schema that a newer patmint has migrated is served as long as it says that it can be.

use std::{fs, path::Path};

use diesel::connection::SimpleConnection as _;

use super::*;
use crate::store::{DbConnection, compatibility::Schema};

fn execute(connection: &mut DbConnection, statement: &str) {
    connection.batch_execute(statement).unwrap();
}

/// What a newer patmint does that adds a column, and something that does not concern this one.
const EXPAND: &str = "
    ALTER TABLE users ADD COLUMN nickname TEXT;
    CREATE TABLE novelties (id INTEGER NOT NULL PRIMARY KEY);
    INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000'), ('29991231000001');";

const CONTRACT: &str = "UPDATE compatibility SET required_migration = '29991231000001'";

#[test]
fn a_schema_that_is_ahead_is_served_unless_it_requires_more() {
    let test = TestDatabase::new();
    let db = Database::new(&DatabaseSettings { url: test.url().parse().unwrap(), connections: 8 });
    assert_eq!(block_on(db.schema()).unwrap(), Schema::Missing);
    assert_eq!(db.migrate().unwrap(), Schema::Current);
    let mut connection = db.own_connection().unwrap();
    execute(&mut connection, EXPAND);
    assert_eq!(db.migrate().unwrap(), Schema::Ahead(2));
    assert_eq!(block_on(db.schema()).unwrap(), Schema::Ahead(2));
    execute(&mut connection, CONTRACT);
    let too_new = Schema::TooNew("29991231000001".to_owned());
    assert_eq!(db.migrate().unwrap(), too_new);
    assert_eq!(block_on(db.schema()).unwrap(), too_new);
    assert!(!too_new.can_be_served() && too_new.to_string().contains("29991231000001"), "{too_new}");
}

#[test]
fn a_schema_that_is_too_new_is_not_touched() {
    let test = TestDatabase::new();
    let db = migrated(&test);
    let mut connection = db.own_connection().unwrap();
    execute(&mut connection, EXPAND);
    execute(&mut connection, CONTRACT);
    // As if this program had a migration that the newer one has not.
    execute(&mut connection, "DELETE FROM __diesel_schema_migrations WHERE version = '20261122000010'");
    execute(&mut connection, "DROP INDEX credentials_expires_at");
    assert!(matches!(db.migrate().unwrap(), Schema::TooNew(_)));
    execute(&mut connection, "UPDATE compatibility SET required_migration = '20261128000003'");
    assert_eq!(block_on(db.schema()).unwrap(), Schema::Behind(1));
    assert_eq!(db.migrate().unwrap(), Schema::Ahead(2));
}

#[test]
fn what_the_migrations_require_is_one_of_them() {
    let test = TestDatabase::new();
    assert_eq!(migrated(&test).migrate().unwrap(), Schema::Current);
    // Each states a requirement that it meets itself: no later one can be required by it.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    for entry in fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap();
        let own = folder.file_name().into_string().unwrap().split('_').next().unwrap().replace('-', "");
        let migration = fs::read_to_string(folder.path().join("up.sql")).unwrap();
        for (_, after) in
            migration.match_indices("required_migration").map(|(at, word)| migration.split_at(at + word.len()))
        {
            if let Some(required) = after.split('\'').nth(1) {
                assert!(required <= own.as_str(), "{own} requires {required}");
            }
        }
    }
}
