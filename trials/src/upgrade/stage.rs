//! Two programs on one database.

use std::{
    cell::Cell,
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::Arguments;
use crate::{
    Failure,
    faults::stage::Owner,
    server::{Server, keys_dir, serve},
};

/// Which of the two programs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    Base,
    New,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base => "base",
            Self::New => "new",
        })
    }
}

pub(super) struct Stage {
    folder: TempDir,
    base: PathBuf,
    new: PathBuf,
    url: String,
    runtime: Runtime,
    /// How many servers were started.
    started: Cell<usize>,
}

impl Stage {
    /// On PostgreSQL, or else on a new SQLite file.
    pub(super) fn new(arguments: &Arguments, postgres: Option<&str>) -> Result<Self, Failure> {
        let beside = || Ok::<_, Failure>(std::env::current_exe()?.with_file_name("patmint"));
        let new = arguments.patmint.clone().map_or_else(beside, Ok)?;
        let folder = tempfile::tempdir()?;
        let url = postgres.map_or_else(|| format!("sqlite://{}/patmint.db", folder.path().display()), str::to_owned);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            base: arguments.base.canonicalize()?,
            new: new.canonicalize()?,
            folder,
            url,
            runtime,
            started: Cell::default(),
        })
    }

    fn program(&self, version: Version) -> &Path {
        match version {
            Version::Base => &self.base,
            Version::New => &self.new,
        }
    }

    /// Makes the first owner, by the earlier program.
    pub(super) fn bootstrap(&self) -> Result<Owner, Failure> {
        let mut command = Command::new(self.program(Version::Base));
        command.args(["bootstrap", "--org", "Acme", "--email", "ada@acme.example", "--json"]);
        command.args(["--database-url", &self.url, "--keys-dir"]).arg(keys_dir(self.folder.path()));
        let output = command.current_dir(self.folder.path()).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(format!("bootstrap: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// A server of this version, once it is ready.
    pub(super) fn start(&self, version: Version) -> Result<Server, Failure> {
        let command = serve(self.program(version), self.folder.path(), &self.url);
        let log = format!("{version}-{}.log", self.started.replace(self.started.get() + 1));
        self.runtime.block_on(Server::start(command, self.folder.path(), &log))
    }
}
