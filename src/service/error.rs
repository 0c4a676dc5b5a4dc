use std::time::Duration;

use thiserror::Error;

use super::{keys::KeyRingError, passwords::PasswordsError};
use crate::store::StoreError;

/// Why a management call did nothing.
#[derive(Debug, Error)]
pub enum ManageError {
    /// Nobody, or nobody any more.
    #[error("authentication required")]
    Unauthenticated,
    /// Somebody who may not.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Not there, or not the caller's to know.
    #[error("not found")]
    NotFound,
    /// A member of the request is wrong. Names the member, never its value.
    #[error("{field}: {problem}")]
    Invalid {
        /// The member.
        field: &'static str,
        /// What it must be.
        problem: String,
    },
    /// The user has as many credentials as the policy allows.
    #[error("the user has as many tokens as the policy allows")]
    LimitReached,
    /// What there is stands against it; the code tells programs what.
    #[error("{why}")]
    Conflict {
        /// Stable.
        code: &'static str,
        /// For people.
        why: &'static str,
    },
    /// The credential is revoked, and that is never taken back.
    #[error("the token is revoked")]
    Revoked,
    /// The credential was replaced, and that is done once.
    #[error("the token was rotated")]
    Rotated,
    /// An earlier request with the same idempotency key asked for something else.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// A change without `If-Match`.
    #[error("a version is required")]
    PreconditionRequired,
    /// It has changed since it was read.
    #[error("the version has changed")]
    PreconditionFailed,
    /// Too many at once.
    #[error("too many at once")]
    Busy,
    /// Too many wrong passwords; the next may come after so long.
    #[error("too many wrong passwords")]
    Slowed(Duration),
    /// A defect.
    #[error("{0}")]
    Defect(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyRingError> for ManageError {
    fn from(error: KeyRingError) -> Self {
        error.into_store().map_or_else(|other| Self::Defect(other.to_string()), Self::Store)
    }
}

impl From<PasswordsError> for ManageError {
    fn from(error: PasswordsError) -> Self {
        match error {
            PasswordsError::Busy => Self::Busy,
            PasswordsError::Hash(error) => Self::Defect(error),
        }
    }
}

/// Something that stands against it.
pub(crate) fn conflict(code: &'static str, why: &'static str) -> ManageError {
    ManageError::Conflict { code, why }
}

/// An error about one member of the request.
pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> ManageError {
    ManageError::Invalid { field, problem: problem.into() }
}
