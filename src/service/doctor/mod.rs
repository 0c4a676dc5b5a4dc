//! Looks at an installation, changes nothing, and says what is wrong and what to do.

mod database;
mod files;
mod finding;
mod keys;
mod replicas;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::{
    domain::clock::Clock,
    store::{DatabaseSettings, DbConnection, inspect},
};

pub use finding::{Finding, Outcome};

/// What is looked at.
pub struct Doctor<'a> {
    /// The database.
    pub database: &'a DatabaseSettings,
    /// The folder of the root key.
    pub keys_dir: &'a Path,
    /// This machine's clock.
    pub clock: &'a dyn Clock,
}

/// What a look at files and database gave.
pub struct Examined {
    /// One for each thing that was looked at.
    pub findings: Vec<Finding>,
    /// The `kid` of the key that signs now, if it can be opened.
    pub signer: Option<String>,
    /// The database, if its servers can be looked at.
    pub connection: Option<DbConnection>,
}

impl Doctor<'_> {
    /// Looks at the files, the database and the keys.
    #[must_use]
    pub fn examine(&self) -> Examined {
        let mut findings = Vec::new();
        if let Some(path) = self.database.url.sqlite_path().map(Path::new) {
            findings.extend(files::sqlite(path));
            if !path.exists() {
                return Examined { findings, signer: None, connection: None };
            }
        }
        // First: what a look sets on a session that is shared, others would find. What else is wrong is told below.
        if let Ok(false) = inspect::has_own_sessions(&self.database.url) {
            findings.push(Finding::wrong("database", inspect::SHARED_SESSIONS, inspect::OWN_SESSIONS));
            findings.extend(files::keys(self.keys_dir));
            return Examined { findings, signer: None, connection: None };
        }
        let mut connection = match inspect::connection(&self.database.url) {
            Ok(connection) => connection,
            Err(error) => {
                let message = format!("{}: {error}", self.database.url.describe());
                findings.push(Finding::wrong(
                    "database",
                    message,
                    "see that it runs, and that --database-url is right",
                ));
                findings.extend(files::keys(self.keys_dir));
                return Examined { findings, signer: None, connection: None };
            }
        };
        let (seen, is_usable) = database::look(&mut connection, self);
        findings.extend(seen);
        findings.extend(files::keys(self.keys_dir));
        if !is_usable {
            return Examined { findings, signer: None, connection: None };
        }
        let (finding, signer) = keys::look(&mut connection, self);
        findings.push(finding);
        Examined { findings, signer, connection: Some(connection) }
    }

    /// Looks at the running servers, until each has given a sign of life or should have: up to 12 s.
    pub async fn watch(&self, connection: &mut DbConnection) -> Vec<Finding> {
        replicas::watch(connection, self.clock).await
    }
}
