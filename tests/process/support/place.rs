//! A folder to run in and an empty database.

use std::{fs, path::Path};

use serde_json::Value;

use super::{database::TestDatabase, look::Look, program::Program, server::Server};

pub const EMAIL: &str = "ada@acme.example";

pub struct Place {
    database: TestDatabase,
}

/// What `bootstrap --json` said.
#[derive(Clone, Debug)]
pub struct Owner {
    pub email: String,
    pub password: String,
    pub token: String,
    pub refresh_jwt: String,
}

impl Place {
    pub fn new() -> Self {
        Self { database: TestDatabase::new() }
    }

    pub fn folder(&self) -> &Path {
        self.database.folder()
    }

    pub fn url(&self) -> String {
        self.database.url()
    }

    pub fn is_postgres(&self) -> bool {
        self.database.is_postgres()
    }

    /// `patmint …` here.
    pub fn patmint<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Program {
        Program::new(self.folder()).env("PATMINT_DATABASE_URL", &self.url()).args(args)
    }

    /// `patmint bootstrap --json`.
    pub fn bootstrap(&self) -> Owner {
        Owner::of(&self.patmint(["bootstrap", "--org", "Acme", "--email", EMAIL, "--json"]).run().good())
    }

    /// `patmint serve` on a free port.
    pub fn serve(&self) -> Server {
        Server::of(self.patmint(["serve", "--listen", "127.0.0.1:0"]).start())
    }

    /// A look at the database itself.
    pub fn look(&self) -> Look {
        Look::at(&self.url())
    }

    /// The names of the files here, below folders too.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                }
                found.push(entry.path().strip_prefix(self.folder()).unwrap().display().to_string());
            }
        }
        found.sort();
        found
    }
}

impl Owner {
    pub fn of(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        let member = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            email: member("email"),
            password: member("password"),
            token: member("token"),
            refresh_jwt: member("refresh_jwt"),
        }
    }
}
