use diesel::{
    QueryableByName, RunQueryDsl as _, sql_query,
    sql_types::{BigInt, Text},
};
use patmint::store::DbConnection;

use crate::Failure;

/// The tables that grow with time.
const TABLES: [&str; 5] = ["usage_counts", "refusals", "audit", "invitations", "credentials"];

/// What a table holds.
#[derive(Debug, QueryableByName)]
pub(super) struct Size {
    #[diesel(sql_type = Text)]
    pub(super) table: String,
    #[diesel(sql_type = BigInt)]
    pub(super) rows: i64,
    /// With its indexes.
    #[diesel(sql_type = BigInt)]
    pub(super) bytes: i64,
}

/// The sizes of all tables that grow.
pub(super) fn of(connection: &mut DbConnection) -> Result<Vec<Size>, Failure> {
    let mut sizes = Vec::new();
    for table in TABLES {
        let bytes = match connection {
            DbConnection::Postgres(_) => format!("pg_total_relation_size('{table}')"),
            DbConnection::Sqlite(_) => format!(
                "(SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = '{table}'))"
            ),
        };
        let query = format!("SELECT '{table}' AS \"table\", count(*) AS rows, {bytes} AS bytes FROM {table}");
        sizes.push(sql_query(query).get_result(connection)?);
    }
    Ok(sizes)
}
