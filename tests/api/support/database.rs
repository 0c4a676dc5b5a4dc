//! A fresh database for each test, on the engine that `PATMINT_TEST_DATABASE` names: `sqlite` (or nothing), or the URL
//! of a PostgreSQL server on which databases may be made. Used by the crate's own tests too.

use std::path::Path;

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};
use tempfile::TempDir;

/// Lives as long as the test; leaves nothing behind.
pub struct TestDatabase {
    folder: TempDir,
    server: Option<(String, String)>,
}

impl TestDatabase {
    /// Makes one, empty.
    pub fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "chooses the database of the whole run")]
        let chosen = std::env::var("PATMINT_TEST_DATABASE").unwrap_or_else(|_| "sqlite".to_owned());
        let folder = tempfile::tempdir().expect("a scratch folder");
        if chosen == "sqlite" {
            return Self { folder, server: None };
        }
        let name = format!("patmint_test_{}", folder.path().file_name().unwrap().to_string_lossy().to_lowercase());
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let name = format!("{name}_{}", std::process::id());
        execute(&chosen, &format!("CREATE DATABASE {name}"));
        Self { folder, server: Some((chosen, name)) }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        match &self.server {
            None => format!("sqlite://{}/test.db", self.folder.path().display()),
            Some((server, name)) => {
                let (place, parameters) = server.split_once('?').unwrap_or((server, ""));
                let place = place.rsplit_once('/').expect("a URL with a database").0;
                format!("{place}/{name}?{parameters}").trim_end_matches('?').to_owned()
            }
        }
    }

    /// A folder of the test's own, removed at its end. On SQLite it holds the database.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether this is PostgreSQL.
    #[allow(dead_code, reason = "not every test binary asks")]
    pub fn is_postgres(&self) -> bool {
        self.server.is_some()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.server {
            execute(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

fn execute(server: &str, statement: &str) {
    let mut connection = PgConnection::establish(server).expect("the PostgreSQL of PATMINT_TEST_DATABASE");
    connection.batch_execute(statement).expect(statement);
}
