//! Users and their membership in an organization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    clock::Timestamp,
    credential::words,
    email::Email,
    ids::{OrganizationId, UserId},
    newer_word::NewerWord,
};
use std::{fmt, str::FromStr};

/// A person or a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// Signs in with a password.
    Person,
    /// Has credentials only.
    ServiceAccount,
    /// Only a newer patmint knows what: does not sign in here.
    #[serde(skip)]
    Unknown(NewerWord),
}
words!(UserKind { Person = "person", ServiceAccount = "service_account" } or Unknown);

/// What a member may do in an organization. Read live, in no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Only a newer patmint knows what: here it is less than a member.
    #[serde(skip)]
    Unknown(NewerWord),
    /// Own credentials.
    Member,
    /// All but owners and the organization's end.
    Admin,
    /// All of the organization.
    Owner,
}
words!(Role { Member = "member", Admin = "admin", Owner = "owner" } or Unknown);

impl Role {
    /// Whether somebody with this role may make another person a member with `role`.
    #[must_use]
    pub fn may_appoint(self, role: Self) -> bool {
        match (self, role) {
            // Into a role that is not known nobody is taken here; whether it is below an admin's, a newer patmint says.
            (Self::Owner, _) | (Self::Admin, Self::Admin | Self::Member | Self::Unknown(_)) => true,
            (Self::Admin, Self::Owner) | (Self::Member | Self::Unknown(_), _) => false,
        }
    }
}

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Groups(
    #[schemars(
        length(max = MAX_GROUPS),
        inner(length(min = 1, max = MAX_GROUP), regex(pattern = GROUP_PATTERN)),
        extend("uniqueItems" = true)
    )]
    pub Vec<String>,
);

/// The most groups of one member: they travel in each access token.
const MAX_GROUPS: usize = 50;

/// The longest name of a group, in characters.
const MAX_GROUP: usize = 64;

/// No control characters, and no space at either end.
const GROUP_PATTERN: &str = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$";

/// What groups must be.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be at most 50 different names of 1 to 64 characters, no control characters")]
pub struct NotGroups;

impl Groups {
    /// The groups with these names.
    ///
    /// # Errors
    /// [`NotGroups`].
    pub fn new(names: Vec<String>) -> Result<Self, NotGroups> {
        let is_name = |name: &String| {
            (1..=MAX_GROUP).contains(&name.chars().count()) && name.trim() == name && !name.contains(char::is_control)
        };
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let fits = names.len() <= MAX_GROUPS && sorted.len() == names.len() && names.iter().all(is_name);
        if fits { Ok(Self(names)) } else { Err(NotGroups) }
    }
}

/// Whether somebody with the groups `before` is not in all of them any more with the groups `after`.
#[must_use]
pub fn loses_any(before: Option<&Groups>, after: Option<&Groups>) -> bool {
    let names = |groups: Option<&Groups>| groups.map_or(Vec::new(), |groups| groups.0.clone());
    let after = names(after);
    names(before).iter().any(|name| !after.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Result<Groups, NotGroups> {
        Groups::new(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn groups_are_few_short_and_different() {
        let long = "\u{e9}".repeat(64);
        assert!(groups(&[]).is_ok() && groups(&["a", "A", "b c", &long]).is_ok());
        for bad in [&["", "a"][..], &["a", "a"], &[" a"], &["a\n"], &["a\u{7}b"], &[&format!("{long}x")]] {
            assert_eq!(groups(bad), Err(NotGroups), "{bad:?}");
        }
        let numbered = |count: usize| Groups::new((0..count).map(|number| number.to_string()).collect());
        assert!(numbered(50).is_ok() && numbered(51).is_err());
    }

    #[test]
    fn whoever_is_in_fewer_loses() {
        let of = |names: &[&str]| groups(names).unwrap();
        let loses = |before: &[&str], after: Option<&[&str]>| loses_any(Some(&of(before)), after.map(of).as_ref());
        assert!(loses(&["a"], None) && loses(&["a", "b"], Some(&["b"])) && loses(&["a"], Some(&["b"])));
        assert!(!loses(&[], None) && !loses(&["a"], Some(&["b", "a"])) && !loses_any(None, Some(&of(&["a"]))));
    }
}
