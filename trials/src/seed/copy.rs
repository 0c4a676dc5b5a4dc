//! Millions of rows into PostgreSQL: by COPY, past the foreign keys, and with the indexes made anew at the end.

use std::{fmt::Write as _, sync::mpsc, thread};

use diesel::{
    ExecuteCopyFromDsl as _, PgConnection, RunQueryDsl as _, connection::SimpleConnection as _, sql_query,
    sql_types::Text,
};
use patmint::{
    domain::{
        clock::{Clock as _, SystemClock, Timestamp},
        credential::{CredentialKind, Permission},
        ids::{CredentialId, UserId},
        membership::{Role, UserKind},
    },
    store::StoreError,
};
use secrecy::ExposeSecret as _;

use super::Maker;

/// How many rows one piece has.
const PIECE: usize = 10_000;

/// How many pieces wait for PostgreSQL.
const WAITING: usize = 4;

// The columns that are written here; all others have a default.
diesel::table! {
    users (id) {
        id -> Text,
        number -> BigInt,
        name -> Text,
        kind -> Text,
        revoked_seq -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    memberships (organization_id, user_id) {
        organization_id -> Text,
        user_id -> Text,
        role -> Text,
        created_at -> Timestamp,
        revoked_seq -> BigInt,
    }
}

diesel::table! {
    credentials (id) {
        id -> Text,
        number -> BigInt,
        organization_id -> Text,
        owner_id -> Text,
        name -> Text,
        kind -> Text,
        permission -> Text,
        secret_hash -> Binary,
        created_at -> Timestamp,
        created_seq -> BigInt,
        created_by -> Nullable<Text>,
    }
}

/// What brings an index back.
#[derive(diesel::QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    dropping: String,
    #[diesel(sql_type = Text)]
    making: String,
}

/// The indexes of `credentials` but for its primary key.
const INDEXES: &str = "
    SELECT 'ALTER TABLE credentials DROP CONSTRAINT ' || quote_ident(conname) AS dropping,
           'ALTER TABLE credentials ADD CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid) AS making
    FROM pg_constraint WHERE conrelid = 'credentials'::regclass AND contype = 'u'
    UNION ALL
    SELECT 'DROP INDEX ' || indexrelid::regclass, pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid = 'credentials'::regclass AND NOT indisprimary
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype = 'u')";

/// The numbers of the users and of the credentials to make, and the change that they belong to.
pub(super) struct Block {
    pub(super) seq: i64,
    pub(super) kind: CredentialKind,
    pub(super) first_person: i64,
    pub(super) first_number: i64,
    pub(super) size: usize,
}

impl Maker {
    /// Makes all credentials of a block with their owners, and says their texts. The role must be a superuser: what has
    /// been made by the rules need not be checked by foreign keys.
    pub(super) fn copy(&self, connection: &mut PgConnection, block: &Block) -> Result<Vec<String>, StoreError> {
        connection.batch_execute(
            "SET LOCAL session_replication_role = replica; SET LOCAL maintenance_work_mem = '1GB'; \
             SET LOCAL max_parallel_maintenance_workers = 2",
        )?;
        let indexes: Vec<Index> = sql_query(INDEXES).load(connection)?;
        for Index { dropping, .. } in &indexes {
            connection.batch_execute(dropping)?;
        }
        let now = SystemClock.now();
        let owners = self.copy_owners(connection, block, now)?;
        let texts = self.copy_credentials(connection, block, (&owners, now))?;
        for Index { making, .. } in &indexes {
            connection.batch_execute(making)?;
        }
        Ok(texts)
    }

    fn copy_owners(
        &self,
        connection: &mut PgConnection,
        block: &Block,
        now: Timestamp,
    ) -> Result<Vec<UserId>, StoreError> {
        let count = block.size.div_ceil(self.per_user);
        let owners: Vec<_> = (0..count).map(|_| UserId::generate(now, &self.random)).collect();
        let (at, kind, role) = (now.naive(), UserKind::ServiceAccount, Role::Member);
        let (mut users, mut members) = (String::new(), String::new());
        for (id, number) in owners.iter().zip(block.first_person..) {
            // Writing to memory cannot fail.
            let _ = writeln!(users, "{id}\t{number}\tTrial {number}\t{kind}\t0\t{at}");
            let _ = writeln!(members, "{}\t{id}\t{role}\t{at}\t0", self.organization_id);
        }
        diesel::copy_from(users::table)
            .from_raw_data(users::all_columns, |copy| written(copy, users.as_bytes()))
            .execute(connection)?;
        diesel::copy_from(memberships::table)
            .from_raw_data(memberships::all_columns, |copy| written(copy, members.as_bytes()))
            .execute(connection)?;
        Ok(owners)
    }

    /// One thread makes pieces while PostgreSQL takes in those before.
    fn copy_credentials(
        &self,
        connection: &mut PgConnection,
        block: &Block,
        (owners, now): (&[UserId], Timestamp),
    ) -> Result<Vec<String>, StoreError> {
        let (give, take) = mpsc::sync_channel::<String>(WAITING);
        thread::scope(|scope| {
            let maker = scope.spawn(move || {
                let mut texts = Vec::with_capacity(block.size);
                while texts.len() < block.size {
                    let piece = self.piece(block, (owners, now), &mut texts);
                    if give.send(piece).is_err() {
                        break;
                    }
                }
                texts
            });
            let copied = diesel::copy_from(credentials::table)
                .from_raw_data(credentials::all_columns, |copy| {
                    take.iter().try_for_each(|piece| written(copy, piece.as_bytes()))
                })
                .execute(connection);
            // The maker ends when nobody takes its pieces any more.
            drop(take);
            let texts = maker.join().map_err(|_| StoreError::Query("the maker panicked".to_owned()))?;
            copied?;
            Ok(texts)
        })
    }

    /// The next rows, as many as a piece has or as are left.
    fn piece(&self, block: &Block, (owners, now): (&[UserId], Timestamp), texts: &mut Vec<String>) -> String {
        let mut rows = String::with_capacity(PIECE * 320);
        let (at, permission) = (now.naive(), Permission::ReadWrite);
        let Block { seq, kind, .. } = block;
        let places = texts.len()..block.size.min(texts.len() + PIECE);
        for (place, number) in places.clone().zip(block.first_number + wide(places.start)..) {
            let Some(&owner) = owners.get(place / self.per_user) else { break };
            let id = CredentialId::generate(now, &self.random);
            let issued = self.format.issue(*kind, id, owner, (now, None), &self.random);
            let organization = self.organization_id;
            let _ =
                write!(rows, "{id}\t{number}\t{organization}\t{owner}\ttrial {number}\t{kind}\t{permission}\t\\\\x");
            for byte in issued.hash.as_bytes() {
                let _ = write!(rows, "{byte:02x}");
            }
            let _ = writeln!(rows, "\t{at}\t{seq}\t{owner}");
            texts.push(issued.text.expose_secret().to_owned());
        }
        rows
    }
}

fn wide(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn written(copy: &mut dyn std::io::Write, rows: &[u8]) -> Result<(), diesel::result::Error> {
    copy.write_all(rows).map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))
}
