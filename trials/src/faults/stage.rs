//! A folder, an empty database, and the program to run on them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::{Arguments, http::Caller, postgres::Postgres};
use crate::{
    Failure,
    server::{Server, keys_dir},
};

pub(super) struct Stage {
    folder: TempDir,
    program: PathBuf,
    postgres: Option<Postgres>,
    is_quick: bool,
    runtime: Runtime,
}

/// What `bootstrap --json` says of the first owner.
#[derive(Deserialize)]
pub(crate) struct Owner {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) token: String,
}

impl Stage {
    pub(super) fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let beside = || Ok::<_, Failure>(std::env::current_exe()?.with_file_name("patmint"));
        let program = arguments.patmint.clone().map_or_else(beside, Ok)?;
        let postgres = match (&arguments.postgres_url, &arguments.postgres_data, &arguments.postgres_bin) {
            (Some(url), Some(data), Some(bin)) => Some(Postgres::new(url, data, bin)),
            _ => None,
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            folder: tempfile::tempdir()?,
            program: program.canonicalize()?,
            postgres,
            is_quick: arguments.quick,
            runtime,
        })
    }

    /// How many rounds to make: `thorough`, or one if it must be quick.
    pub(super) fn rounds(&self, thorough: usize) -> usize {
        if self.is_quick { 1 } else { thorough }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn postgres(&self) -> Result<&Postgres, Failure> {
        self.postgres.as_ref().ok_or_else(|| "this needs a PostgreSQL".into())
    }

    /// The URL of an empty database.
    pub(super) fn database(&self, name: &str) -> Result<String, Failure> {
        match &self.postgres {
            Some(postgres) => postgres.database(&format!("{name}_{}", std::process::id())),
            None => Ok(format!("sqlite://{}/{name}.db", self.folder().display())),
        }
    }

    /// `patmint …` on the database `url`, with a line of `sh` before it if the process must have something special.
    pub(super) fn patmint(&self, url: &str, before: Option<&str>, arguments: &[&str]) -> Command {
        let mut command = match before {
            Some(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{line}; exec \"$0\" \"$@\"")]).arg(&self.program);
                shell
            }
            None => Command::new(&self.program),
        };
        command.args(arguments).args(["--database-url", url, "--keys-dir"]).arg(keys_dir(self.folder()));
        command.current_dir(self.folder());
        command
    }

    /// `patmint bootstrap`.
    pub(super) fn bootstrap(&self, url: &str) -> Result<Owner, Failure> {
        let arguments = ["bootstrap", "--org", "Acme", "--email", "ada@acme.example", "--json"];
        let output = self.patmint(url, None, &arguments).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(format!("bootstrap: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// `patmint serve`, once it is ready.
    pub(super) fn serve(&self, url: &str) -> Result<Server, Failure> {
        self.start(self.serving(url, None, "127.0.0.1:0"), "patmint.log")
    }

    pub(super) fn serving(&self, url: &str, before: Option<&str>, listen: &str) -> Command {
        self.patmint(url, before, &["serve", "--listen", listen])
    }

    pub(super) fn start(&self, command: Command, log: &str) -> Result<Server, Failure> {
        self.runtime.block_on(Server::start(command, self.folder(), log))
    }

    /// A database with an owner, and a server on it with a session.
    pub(super) fn set(&self, before: Option<&str>) -> Result<Scene, Failure> {
        let url = self.database("trial")?;
        let owner = self.bootstrap(&url)?;
        let server = self.start(self.serving(&url, before, "127.0.0.1:0"), "patmint.log")?;
        let caller = Caller::new(server.address);
        let session = caller.session(&owner)?;
        Ok(Scene { url, owner, server, caller, session })
    }
}

/// A server that serves.
pub(super) struct Scene {
    pub(super) url: String,
    pub(super) owner: Owner,
    pub(super) server: Server,
    pub(super) caller: Caller,
    pub(super) session: String,
}
