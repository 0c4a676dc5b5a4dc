//! A PostgreSQL of a trial's own, and a standby that streams from it.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::geteuid;
use tempfile::TempDir;

use super::{
    asked::pass,
    ensure,
    postgres::{Postgres, as_postgres, succeed},
    running::free,
};
use crate::Failure;

/// How long a standby may take until it streams.
const STREAMS: Duration = Duration::from_secs(30);

/// How soon a promoted standby must be the primary, in seconds.
const PROMOTED: u32 = 30;

/// The standby's name, for `synchronous_standby_names`.
const STANDBY: &str = "standby";

/// One PostgreSQL; stopped when dropped.
pub(super) struct Node {
    pub(super) postgres: Postgres,
    pub(super) address: SocketAddr,
    data: PathBuf,
}

/// A primary with a hot standby.
pub(super) struct Pair {
    pub(super) primary: Node,
    pub(super) standby: Node,
    _folder: TempDir,
}

impl Pair {
    /// Makes both. `through`: by which address the standby reaches the primary, if not by its own.
    ///
    /// # Errors
    /// If one does not come up.
    pub(super) fn start(
        bin: &Path,
        is_synchronous: bool,
        through: impl FnOnce(SocketAddr) -> Result<SocketAddr, Failure>,
    ) -> Result<Self, Failure> {
        let folder = scratch()?;
        let primary = Node::primary(folder.path(), bin)?;
        let standby = Node::standby(folder.path(), bin, &primary, through(primary.address)?)?;
        if is_synchronous {
            // Only now: without a standby no commit would end.
            primary.configure(&format!("synchronous_standby_names = '{STANDBY}'"))?;
            primary.postgres.query("SELECT pg_reload_conf()")?;
        }
        let wanted = if is_synchronous { "sync" } else { "async" };
        let began = Instant::now();
        let streams = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'";
        while primary.postgres.query(streams)? != wanted {
            ensure(began.elapsed() < STREAMS, || format!("the standby does not stream after {STREAMS:?}"))?;
            pass(Duration::from_millis(50));
        }
        Ok(Self { primary, standby, _folder: folder })
    }

    /// Makes the standby the primary, and returns when it is.
    pub(super) fn promote(&self) -> Result<(), Failure> {
        let promoted = self.standby.postgres.query(&format!("SELECT pg_promote(true, {PROMOTED})"))?;
        ensure(promoted == "t", || format!("the standby is no primary after {PROMOTED} s"))
    }
}

impl Node {
    fn primary(folder: &Path, bin: &Path) -> Result<Self, Failure> {
        let node = Self::new(folder, bin, "primary")?;
        let mut initdb = as_postgres(&bin.join("initdb"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
        succeed(initdb.arg(&node.data))?;
        node.configure("wal_level = replica\nmax_connections = 100")?;
        node.listen()?;
        Ok(node)
    }

    fn standby(folder: &Path, bin: &Path, primary: &Self, through: SocketAddr) -> Result<Self, Failure> {
        let node = Self::new(folder, bin, STANDBY)?;
        let mut backup = as_postgres(&bin.join("pg_basebackup"));
        backup.args(["--host=127.0.0.1", &format!("--port={}", primary.address.port()), "--username=postgres"]);
        succeed(backup.args(["--checkpoint=fast", "--no-sync", "--pgdata"]).arg(&node.data))?;
        fs::write(node.data.join("standby.signal"), "")?;
        // What it copied of the primary would have it wait for itself once it is the primary.
        node.configure(&format!(
            "primary_conninfo = 'host=127.0.0.1 port={} user=postgres application_name={STANDBY}'\n\
             synchronous_standby_names = ''\nhot_standby = on",
            through.port(),
        ))?;
        node.listen()?;
        Ok(node)
    }

    fn new(folder: &Path, bin: &Path, name: &str) -> Result<Self, Failure> {
        let address = free()?;
        // Its log is beside its data, so each has a folder of its own.
        let data = folder.join(name).join("data");
        let postgres = Postgres::new(&format!("postgres://postgres@{address}/postgres"), &data, bin);
        Ok(Self { postgres, address, data })
    }

    fn listen(&self) -> Result<(), Failure> {
        self.configure(&format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''",
            self.address.port()
        ))?;
        self.postgres.start()
    }

    /// Adds lines to its configuration; the last of a setting wins.
    fn configure(&self, lines: &str) -> Result<(), Failure> {
        let mut file = OpenOptions::new().append(true).open(self.data.join("postgresql.conf"))?;
        Ok(writeln!(file, "{lines}")?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be stopped already.
        if self.data.join("postmaster.pid").exists() {
            let _ = self.postgres.stop();
        }
    }
}

/// A scratch folder of the user who runs PostgreSQL.
pub(super) fn scratch() -> Result<TempDir, Failure> {
    let folder = tempfile::tempdir()?;
    if geteuid().is_root() {
        succeed(std::process::Command::new("chown").arg("postgres").arg(folder.path()))?;
    }
    Ok(folder)
}
