//! Both databases have the tables that `schema.rs` says, column by column.

use std::{collections::BTreeMap, fs, path::Path};

use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::Text};

use super::{super::migrations, *};
use crate::store::{DbConnection, compatibility::Schema};

/// By table and column: the type and whether it may be null.
type Columns = BTreeMap<(String, String), (&'static str, bool)>;

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    data_type: String,
    #[diesel(sql_type = Text)]
    is_nullable: String,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    key: String,
}

/// What `schema.rs` says.
fn declared() -> Columns {
    let mut table = String::new();
    let mut columns = Columns::new();
    for line in include_str!("../schema.rs").lines().map(str::trim).filter(|l| !l.starts_with("diesel::")) {
        if let Some((name, "{")) = line.split_once(" (").map(|(name, rest)| (name, rest.rsplit(' ').next().unwrap())) {
            table = name.to_owned();
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let inner = kind.strip_prefix("Nullable<").map(|kind| kind.trim_end_matches('>'));
            let kind = match inner.unwrap_or(kind) {
                "Text" => "text",
                "BigInt" => "bigint",
                "Integer" => "integer",
                "Bool" => "boolean",
                "Binary" => "binary",
                "Timestamp" => "timestamp",
                other => panic!("a type that the migrations do not use: {other}"),
            };
            columns.insert((table.clone(), column.to_owned()), (kind, inner.is_some()));
        }
    }
    columns
}

/// What the database has.
fn stored(connection: &mut DbConnection) -> Columns {
    let query = match connection {
        DbConnection::Sqlite(_) => {
            "SELECT m.name AS table_name, c.name AS column_name, lower(c.type) AS data_type, \
             CASE c.\"notnull\" WHEN 1 THEN 'NO' ELSE 'YES' END AS is_nullable \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        }
        DbConnection::Postgres(_) => {
            "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text \
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let rows: Vec<ColumnRow> = sql_query(query).load(connection).unwrap();
    rows.into_iter()
        .filter(|row| !row.table_name.starts_with("__diesel"))
        .map(|row| {
            let kind = match row.data_type.as_str() {
                "text" => "text",
                "bigint" => "bigint",
                "integer" => "integer",
                "boolean" => "boolean",
                "blob" | "bytea" => "binary",
                "timestamp" | "timestamp without time zone" => "timestamp",
                other => panic!("{}.{} is {other}", row.table_name, row.column_name),
            };
            ((row.table_name, row.column_name), (kind, row.is_nullable == "YES"))
        })
        .collect()
}

/// The unique keys, each as `table(column,column)`.
fn unique_keys(connection: &mut DbConnection) -> Vec<String> {
    let query = match connection {
        DbConnection::Sqlite(_) => {
            "SELECT m.name || '(' || (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(l.name) \
             ORDER BY seqno)) || ')' AS key FROM sqlite_master m JOIN pragma_index_list(m.name) l \
             WHERE m.type = 'table' AND l.\"unique\" = 1"
        }
        DbConnection::Postgres(_) => {
            "SELECT c.relname || '(' || string_agg(a.attname, ',' ORDER BY k.n) || ')' AS key \
             FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace, \
             unnest(i.indkey) WITH ORDINALITY k(col, n), pg_attribute a \
             WHERE i.indisunique AND s.nspname = 'public' AND a.attrelid = c.oid AND a.attnum = k.col \
             GROUP BY i.indexrelid, c.relname"
        }
    };
    let rows: Vec<KeyRow> = sql_query(query).load(connection).unwrap();
    // An INTEGER PRIMARY KEY is SQLite's row id and has no index of its own.
    let mut keys: Vec<String> = rows.into_iter().map(|row| row.key).collect();
    let row_ids = ["list_head(id)", "compatibility(id)", "clock(id)"];
    keys.retain(|key| !key.starts_with("__diesel") && !row_ids.contains(&key.as_str()));
    keys.sort();
    keys
}

#[test]
fn the_tables_are_those_of_the_schema() {
    let test = TestDatabase::new();
    let mut connection = migrated(&test).own_connection().unwrap();
    assert_eq!(stored(&mut connection), declared());
    assert_eq!(
        unique_keys(&mut connection),
        [
            "audit(id)",
            "credentials(id)",
            "credentials(number)",
            "credentials(secret_hash)",
            "idempotency_keys(key_hash)",
            "invitations(id)",
            "invitations(secret_hash)",
            "list_entries(seq)",
            "mass_changes(job)",
            "memberships(organization_id,user_id)",
            "numbers(name)",
            "organizations(id)",
            "organizations(number)",
            "organizations(slug)",
            "refusals(request_id)",
            "replicas(id)",
            "sealed_keys(kid)",
            "sessions(id)",
            "sessions(secret_hash)",
            "usage_addresses(credential_id,address)",
            "usage_counts(credential_id,day,outcome)",
            "users(email)",
            "users(id)",
            "users(number)",
        ]
    );
}

#[test]
fn both_databases_have_the_same_migrations_and_each_can_be_taken_back() {
    let names = |engine: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    let test = TestDatabase::new();
    let db = migrated(&test);
    let mut connection = db.own_connection().unwrap();
    let before = stored(&mut connection);
    migrations::revert(&mut connection);
    assert_eq!(stored(&mut connection), Columns::new());
    assert_eq!(block_on(db.schema()).unwrap(), Schema::Missing);
    assert_eq!(db.migrate().unwrap(), Schema::Current);
    assert_eq!(db.migrate().unwrap(), Schema::Current);
    assert_eq!(block_on(db.schema()).unwrap(), Schema::Current);
    assert_eq!(stored(&mut connection), before);
}
