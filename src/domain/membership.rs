//! Users and their membership in an organization.

use serde::{Deserialize, Serialize};

use super::{
    clock::Timestamp,
    credential::words,
    email::Email,
    ids::{OrganizationId, UserId},
};
use std::{fmt, str::FromStr};

/// A person or a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// Signs in with a password.
    Person,
    /// Has credentials only.
    ServiceAccount,
}
words!(UserKind { Person = "person", ServiceAccount = "service_account" });

/// What a member may do in an organization. Read live, in no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Own credentials.
    Member,
    /// All but owners and the organization's end.
    Admin,
    /// All of the organization.
    Owner,
}
words!(Role { Member = "member", Admin = "admin", Owner = "owner" });

/// A user, without the password.
#[derive(Clone, Debug)]
pub struct User {
    /// `sub` in access tokens.
    pub id: UserId,
    /// A number for old APIs; never used again.
    pub number: i64,
    /// A service account has none.
    pub email: Option<Email>,
    /// The name to show; may be empty.
    pub name: String,
    /// A person or a program.
    pub kind: UserKind,
    /// Since when the user runs this installation, if so.
    pub operator_since: Option<Timestamp>,
    /// Since when the user is disabled, if so.
    pub disabled_at: Option<Timestamp>,
    /// Credentials made before this number on the list are revoked; 0 = none.
    pub revoked_seq: i64,
    /// When the user was made.
    pub created_at: Timestamp,
}

/// A user in an organization.
#[derive(Clone, Debug)]
pub struct Membership {
    /// Where.
    pub organization_id: OrganizationId,
    /// Who.
    pub user_id: UserId,
    /// As what.
    pub role: Role,
    /// Names that travel to the services (RFC 9068 section 2.2.3.1).
    pub groups: Option<Groups>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when, if it ended.
    pub ended_at: Option<Timestamp>,
    /// Credentials made before this number on the list are revoked; 0 = none.
    pub revoked_seq: i64,
}

/// The groups of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Groups(pub Vec<String>);
