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

/// The text names no database that patmint can use. Says nothing of the text: it may hold a password.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{}", self.problem())]
pub enum NotADatabaseUrl {
    /// It does not begin as one does.
    Scheme,
    /// With a line's end at its end, as a file from Windows has it, another database would be meant.
    Invisible,
    /// A PostgreSQL URL that can be read in two ways, so that a piece of the password may be taken for a host.
    Ambiguous,
}

impl NotADatabaseUrl {
    /// What it must be.
    #[must_use]
    pub fn problem(self) -> &'static str {
        match self {
            Self::Scheme => "must be sqlite://PATH or postgres://USER@HOST/NAME",
            Self::Invisible => {
                "must not begin or end with white space, nor hold a control character (such as the carriage return at \
                 the end of a line from Windows): remove it"
            }
            Self::Ambiguous => {
                "must be postgres://USER:PASSWORD@HOST:PORT/NAME?PARAMETER=VALUE with everything else percent-encoded: \
                 in a password write %40 for @, %3A for :, %2F for /, %3F for ?, and %25 for %"
            }
        }
    }
}

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

    /// Whether there is a password in it.
    #[must_use]
    pub fn has_password(&self) -> bool {
        let Backend::Postgres(url) = &self.0 else { return false };
        let Parts { user, parameters, .. } = Parts::of(url.expose_secret());
        parameters.contains("password=") || user.contains(':')
    }

    /// The URL without user, password and parameters, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.0 {
            Backend::Sqlite(path) => format!("sqlite://{path}"),
            Backend::Postgres(url) => {
                let Parts { hosts, name, .. } = Parts::of(url.expose_secret());
                format!("postgres://{hosts}{name}")
            }
        }
    }
}

/// The pieces of a PostgreSQL URL.
struct Parts<'a> {
    /// `USER:PASSWORD`.
    user: &'a str,
    /// `HOST:PORT`, with commas between them.
    hosts: &'a str,
    /// The database, with a slash before it.
    name: &'a str,
    /// What comes after `?`.
    parameters: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = place.split_at(place.find('/').unwrap_or(place.len()));
        let (user, hosts) = authority.split_once('@').unwrap_or(("", authority));
        Self { user, hosts, name, parameters }
    }
}

/// Whether what comes after the scheme can be read in one way only. Operators forget to percent-encode their password, and
/// libpq takes what it then finds for a host, a port or a database, and puts it into its errors.
fn is_plain(rest: &str) -> bool {
    let Parts { user, hosts, name, parameters } = Parts::of(rest);
    // libpq looks for the end of the user's name up to the first slash, past a question mark.
    let has_user = rest.split('/').next().is_some_and(|start| start.contains('@'));
    let is_parameter =
        |parameter: &str| parameter.split_once('=').is_some_and(|(name, _)| name.bytes().all(is_of_name));
    has_user != user.is_empty()
        && hosts.split(',').all(is_host)
        && !name.contains('@')
        && (parameters.is_empty() || parameters.split('&').all(is_parameter))
        && rest.split('%').skip(1).all(is_encoded)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'_'
}

/// Whether this can follow a `%`.
fn is_encoded(text: &str) -> bool {
    text.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Whether this is a host, perhaps with a port: a name, an address, or an encoded path to a socket.
fn is_host(host: &str) -> bool {
    let (host, after) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or(("@", "")),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_%:".contains(&byte))
        && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port))
}

impl FromStr for DatabaseUrl {
    type Err = NotADatabaseUrl;

    /// The scheme decides; an unknown one is an error, not a file of that name.
    fn from_str(text: &str) -> Result<Self, NotADatabaseUrl> {
        if text.trim() != text || text.contains(char::is_control) {
            return Err(NotADatabaseUrl::Invisible);
        }
        match text.split_once("://") {
            // Nor one in memory: each connection would have its own.
            Some(("sqlite", path)) if !path.is_empty() && !path.contains('?') && !path.starts_with(':') => {
                Ok(Self(Backend::Sqlite(path.to_owned())))
            }
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                is_plain(rest).then(|| Self(Backend::Postgres(text.into()))).ok_or(NotADatabaseUrl::Ambiguous)
            }
            _ => Err(NotADatabaseUrl::Scheme),
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
        for (text, shown) in [
            ("postgres://ada:hunter2@db.example:5432/patmint?sslpassword=x", "postgres://db.example:5432/patmint"),
            ("postgres:///patmint?host=/run/pg&password=hunter2", "postgres:///patmint"),
            ("postgres://[::1]:5432,db:5433/patmint", "postgres://[::1]:5432,db:5433/patmint"),
            ("postgresql://ada:%40%2F%3Fhunter2@%2Frun%2Fpg/patmint", "postgres://%2Frun%2Fpg/patmint"),
            ("postgres://db?user=ada", "postgres://db"),
            ("postgres://ada@db?user=x@y", "postgres://db"),
            ("postgres://ada:hun:ter2@db", "postgres://db"),
            ("postgres://db/x?user=ada@server&password=hunter2", "postgres://db/x"),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(format!("{url:?}"), format!("DatabaseUrl({shown})"));
        }
        assert_eq!("sqlite://data/x.db".parse::<DatabaseUrl>().unwrap().sqlite_path(), Some("data/x.db"));
    }

    #[test]
    fn a_password_that_is_not_encoded_is_refused() {
        for odd in [
            "ada:hunter2",
            "ada:hunter2/patmint",
            "ada:hunter2@[::1/x",
            "ada:hun@ter2@db/x",
            "ada:hun/ter2@db/x",
            "ada:12/ter2@db/x",
            "ada:p@ss/word@db/x",
            "ada:hun?ter2@db/x",
            "ada:12?ter2@db/x",
            "ada:12?a=b@db/x",
            "ada:p@ss?word@db/x",
            "ada:hun%ter2@db/x",
            "ada:hunter2%@db/x",
            "ada:p@hunter2:x/y",
            "db/x?hunter2",
            "db?user=ada@server",
        ] {
            let url = format!("postgres://{odd}");
            assert_eq!(url.parse::<DatabaseUrl>().unwrap_err(), NotADatabaseUrl::Ambiguous, "{odd}");
        }
    }

    #[test]
    fn an_invisible_character_is_refused() {
        for odd in [
            "sqlite://data/patmint.db\r",
            "sqlite://data/patmint.db\n",
            "sqlite://data/patmint.db ",
            " sqlite://data/patmint.db",
            "sqlite://data/\u{85}patmint.db",
            "postgres://ada@db/x\r",
            "postgres://ada@db/x\0",
        ] {
            assert_eq!(odd.parse::<DatabaseUrl>().unwrap_err(), NotADatabaseUrl::Invisible, "{odd:?}");
        }
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
            assert_eq!(bad.parse::<DatabaseUrl>().unwrap_err(), NotADatabaseUrl::Scheme, "{bad}");
        }
    }
}
