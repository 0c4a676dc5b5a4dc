//! A look at the database past the program: statements that both engines understand.

use diesel::{
    Connection as _, PgConnection, QueryResult, QueryableByName, RunQueryDsl as _, SqliteConnection,
    connection::SimpleConnection as _, sql_query, sql_types,
};

pub enum Look {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = sql_types::Text)]
    value: String,
}

impl Look {
    pub fn at(url: &str) -> Self {
        match url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("the database");
                // Whoever writes waits for the servers' writes.
                connection.batch_execute("PRAGMA busy_timeout = 60000").expect("a setting");
                Self::Sqlite(connection)
            }
            None => Self::Postgres(PgConnection::establish(url).expect("the database")),
        }
    }

    /// The one number, named `value`, that `statement` selects.
    pub fn number(&mut self, statement: &str) -> i64 {
        self.try_number(statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    fn try_number(&mut self, statement: &str) -> QueryResult<i64> {
        let answer: QueryResult<Number> = match self {
            Self::Postgres(c) => sql_query(statement).get_result(c),
            Self::Sqlite(c) => sql_query(statement).get_result(c),
        };
        answer.map(|row| row.value)
    }

    /// How many rows there are `rows` (a table, or a table with a condition).
    pub fn count(&mut self, rows: &str) -> i64 {
        self.number(&counting(rows))
    }

    /// The same, where there may be no such table yet or somebody holds it.
    pub fn try_count(&mut self, rows: &str) -> Option<i64> {
        self.try_number(&counting(rows)).ok()
    }

    /// Runs statements.
    pub fn execute(&mut self, statements: &str) {
        let done = match self {
            Self::Postgres(c) => c.batch_execute(statements),
            Self::Sqlite(c) => c.batch_execute(statements),
        };
        done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The texts, named `value`, that `statement` selects.
    pub fn texts(&mut self, statement: &str) -> Vec<String> {
        let answer: Result<Vec<Text>, _> = match self {
            Self::Postgres(c) => sql_query(statement).load(c),
            Self::Sqlite(c) => sql_query(statement).load(c),
        };
        answer.unwrap_or_else(|error| panic!("{statement}: {error}")).into_iter().map(|row| row.value).collect()
    }
}

fn counting(rows: &str) -> String {
    format!("SELECT CAST(count(*) AS BIGINT) AS value FROM {rows}")
}
