//! How the domain's types lie in columns, on both databases and on the connection over both.

use std::io::Write as _;

use chrono::NaiveDateTime;
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::Pg,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Binary, Text, Timestamp as SqlTimestamp},
    sqlite::Sqlite,
};

use super::connection::MultiBackend;
use crate::domain::{
    clock::Timestamp,
    credential::{Audiences, CredentialKind, Permission, RevocationReason},
    digest::SecretHash,
    email::Email,
    ids::{AuditId, CredentialId, InvitationId, OrganizationId, ReplicaId, RequestId, SessionId, UserId},
    means::Means,
    membership::{Groups, Role, UserKind},
    policy::Policy,
    scope::Scopes,
    verdict::Refusal,
};

use super::keys::KeyPurpose;

/// A type kept as the text that `$write` makes and `$read` takes.
macro_rules! text_column {
    ($type:ty, $proxy:ident, $write:expr, $read:expr) => {
        #[derive(FromSqlRow, AsExpression)]
        #[diesel(foreign_derive)]
        #[diesel(sql_type = Text)]
        #[expect(dead_code, reason = "carries the derives to a type of the domain")]
        struct $proxy($type);

        impl ToSql<Text, Pg> for $type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                let write: fn(&$type) -> serde_json::Result<String> = $write;
                out.write_all(write(self)?.as_bytes())?;
                Ok(IsNull::No)
            }
        }

        impl ToSql<Text, Sqlite> for $type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                let write: fn(&$type) -> serde_json::Result<String> = $write;
                out.set_value(write(self)?);
                Ok(IsNull::No)
            }
        }

        impl ToSql<Text, MultiBackend> for $type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
                out.set_value((Text, self));
                Ok(IsNull::No)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $type
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                let text = <String as FromSql<Text, DB>>::from_sql(value)?;
                let read: fn(&str) -> deserialize::Result<Self> = $read;
                read(&text)
            }
        }
    };
}

/// Types with a text form of their own.
macro_rules! word_columns {
    ($($type:ty, $proxy:ident;)+) => {
        $(text_column!($type, $proxy, |value| Ok(value.to_string()), |text| Ok(text.parse()?));)+
    };
}

/// Words, of which a newer patmint may have stored some that this one does not know.
macro_rules! open_word_columns {
    ($($type:ty, $proxy:ident;)+) => {
        $(text_column!($type, $proxy, |value| Ok(value.to_string()), |text| Ok(<$type>::stored(text)?));)+
    };
}

/// Structured values: JSON that no query looks into.
macro_rules! json_columns {
    ($($type:ty, $proxy:ident;)+) => {
        $(text_column!($type, $proxy, |value| serde_json::to_string(value), |text| Ok(serde_json::from_str(text)?));)+
    };
}

word_columns! {
    AuditId, AuditIdColumn;
    CredentialId, CredentialIdColumn;
    InvitationId, InvitationIdColumn;
    OrganizationId, OrganizationIdColumn;
    ReplicaId, ReplicaIdColumn;
    RequestId, RequestIdColumn;
    SessionId, SessionIdColumn;
    UserId, UserIdColumn;
}

open_word_columns! {
    CredentialKind, CredentialKindColumn;
    KeyPurpose, KeyPurposeColumn;
    Means, MeansColumn;
    Permission, PermissionColumn;
    Refusal, RefusalColumn;
    RevocationReason, RevocationReasonColumn;
    Role, RoleColumn;
    UserKind, UserKindColumn;
}

text_column!(Email, EmailColumn, |value| Ok(value.to_string()), |text| Ok(Email::stored(text.to_owned())));

json_columns! {
    Policy, PolicyColumn;
    Scopes, ScopesColumn;
    Groups, GroupsColumn;
    Audiences, AudiencesColumn;
}

#[derive(FromSqlRow, AsExpression)]
#[diesel(foreign_derive)]
#[diesel(sql_type = SqlTimestamp)]
#[expect(dead_code, reason = "carries the derives to a type of the domain")]
struct TimestampColumn(Timestamp);

impl ToSql<SqlTimestamp, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<SqlTimestamp, Pg>::to_sql(&self.naive(), &mut out.reborrow())
    }
}

impl ToSql<SqlTimestamp, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        // Always six digits, so that the text sorts as the time does.
        out.set_value(self.naive().format("%F %T%.6f").to_string());
        Ok(IsNull::No)
    }
}

impl ToSql<SqlTimestamp, MultiBackend> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((SqlTimestamp, self));
        Ok(IsNull::No)
    }
}

impl<DB: Backend> FromSql<SqlTimestamp, DB> for Timestamp
where
    NaiveDateTime: FromSql<SqlTimestamp, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        <NaiveDateTime as FromSql<SqlTimestamp, DB>>::from_sql(value).map(Self::from_naive)
    }
}

#[derive(FromSqlRow, AsExpression)]
#[diesel(foreign_derive)]
#[diesel(sql_type = Binary)]
#[expect(dead_code, reason = "carries the derives to a type of the domain")]
struct SecretHashColumn(SecretHash);

impl<DB: Backend> ToSql<Binary, DB> for SecretHash
where
    [u8]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.as_bytes().as_slice().to_sql(out)
    }
}

impl<DB: Backend> FromSql<Binary, DB> for SecretHash
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, DB>>::from_sql(value)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| "a hash has 32 bytes")?;
        Ok(Self::from_bytes(bytes))
    }
}
