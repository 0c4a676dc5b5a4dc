use std::fmt::Write as _;

use diesel::connection::SimpleConnection as _;
use patmint::{
    domain::clock::{Clock as _, Timestamp},
    store::DbConnection,
};

use super::clock::MovedClock;
use crate::Failure;

const DAY: i64 = 86_400;

/// Days in a month.
const DAYS: i64 = 30;

/// How long a token lives, in months.
const LIFE: i64 = 12;

/// Makes the rows that a month leaves behind.
pub(super) struct Months {
    tokens: i64,
    /// The number of the last row that was made.
    last: i64,
}

impl Months {
    /// For `tokens` tokens at any time.
    pub(super) fn new(tokens: i64) -> Self {
        // Bootstrap made the numbers 1 and 2.
        Self { tokens, last: 2 }
    }

    /// A month passes: some tokens are made, all are used, some are refused, people are invited.
    pub(super) fn pass(&mut self, connection: &mut DbConnection, clock: &MovedClock) -> Result<(), Failure> {
        let now = clock.now();
        if self.last == 2 {
            // As if there had always been some: in each month as many of them end as are made.
            for month in 1..LIFE {
                self.make(connection, now, month * DAYS)?;
            }
        }
        self.make(connection, now, LIFE * DAYS)?;
        be_used(connection, now)?;
        self.be_audited(connection, now)?;
        clock.move_by(DAYS * DAY);
        Ok(())
    }

    /// A twelfth of the tokens, which end after `days`.
    fn make(&mut self, connection: &mut DbConnection, now: Timestamp, days: i64) -> Result<(), Failure> {
        let (from, upto) = (self.last + 1, self.last + self.tokens / LIFE);
        self.last = upto;
        let id = id(connection, now, "i");
        let hash = hash(connection);
        let (at, ends) = (sql_time(now), sql_time(now.plus_seconds(days * DAY)));
        Ok(connection.batch_execute(&format!(
            "INSERT INTO credentials (id, number, organization_id, owner_id, name, kind, permission, secret_hash, \
             created_at, created_seq, expires_at) \
             SELECT {id}, i, o.id, u.id, 'build of branch ' || i, 'opaque', 'read_write', {hash}, '{at}', i, '{ends}' \
             FROM {numbers}, organizations o, users u",
            numbers = numbers(connection, from, upto),
        ))?)
    }

    /// Two rows for each token that was made, and an invitation for each hundredth.
    fn be_audited(&self, connection: &mut DbConnection, now: Timestamp) -> Result<(), Failure> {
        let made = self.tokens / LIFE;
        let (id, hash, at) = (id(connection, now, "i"), hash(connection), sql_time(now));
        let audited = numbers(connection, 1, 2 * made);
        // Hashes are unique among invitations of all months.
        let invited = numbers(connection, self.last * 2, self.last * 2 + made / 100);
        Ok(connection.batch_execute(&format!(
            "INSERT INTO audit (id, seq, created_at, organization_id, actor_user_id, action, subject_id, address, detail) \
             SELECT {id}, i, '{at}', o.id, u.id, 'credential.create', u.id, '192.0.2.7', '{{\"number\":123456}}' \
             FROM {audited}, organizations o, users u; \
             INSERT INTO invitations (id, organization_id, email, role, secret_hash, created_at, created_seq, created_by, \
             expires_at) \
             SELECT {id}, o.id, 'somebody@trials.example', 'member', {hash}, '{at}', i, u.id, '{at}' \
             FROM {invited}, organizations o, users u"
        ))?)
    }
}

/// Each token that lives is exchanged on one day of the month, and one in twenty refused once.
fn be_used(connection: &mut DbConnection, now: Timestamp) -> Result<(), Failure> {
    let mut days = String::new();
    for day in 0..DAYS {
        let comma = if day == 0 { "" } else { ", " };
        write!(days, "{comma}({day}, '{}')", now.plus_seconds(day * DAY).day())?;
    }
    let at = sql_time(now);
    let request = id(connection, now, "number");
    Ok(connection.batch_execute(&format!(
        "INSERT INTO usage_counts WITH days (k, day) AS (VALUES {days}) \
         SELECT c.id, days.day, 'granted', 40 FROM credentials c JOIN days ON c.number % {DAYS} = days.k \
         WHERE c.expires_at > '{at}'; \
         INSERT INTO refusals (request_id, credential_id, refused_at, reason) \
         SELECT {request}, id, '{at}', 'network_disallowed' FROM credentials \
         WHERE number % 20 = 0 AND expires_at > '{at}'"
    ))?)
}

/// The numbers `from` to `upto`, as a table `n (i)`.
fn numbers(connection: &DbConnection, from: i64, upto: i64) -> String {
    match connection {
        DbConnection::Postgres(_) => format!("generate_series({from}::bigint, {upto}) AS n (i)"),
        DbConnection::Sqlite(_) => format!(
            "(WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {upto}) SELECT i FROM n) AS n"
        ),
    }
}

/// An id (UUIDv7) of the moment `now` for the row `number`.
fn id(connection: &DbConnection, now: Timestamp, number: &str) -> String {
    let millis = format!("{:012x}", now.unix_millis());
    let (high, low) = millis.split_at(8);
    let rest = match connection {
        DbConnection::Postgres(_) => format!("lpad(to_hex({number}), 12, '0')"),
        DbConnection::Sqlite(_) => format!("printf('%012x', {number})"),
    };
    format!("'{high}-{low}-7000-8000-' || {rest}")
}

/// 32 bytes for row `i`.
fn hash(connection: &DbConnection) -> &'static str {
    match connection {
        DbConnection::Postgres(_) => "convert_to(lpad(i::text, 32, '0'), 'UTF8')",
        DbConnection::Sqlite(_) => "CAST(printf('%032d', i) AS BLOB)",
    }
}

fn sql_time(time: Timestamp) -> String {
    time.naive().format("%F %T%.6f").to_string()
}
