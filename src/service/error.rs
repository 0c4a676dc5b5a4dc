use thiserror::Error;

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
        problem: &'static str,
    },
    /// The user has as many credentials as the policy allows.
    #[error("the user has as many tokens as the policy allows")]
    LimitReached,
    /// A change without `If-Match`.
    #[error("a version is required")]
    PreconditionRequired,
    /// It has changed since it was read.
    #[error("the version has changed")]
    PreconditionFailed,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An error about one member of the request.
pub(crate) fn invalid(field: &'static str, problem: &'static str) -> ManageError {
    ManageError::Invalid { field, problem }
}
