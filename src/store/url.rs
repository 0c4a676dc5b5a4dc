use std::{fmt, str::FromStr};

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

/// Where the database is: `sqlite://PATH` or `postgres://…` (as libpq reads it). May hold a password, so it does not
/// print; [`describe`](Self::describe) tells which one is meant.
#[derive(Clone)]
pub struct DatabaseUrl(Backend);

#[derive(Clone)]
pub(super) enum Backend {
    Sqlite(String),
    Postgres(SecretString),
}

/// The text names no database that patmint can use.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a database URL is sqlite://PATH or postgres://USER@HOST/NAME")]
pub struct NotADatabaseUrl;

impl DatabaseUrl {
    pub(super) fn backend(&self) -> &Backend {
        &self.0
    }

    /// The path of an SQLite database; `None` for another one.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&str> {
        match &self.0 {
            Backend::Sqlite(path) => Some(path),
            Backend::Postgres(_) => None,
        }
    }

    /// The URL without user, password and parameters, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.0 {
            Backend::Sqlite(path) => format!("sqlite://{path}"),
            Backend::Postgres(url) => {
                let plain = url.expose_secret().split('?').next().unwrap_or_default();
                let place = plain.rsplit_once('@').map_or(plain, |(_, place)| place);
                format!("postgres://{}", place.rsplit_once("://").map_or(place, |(_, place)| place))
            }
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = NotADatabaseUrl;

    /// The scheme decides; an unknown one is an error, not a file of that name.
    fn from_str(text: &str) -> Result<Self, NotADatabaseUrl> {
        match text.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() && !path.contains('?') => {
                Ok(Self(Backend::Sqlite(path.to_owned())))
            }
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => Ok(Self(Backend::Postgres(text.into()))),
            _ => Err(NotADatabaseUrl),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_no_password() {
        let url: DatabaseUrl = "postgres://ada:hunter2@db.example:5432/patmint?sslpassword=x".parse().unwrap();
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgres://db.example:5432/patmint)");
        let socket: DatabaseUrl = "postgres:///patmint?host=/run/pg&password=hunter2".parse().unwrap();
        assert_eq!(socket.describe(), "postgres:///patmint");
        assert_eq!("sqlite://data/x.db".parse::<DatabaseUrl>().unwrap().sqlite_path(), Some("data/x.db"));
    }

    #[test]
    fn an_unknown_scheme_is_refused() {
        for bad in ["", "postgres:db", "mysql://x", "sqlite://", "data/patmint.db", "sqlite://a.db?mode=ro"] {
            assert_eq!(bad.parse::<DatabaseUrl>().unwrap_err(), NotADatabaseUrl, "{bad}");
        }
    }
}
