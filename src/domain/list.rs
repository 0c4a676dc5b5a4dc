//! The list: one ordered list of everything that can change a verdict.

use super::{
    clock::Timestamp,
    ids::{CredentialId, OrganizationId, UserId},
};

/// How long an entry is kept, in seconds; longer than any access token lives.
pub const ENTRY_LIFETIME: i64 = 2 * 3600;

/// Whom an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One credential.
    Credential(CredentialId),
    /// A user in one organization.
    Member(OrganizationId, UserId),
    /// A user everywhere.
    User(UserId),
    /// A whole organization.
    Organization(OrganizationId),
    /// Something that this patmint does not know: it may be about anybody.
    Unknown,
}

impl Target {
    /// Whether the entry is about this credential of this owner in this organization.
    #[must_use]
    pub fn matches(&self, credential: CredentialId, organization: OrganizationId, owner: UserId) -> bool {
        match *self {
            Self::Credential(id) => id == credential,
            Self::Member(organization_id, user) => organization_id == organization && user == owner,
            Self::User(user) => user == owner,
            Self::Organization(id) => id == organization,
            Self::Unknown => true,
        }
    }
}

/// One entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number; no other entry ever has it.
    pub seq: i64,
    /// Whom it is about.
    pub target: Target,
    /// Whether it also ends access tokens that are already out.
    pub revokes: bool,
    /// When it was written.
    pub created_at: Timestamp,
}

impl Entry {
    /// When every access token is dead that it could revoke.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus_seconds(ENTRY_LIFETIME)
    }
}

/// The counter row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last number given out.
    pub seq: i64,
    /// Entries up to here may be gone.
    pub pruned_to: i64,
    /// The number of the last change of the keys.
    pub keys_seq: i64,
}
