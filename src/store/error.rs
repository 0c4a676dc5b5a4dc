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
    /// It cannot be reached.
    #[error("the database cannot be reached: {0}")]
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
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                    Self::Unavailable(information.message().to_owned())
                }
                _ => Self::from_message(information.message()),
            },
            Error::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            _ => Self::Query(error.to_string()),
        }
    }
}

impl StoreError {
    /// For kinds that diesel does not tell apart. The texts are those of SQLite, libpq and the PostgreSQL server.
    fn from_message(message: &str) -> Self {
        let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
        if has(&["database is locked", "database table is locked", "due to lock timeout", "due to statement timeout"]) {
            Self::Busy
        } else if has(&[
            "server closed the connection",
            "connection to server",
            "could not receive data from server",
            "no connection to the server",
            "terminating connection",
            "the database system is",
            "disk I/O error",
            "database or disk is full",
            "unable to open database file",
            "too many clients",
        ]) {
            Self::Unavailable(message.to_owned())
        } else {
            Self::Query(message.to_owned())
        }
    }
}
