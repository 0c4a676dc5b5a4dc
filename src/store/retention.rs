//! Removes rows that were kept long enough, a few at a time. Several servers may do so at once: on PostgreSQL each leaves
//! to the others the rows that they are at.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text, Timestamp as SqlTimestamp},
};

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::{credentials, refusals, usage_addresses, usage_counts},
};
use crate::domain::{clock::Timestamp, ids::CredentialId};

/// A kind of row that is removed by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aged {
    /// How often a credential was used on a day.
    UsageCounts,
    /// Requests in which a credential was refused.
    Refusals,
    /// The audit trail.
    Audit,
    /// Invitations that were accepted, withdrawn, or expired.
    Invitations,
    /// Credentials that were revoked or expired, with all that is kept of their use.
    Credentials,
}

impl Aged {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::UsageCounts, Self::Refusals, Self::Audit, Self::Invitations, Self::Credentials];

    /// The table.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Self::UsageCounts => "usage_counts",
            Self::Refusals => "refusals",
            Self::Audit => "audit",
            Self::Invitations => "invitations",
            Self::Credentials => "credentials",
        }
    }
}

/// Removes up to `limit` rows of a kind that are older than `before`, in a transaction; says how many.
///
/// # Errors
/// [`StoreError`].
pub fn remove(connection: &mut DbConnection, what: Aged, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
    // Each condition is one that an index has been made for.
    let age = match what {
        Aged::UsageCounts => "day",
        Aged::Refusals => "refused_at",
        Aged::Audit => "created_at",
        Aged::Invitations => "COALESCE(withdrawn_at, accepted_at, expires_at)",
        Aged::Credentials => return remove_credentials(connection, before, limit),
    };
    let statement = delete_statement(connection, what.table(), age);
    let deletion = sql_query(statement);
    run(match what {
        // The day of the cutoff is kept as a whole.
        Aged::UsageCounts => deletion.bind::<Text, _>(before.day()).bind::<BigInt, _>(limit).execute(connection),
        Aged::Refusals | Aged::Audit | Aged::Invitations | Aged::Credentials => {
            deletion.bind::<SqlTimestamp, _>(before).bind::<BigInt, _>(limit).execute(connection)
        }
    })
}

fn delete_statement(connection: &DbConnection, table: &str, age: &str) -> String {
    match connection {
        DbConnection::Postgres(_) => format!(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM {table} WHERE {age} < $1 \
             ORDER BY {age} LIMIT $2 FOR UPDATE SKIP LOCKED))"
        ),
        DbConnection::Sqlite(_) => format!(
            "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {age} < $1 ORDER BY {age} LIMIT $2)"
        ),
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: CredentialId,
}

/// Which of them: revoked, or else expired by themselves. Whether a policy ends them sooner does not count, since another
/// policy brings them back.
const ENDS: [(&str, &str); 2] =
    [("revoked_at IS NOT NULL", "revoked_at"), ("revoked_at IS NULL AND expires_at IS NOT NULL", "expires_at")];

fn remove_credentials(connection: &mut DbConnection, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
    let mut removed = 0;
    for (is_so, age) in ENDS {
        let lock = match connection {
            // Whoever edits one of them waits, and then finds it gone.
            DbConnection::Postgres(_) => " FOR UPDATE SKIP LOCKED",
            DbConnection::Sqlite(_) => "",
        };
        let room = limit - removed;
        let query = format!("SELECT id FROM credentials WHERE {is_so} AND {age} < $1 ORDER BY {age} LIMIT $2{lock}");
        let found = sql_query(query).bind::<SqlTimestamp, _>(before).bind::<BigInt, _>(room).load::<Found>(connection);
        let ids: Vec<_> = run(found)?.into_iter().map(|found| found.id).collect();
        remove_these(connection, &ids)?;
        removed += i64::try_from(ids.len()).unwrap_or(i64::MAX);
    }
    Ok(usize::try_from(removed).unwrap_or_default())
}

/// Removes credentials with all that is kept of their use. What replaced one of them says no longer what it came from.
///
/// # Errors
/// [`StoreError`].
pub fn remove_these(connection: &mut DbConnection, ids: &[CredentialId]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let successors = credentials::table.filter(credentials::rotated_from.eq_any(ids.iter().map(|id| Some(*id))));
    let none: Option<CredentialId> = None;
    run(diesel::update(successors).set(credentials::rotated_from.eq(none)).execute(connection))?;
    run(diesel::delete(usage_counts::table.filter(usage_counts::credential_id.eq_any(ids))).execute(connection))?;
    run(diesel::delete(refusals::table.filter(refusals::credential_id.eq_any(ids))).execute(connection))?;
    let addresses = usage_addresses::table.filter(usage_addresses::credential_id.eq_any(ids));
    run(diesel::delete(addresses).execute(connection))?;
    run(diesel::delete(credentials::table.filter(credentials::id.eq_any(ids))).execute(connection)).map(|_| ())
}
