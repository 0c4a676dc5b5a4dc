//! Connections to PostgreSQL: where they go, what each session pins, and which servers are refused.
//!
//! The parameters added to the URL are read by libpq alone. Of what is sent to the server at the start (`user`, `database`,
//! `application_name`) PgBouncer knows everything, so its `ignore_startup_parameters` need not name any. The operator's own
//! `options` would have to be named there.

use diesel::{
    Connection as _, ConnectionError, ConnectionResult, PgConnection, RunQueryDsl as _,
    connection::SimpleConnection as _, declare_sql_function, select, sql_types::Text,
};

use super::error::StoreError;

/// How long one statement, one lock or an idle transaction may hold others up: below the second within which a change
/// must show.
const PATIENCE_MS: u32 = 900;

/// How long connecting to one of the hosts may take. Two seconds is the least that libpq does.
const CONNECT_SECONDS: u32 = 2;

/// How long the statements of a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deadlines {
    /// Below a second.
    Short,
    /// As long as they do.
    None,
}

impl Deadlines {
    fn milliseconds(self) -> u32 {
        match self {
            Self::Short => PATIENCE_MS,
            Self::None => 0,
        }
    }
}

/// Opens a connection to a server that takes writes. One that does not is refused, whatever the operator's URL, a DNS name
/// or a proxy says: a standby is behind, and would grant what the primary has answered as revoked.
pub(super) fn open(url: &str, deadlines: Deadlines) -> ConnectionResult<PgConnection> {
    let mut connection = connected(&with_defaults(url))?;
    let prepare = format!("{}; {CHECK}", session(deadlines));
    connection.batch_execute(&prepare).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Opens a connection that cannot write; to a standby if there is nothing else.
pub(super) fn open_to_look(url: &str) -> ConnectionResult<PgConnection> {
    let url = with_defaults(url);
    let connection = match connected(&url) {
        Err(error) if error.to_string().contains(IS_READ_ONLY) => connected(&format!("{url}&target_session_attrs=any")),
        other => other,
    };
    let mut connection = connection?;
    let prepare = format!("{}; SET default_transaction_read_only = on", session(Deadlines::Short));
    connection.batch_execute(&prepare).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

fn connected(url: &str) -> ConnectionResult<PgConnection> {
    PgConnection::establish(url).map_err(explained)
}

#[declare_sql_function]
extern "SQL" {
    fn current_setting(name: Text) -> Text;
}

/// Asks whether the server still takes writes: one that was demoted may keep its connections.
///
/// # Errors
/// [`StoreError::Unavailable`] if it does not.
pub(super) fn check_writable(connection: &mut PgConnection) -> Result<(), StoreError> {
    // On a standby it is `on` whatever the default.
    let is_read_only: String = select(current_setting("transaction_read_only")).get_result(connection)?;
    if is_read_only == "off" {
        return Ok(());
    }
    Err(StoreError::Unavailable("its server has become read-only: another one may be the primary now".to_owned()))
}

/// Adds to a libpq URL the deadlines by which a dead server is noticed, and that it must be one that takes writes: of several
/// hosts libpq tries one after the other until it finds it. What the operator's URL says itself comes last and wins.
fn with_defaults(url: &str) -> String {
    let defaults = format!(
        "target_session_attrs=read-write&connect_timeout={CONNECT_SECONDS}&tcp_user_timeout={PATIENCE_MS}\
         &keepalives_idle=1&keepalives_interval=1&keepalives_count=2&application_name=patmint"
    );
    match url.split_once('?') {
        Some((place, own)) => format!("{place}?{defaults}&{own}"),
        None => format!("{url}?{defaults}"),
    }
}

/// What each session has, whatever the defaults of server, role and database are. `default_transaction_read_only` is not
/// among them: whoever turned it on wants no writes. Nor is `search_path`, by which operators choose a schema.
fn session(deadlines: Deadlines) -> String {
    let longest = deadlines.milliseconds();
    format!(
        "SET TIME ZONE 'UTC'; SET synchronous_commit = on; SET default_transaction_isolation = 'read committed'; \
         SET default_transaction_deferrable = off; SET lock_timeout = {longest}; SET statement_timeout = {longest}; \
         SET idle_in_transaction_session_timeout = {longest}; {NEWER_SETTINGS}"
    )
}

/// Settings that PostgreSQL has since 14 and 17.
const NEWER_SETTINGS: &str = "
    DO $$ DECLARE setting text; BEGIN
        FOREACH setting IN ARRAY ARRAY['idle_session_timeout', 'transaction_timeout'] LOOP
            IF current_setting(setting, true) IS NOT NULL THEN PERFORM set_config(setting, '0', false); END IF;
        END LOOP;
    END $$";

/// Refuses what cannot be worked with, in the words that the operator reads. In the same message as the settings, so that it
/// costs no round trip.
const CHECK: &str = "
    DO $$ DECLARE
        server text := coalesce(host(inet_server_addr()) || ':' || inet_server_port(), 'on its socket');
    BEGIN
        IF pg_is_in_recovery() THEN
            RAISE EXCEPTION 'the server % is a standby: name the primary in --database-url, or all hosts and '
                'target_session_attrs=read-write', server;
        ELSIF current_setting('transaction_read_only')::bool THEN
            RAISE EXCEPTION 'the server % lets the role % only read in % (default_transaction_read_only): name the '
                'primary in --database-url, or turn writes on there', server, current_user, current_database();
        ELSIF current_setting('server_encoding') <> 'UTF8' THEN
            RAISE EXCEPTION 'the database % has the encoding % and cannot keep every name: make one with '
                'ENCODING ''UTF8'' TEMPLATE template0 and move the data there',
                current_database(), current_setting('server_encoding');
        END IF;
    END $$";

/// libpq's words for a server that `target_session_attrs=read-write` excludes.
const IS_READ_ONLY: &str = "session is read-only";

/// libpq quotes a URL that it cannot read, or the piece that it stumbles over: often the password. Only what it says of
/// the way to a server is passed on.
fn explained(error: ConnectionError) -> ConnectionError {
    let ConnectionError::BadConnection(text) = error else { return error };
    let is_of_server = text.starts_with("connection to server");
    // With a password that has an unencoded `@` its end is taken for a part of the host.
    let is_of_host = text.starts_with("could not translate host name") && !text.contains('@');
    if !is_of_server && !is_of_host {
        let text = "its URL cannot be read (special characters must be percent-encoded)";
        return ConnectionError::BadConnection(text.to_owned());
    }
    // A line for each host.
    let mut lines: Vec<_> = text.lines().map(str::trim).collect();
    if text.contains(IS_READ_ONLY) {
        lines.push("patmint needs the primary: name it in --database-url, or all hosts");
    }
    ConnectionError::BadConnection(lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libpq_says_of_a_url_is_not_passed_on() {
        for odd in [
            "ada:hunter2%zz@h/d",
            "ada:hunter2@[::1/d",
            "ada:hunter2/@h/d",
            "ada:x@hunter2@h/d",
            "h/d?password=%zzhunter2",
        ] {
            let Err(error) = open(&format!("postgres://{odd}"), Deadlines::Short) else {
                panic!("{odd} leads somewhere")
            };
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
            assert!(error.to_string().contains("URL cannot be read"), "{error}");
        }
        let Err(error) = open("postgres://ada:hunter2@127.0.0.1:1/d", Deadlines::Short) else {
            panic!("somebody listens on port 1")
        };
        assert!(error.to_string().starts_with("connection to server at \"127.0.0.1\""), "{error}");
    }

    #[test]
    fn the_operators_parameters_win_over_ours() {
        for own in ["connect_timeout=9", "target_session_attrs=any"] {
            assert!(with_defaults(&format!("postgres://h/d?{own}")).ends_with(&format!("&{own}")));
        }
        assert!(with_defaults("postgres://h/d").starts_with("postgres://h/d?target_session_attrs=read-write&"));
    }
}
