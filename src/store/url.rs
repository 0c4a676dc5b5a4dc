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

    /// Whether there is a password in it, or what may be one.
    #[must_use]
    pub fn has_password(&self) -> bool {
        let Backend::Postgres(url) = &self.0 else { return false };
        let url = url.expose_secret();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        parameters.contains("password=") || place.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    }

    /// The URL without user, password and parameters, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.0 {
            Backend::Sqlite(path) => format!("sqlite://{path}"),
            Backend::Postgres(url) => format!("postgres://{}", place(url.expose_secret()).unwrap_or("...")),
        }
    }
}

/// Where the database of a PostgreSQL URL is. `None` if what stands there may be a piece of a password: operators forget
/// to percent-encode theirs, or the host behind it.
fn place(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    if parameters.contains('@') {
        return None;
    }
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let is_host = |host: &str| {
        let after_ipv6 = host.rsplit_once(']').map_or(host, |(_, after)| after);
        after_ipv6.split_once(':').is_none_or(|(_, port)| port.bytes().all(|digit| digit.is_ascii_digit()))
    };
    place.split('/').next().unwrap_or_default().split(',').all(is_host).then_some(place)
}

impl FromStr for DatabaseUrl {
    type Err = NotADatabaseUrl;

    /// The scheme decides; an unknown one is an error, not a file of that name.
    fn from_str(text: &str) -> Result<Self, NotADatabaseUrl> {
        match text.split_once("://") {
            // Nor one in memory: each connection would have its own.
            Some(("sqlite", path)) if !path.is_empty() && !path.contains('?') && !path.starts_with(':') => {
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
        let hosts: DatabaseUrl = "postgres://[::1]:5432,db:5433/patmint".parse().unwrap();
        assert_eq!(hosts.describe(), "postgres://[::1]:5432,db:5433/patmint");
        for odd in
            ["ada:hunter2", "ada:hunter2/patmint", "ada:hunter?2@db/x", "ada:hunter2@[::1/x", "db/x?password=hunter@2"]
        {
            let url: DatabaseUrl = format!("postgres://{odd}").parse().unwrap();
            assert!(!url.describe().contains("hunter"), "{odd}: {}", url.describe());
        }
        assert_eq!("sqlite://data/x.db".parse::<DatabaseUrl>().unwrap().sqlite_path(), Some("data/x.db"));
    }

    #[test]
    fn a_password_is_noticed_wherever_it_stands() {
        for (text, is_so) in [
            ("postgres://ada:hunter2@db/x", true),
            ("postgres://db/x?user=ada&password=hunter2", true),
            ("postgres://db/x?sslpassword=hunter2", true),
            ("postgres://ada@db:5432/x?sslmode=verify-full", false),
            ("postgres://db:5432/x", false),
            ("sqlite://a:b@c.db", false),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().has_password(), is_so, "{text}");
        }
    }

    #[test]
    fn an_unknown_scheme_is_refused() {
        for bad in [
            "",
            "postgres:db",
            "mysql://x",
            "sqlite://",
            "data/patmint.db",
            "sqlite://a.db?mode=ro",
            "sqlite://:memory:",
        ] {
            assert_eq!(bad.parse::<DatabaseUrl>().unwrap_err(), NotADatabaseUrl, "{bad}");
        }
    }
}
