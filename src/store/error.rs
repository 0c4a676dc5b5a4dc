use diesel::result::{DatabaseErrorKind, Error};
use thiserror::Error;

/// What can go wrong in the database. A missing row is no error but `None`.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// A unique or foreign key stands against it.
    #[error("the change conflicts with what is stored")]
    Conflict,
    /// Too much at once; try again in a moment.
    #[error("the database is busy")]
    Busy,
    /// It cannot be reached, or cannot do its work now.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// It can be reached and refuses; a defect here or damage there.
    #[error("the database refused a query: {0}")]
    Query(String),
}

impl From<Error> for StoreError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "diesel may add kinds; an unknown one is a refused query")]
    fn from(error: Error) -> Self {
        match &error {
            Error::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation => Self::Conflict,
                DatabaseErrorKind::SerializationFailure => Self::Busy,
                DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation => Self::Query(information.message().to_owned()),
                DatabaseErrorKind::Unknown if is_busy(information.message()) => Self::Busy,
                // A lost connection, a server that shuts down, is full, read-only or out of memory: nothing that diesel
                // tells apart, and the server's words are in its operator's language. All of it may pass.
                _ => Self::Unavailable(information.message().to_owned()),
            },
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::Unavailable(commit_error.to_string()),
            Error::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            _ => Self::Query(error.to_string()),
        }
    }
}

/// SQLite's words for a lock that another process holds.
fn is_busy(message: &str) -> bool {
    message.contains("database is locked") || message.contains("database table is locked")
}
