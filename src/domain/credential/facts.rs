use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::Deserialize;

use super::Audiences;
use crate::domain::{
    clock::Timestamp,
    digest::SecretHash,
    ids::{CredentialId, UserId},
    newer_word::NewerWord,
    scope::Scopes,
};

/// A word that this patmint does not know.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown word")]
pub struct UnknownWord;

/// Gives an enum of plain words its text form, in one place for the database, JSON and messages. With `or $newer` a word
/// that is stored and not known is read as that variant; nothing but the database can give one.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? } $(or $newer:ident)?) => {
        impl $name {
            /// All that are known.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word that stands for the value in JSON and in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ $(Self::$newer(word) => word.as_str(),)? }
            }
        }
        $(words!(@open $name $newer);)?

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $crate::domain::credential::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word { $($word => Ok(Self::$variant),)+ _ => Err($crate::domain::credential::UnknownWord) }
            }
        }
    };
    (@open $name:ident $newer:ident) => {
        impl $name {
            /// The value that stands in the database as `word`.
            ///
            /// # Errors
            /// [`NotAWord`](crate::domain::newer_word::NotAWord) if no version of patmint writes such a word.
            pub fn stored(word: &str) -> Result<Self, $crate::domain::newer_word::NotAWord> {
                word.parse().or_else(|_| $crate::domain::newer_word::NewerWord::stored(word).map(Self::$newer))
            }

            /// Whether this patmint knows what it means.
            #[must_use]
            pub fn is_known(self) -> bool {
                !matches!(self, Self::$newer(_))
            }
        }

        // By hand: a word that is not known is written as it was read.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

/// How a credential is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// `patmint_…`: everything new.
    Opaque,
    /// A JWT, for clients that decode their token.
    Jwt,
    /// 40 hex characters, for old scripts.
    Legacy,
    /// Only a newer patmint knows how.
    #[serde(skip)]
    Unknown(NewerWord),
}
words!(CredentialKind { Opaque = "opaque", Jwt = "jwt", Legacy = "legacy" } or Unknown);

/// What an access token may do at a service, as far as no scopes restrict it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Only a newer patmint knows what: here it is less than the least.
    #[serde(skip)]
    Unknown(NewerWord),
    /// Safe methods only (RFC 9110 section 9.2.1).
    Read,
    /// Everything.
    ReadWrite,
}
words!(Permission { Read = "read", ReadWrite = "read_write" } or Unknown);

impl Permission {
    /// The `scope` value (RFC 6749 section 3.3) that says the same.
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self {
            Self::Unknown(_) => "",
            Self::Read => "read",
            Self::ReadWrite => "read write",
        }
    }
}

/// Why a credential was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// Its owner, or an admin, asked for it.
    Requested,
    /// Its holder handed it in at the revocation endpoint (RFC 7009).
    Holder,
    /// It was handed in as leaked.
    Leaked,
    /// Another one has replaced it.
    Rotated,
    /// It was not used for too long.
    Stale,
    /// Only a newer patmint knows why.
    #[serde(skip)]
    Unknown(NewerWord),
}
words!(RevocationReason {
    Requested = "requested",
    Holder = "holder",
    Leaked = "leaked",
    Rotated = "rotated",
    Stale = "stale",
} or Unknown);

/// When, by whom and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When it was revoked.
    pub at: Timestamp,
    /// The user who did it; `None` if whoever held the credential did.
    pub by: Option<UserId>,
    /// Why.
    pub reason: RevocationReason,
}

/// A credential as far as a verdict goes by it. Small: memory holds a million of them.
#[derive(Clone, Debug)]
pub struct Credential {
    /// `client_id` in its access tokens.
    pub id: CredentialId,
    /// A number for people and for old APIs; never used again.
    pub number: i64,
    /// Whom it belongs to.
    pub owner_id: UserId,
    /// How it is written.
    pub kind: CredentialKind,
    /// What it may do.
    pub permission: Permission,
    /// `None` = not restricted by scopes.
    pub scopes: Option<Scopes>,
    /// Whom its access tokens are for; `None` = the policy's default.
    pub audiences: Option<Audiences>,
    /// What a presented secret must hash to.
    pub secret_hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// The number of its creation on the list; a bulk revocation with a greater one ends it.
    pub created_seq: i64,
    /// Its own expiry; `None` = none of its own.
    pub expires_at: Option<Timestamp>,
    /// Set once, never taken back.
    pub is_revoked: bool,
    /// Its last exchange, as far as written back.
    pub last_used_at: Option<Timestamp>,
}

/// What else there is to know of a credential, for people.
#[derive(Clone, Debug)]
pub struct Description {
    /// What its owner calls it.
    pub name: String,
    /// When, by whom and why it was revoked, if by itself.
    pub revoked: Option<Revocation>,
    /// The credential that this one replaced.
    pub rotated_from: Option<CredentialId>,
    /// The credential that replaced this one, and when.
    pub rotated_to: Option<(CredentialId, Timestamp)>,
    /// The address of its last exchange.
    pub last_used_from: Option<String>,
}

impl Credential {
    /// Whether this patmint knows everything that restricts it. If not, a newer one wrote it during an upgrade, and only
    /// that one can judge it.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.kind.is_known() && self.permission.is_known() && self.scopes.as_ref().is_none_or(Scopes::is_understood)
    }
}

impl Description {
    /// That of a new credential.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self { name, revoked: None, rotated_from: None, rotated_to: None, last_used_from: None }
    }
}
