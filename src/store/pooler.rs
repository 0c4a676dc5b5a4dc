//! Whether a pooler between patmint and PostgreSQL hands a session from one client to another.

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query,
    sql_types::Text,
};
use secrecy::ExposeSecret as _;

use super::{
    error::StoreError,
    postgres::{self, Deadlines},
    url::{Backend, DatabaseUrl},
};

/// What is wrong with such a pooler.
pub const SHARED_SESSIONS: &str =
    "a pooler gives the session of one connection to another (transaction or statement pooling)";

/// What to do about it.
pub const OWN_SESSIONS: &str = "let PgBouncer use pool_mode = session for this database, or go past the pooler";

/// How often it is looked. Of a pooler that others use too, one look may happen to find the same session twice.
const LOOKS: usize = 3;

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Text)]
    mark: String,
}

const SET: &str = "SELECT set_config('patmint.session', md5(random()::text || clock_timestamp()), false) AS mark";
const GET: &str = "SELECT coalesce(current_setting('patmint.session', true), '') AS mark";

/// Whether each connection has a session of its own. With PgBouncer in transaction or statement mode it has not: deadlines
/// that one connection sets hold for another or for none, and prepared statements are lost.
///
/// # Errors
/// [`StoreError`] if the database cannot be asked.
pub fn has_own_sessions(url: &DatabaseUrl) -> Result<bool, StoreError> {
    let Backend::Postgres(url) = url.backend() else { return Ok(true) };
    let open = || {
        let connection = postgres::open(url.expose_secret(), Deadlines::Short);
        connection.map_err(|error| StoreError::Unavailable(error.to_string()))
    };
    let (mut one, mut other) = (open()?, open()?);
    // PgBouncer in statement mode closes a connection that begins a transaction, and libpq does not pass on why.
    if one.batch_execute("BEGIN").and_then(|()| one.batch_execute("COMMIT")).is_err() {
        return Ok(false);
    }
    for _ in 0..LOOKS {
        match is_own(&mut one, &mut other) {
            Ok(true) => {}
            Err(StoreError::Unavailable(error)) if is_of_pooler(&error) => return Ok(false),
            other => return other,
        }
    }
    Ok(true)
}

/// Whether what `one` sets stays with it, and `other` does not see it.
fn is_own(one: &mut PgConnection, other: &mut PgConnection) -> Result<bool, StoreError> {
    let mark = ask(one, SET)?;
    // A pooler that takes turns gives it another one.
    if ask(one, GET)? != mark {
        return Ok(false);
    }
    other.transaction(|other| {
        // One that gives the last one first gives this one's session to the other.
        let seen: Mark = sql_query(GET).get_result(other)?;
        // And while that one keeps it, this one gets another.
        Ok(seen.mark != mark && ask(one, GET)? == mark)
    })
}

/// In a transaction, in which every pooler keeps to one session.
fn ask(connection: &mut PgConnection, query: &str) -> Result<String, StoreError> {
    connection.transaction(|connection| Ok(sql_query(query).get_result::<Mark>(connection)?.mark))
}

/// What a connection has prepared stays with the session that it had then.
fn is_of_pooler(error: &str) -> bool {
    error.contains("prepared statement")
}
