//! Three PostgreSQL under Patroni, its etcd, and HAProxy before them; all with the files that `docs/postgresql.md` shows.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Signal, geteuid};
use serde::Deserialize;
use tempfile::TempDir;

use super::{
    asked::pass,
    ensure,
    forwarder::Forwarder,
    http::Caller,
    nodes::scratch,
    postgres::{Postgres, as_postgres, succeed},
    running::{Running, free},
};
use crate::Failure;

const PATRONI: &str = include_str!("../../patroni/patroni.yml");
const HAPROXY: &str = include_str!("../../patroni/haproxy.cfg");

/// The superuser's password, in the environment of each node.
const PASSWORD: &str = "trial";

/// How long the cluster may take until it is whole, or has another primary.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// In the order of HAProxy's file.
const NAMES: [&str; 3] = ["one", "two", "three"];

/// One PostgreSQL with its Patroni.
pub(super) struct Member {
    pub(super) name: &'static str,
    /// Its way to etcd.
    pub(super) etcd: Forwarder,
    patroni: Option<Running>,
    postgres: Postgres,
    address: SocketAddr,
    rest: SocketAddr,
    data: PathBuf,
}

/// All of it; ended when dropped, in this order.
pub(super) struct Cluster {
    haproxy: Option<Running>,
    pub(super) members: Vec<Member>,
    front: SocketAddr,
    etcd_address: SocketAddr,
    _etcd: Running,
    folder: TempDir,
}

/// What Patroni says of a member at `/cluster`.
#[derive(Deserialize)]
struct View {
    name: String,
    role: String,
    state: String,
    /// Absent on the leader; a text while it is unknown.
    #[serde(default)]
    lag: serde_json::Value,
}

#[derive(Deserialize)]
struct Views {
    members: Vec<View>,
}

impl Cluster {
    /// Starts all of it, and returns when there is a primary, a synchronous standby and another one.
    ///
    /// # Errors
    /// If it does not come up.
    pub(super) fn start(bin: &Path) -> Result<Self, Failure> {
        let folder = scratch()?;
        fs::write(folder.path().join("patroni.yml"), PATRONI)?;
        fs::write(folder.path().join("haproxy.cfg"), HAPROXY)?;
        let etcd_address = free()?;
        let etcd = etcd(folder.path(), etcd_address)?;
        let mut cluster =
            Self { haproxy: None, members: Vec::new(), front: free()?, etcd_address, _etcd: etcd, folder };
        for name in NAMES {
            let member = Member::start(name, cluster.folder.path(), bin, etcd_address)?;
            cluster.members.push(member);
        }
        cluster.haproxy = Some(cluster.haproxy()?);
        cluster.wait("is not whole", Cluster::is_whole)?;
        Ok(cluster)
    }

    /// The URL that names all members.
    pub(super) fn url(&self, database: &str) -> String {
        let hosts: Vec<_> = self.members.iter().map(|member| member.address.to_string()).collect();
        format!("postgres://postgres:{PASSWORD}@{}/{database}", hosts.join(","))
    }

    /// The URL that leads through HAProxy.
    pub(super) fn front_url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@{}/{database}", self.front)
    }

    /// The member that is the primary.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn primary(&self) -> Result<&Member, Failure> {
        self.members.iter().find(|member| member.is_primary()).ok_or_else(|| "there is no primary".into())
    }

    /// Makes an empty database, and returns when each member has it: a client asks no other host once one has said that
    /// there is none.
    ///
    /// # Errors
    /// If there is no primary, or it has one.
    pub(super) fn database(&self, name: &str) -> Result<(), Failure> {
        self.primary()?.postgres.query(&format!("CREATE DATABASE {name}"))?;
        let is_there = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
        let has = |member: &Member| member.postgres.query(&is_there).is_ok_and(|count| count == "1");
        self.wait("has the database on the primary only", |cluster| cluster.members.iter().all(has))
    }

    /// Waits until another member than `old` is the primary.
    ///
    /// # Errors
    /// If none is in time.
    pub(super) fn another_primary(&self, old: &str) -> Result<(), Failure> {
        let is_another = |member: &Member| member.name != old && member.is_primary();
        self.wait("has no other primary", |cluster| cluster.members.iter().any(is_another))
    }

    /// Has Patroni make another member the primary.
    ///
    /// # Errors
    /// If it will not.
    pub(super) fn switch_over(&self) -> Result<(), Failure> {
        let mut patronictl = as_postgres(Path::new("patronictl"));
        patronictl.arg("-c").arg(self.folder.path().join("patroni.yml"));
        patronictl.args(["switchover", "--force", "--master", self.primary()?.name, "patmint"]);
        patronictl.env("PATRONI_ETCD3_HOSTS", self.etcd_address.to_string());
        succeed(&mut patronictl)
    }

    fn is_whole(&self) -> bool {
        let Some(primary) = self.members.iter().find(|member| member.is_primary()) else { return false };
        let views = primary.ask("/cluster").and_then(|body| Ok(serde_json::from_slice::<Views>(&body)?));
        let Ok(Views { members }) = views else { return false };
        let is = |role: &str| members.iter().any(|view| view.role == role);
        let runs = |view: &View| view.state == "running" && (view.name == primary.name || view.lag.as_u64() == Some(0));
        members.len() == NAMES.len() && is("sync_standby") && members.iter().all(runs)
    }

    fn wait(&self, otherwise: &str, is_so: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let began = Instant::now();
        while !is_so(self) {
            ensure(began.elapsed() < PATIENCE, || format!("the cluster {otherwise} after {PATIENCE:?}"))?;
            pass(LOOK);
        }
        Ok(())
    }

    fn haproxy(&self) -> Result<Running, Failure> {
        let mut haproxy = Command::new("haproxy");
        haproxy.arg("-db").arg("-f").arg(self.folder.path().join("haproxy.cfg"));
        haproxy.env("LISTEN", self.front.to_string());
        for member in &self.members {
            let name = member.name.to_uppercase();
            haproxy.env(format!("POSTGRES_{name}"), member.address.to_string());
            haproxy.env(format!("PATRONI_{name}"), member.rest.port().to_string());
        }
        Running::start(&mut logged(haproxy, self.folder.path(), "haproxy")?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in &mut self.members {
            // Patroni first, which would start its PostgreSQL again.
            member.patroni = None;
            if member.data.join("postmaster.pid").exists() {
                let _ = member.postgres.kill();
            }
        }
    }
}

impl Member {
    fn start(name: &'static str, folder: &Path, bin: &Path, etcd: SocketAddr) -> Result<Self, Failure> {
        let (address, rest, etcd) = (free()?, free()?, Forwarder::to(etcd)?);
        let data = folder.join(name);
        let mut patroni = kept_as_postgres("patroni");
        patroni.arg(folder.join("patroni.yml"));
        for (setting, value) in [
            ("NAME", name.to_owned()),
            ("RESTAPI_LISTEN", rest.to_string()),
            ("RESTAPI_CONNECT_ADDRESS", rest.to_string()),
            ("POSTGRESQL_LISTEN", address.to_string()),
            ("POSTGRESQL_CONNECT_ADDRESS", address.to_string()),
            ("POSTGRESQL_DATA_DIR", data.display().to_string()),
            ("POSTGRESQL_PGPASS", folder.join(format!("{name}.pgpass")).display().to_string()),
            ("POSTGRESQL_BIN_DIR", bin.display().to_string()),
            ("ETCD3_HOSTS", etcd.address.to_string()),
            // It would go to the address that etcd itself names, past the forwarder.
            ("ETCD3_USE_PROXIES", "true".to_owned()),
            ("SUPERUSER_PASSWORD", PASSWORD.to_owned()),
            ("REPLICATION_PASSWORD", PASSWORD.to_owned()),
        ] {
            patroni.env(format!("PATRONI_{setting}"), value);
        }
        let patroni = Running::start(&mut logged(patroni, folder, name)?)?;
        let url = format!("postgres://postgres:{PASSWORD}@{address}/postgres");
        let postgres = Postgres::new(&url, &data, bin);
        Ok(Self { name, etcd, patroni: Some(patroni), postgres, address, rest, data })
    }

    /// What HAProxy asks.
    fn is_primary(&self) -> bool {
        Caller::new(self.rest).ask("OPTIONS", "/primary", None, None).is_ok_and(|answer| answer.status == 200)
    }

    fn ask(&self, path: &str) -> Result<Vec<u8>, Failure> {
        Ok(Caller::new(self.rest).get(path)?.good(200)?.body)
    }

    /// Ends its Patroni and its PostgreSQL at once, for good.
    pub(super) fn kill(&self) -> Result<(), Failure> {
        self.patroni.as_ref().ok_or("it runs")?.signal(Signal::KILL)?;
        self.postgres.kill()
    }

    /// Lets both stand still, with all their connections.
    pub(super) fn hang(&self) -> Result<(), Failure> {
        self.patroni.as_ref().ok_or("it runs")?.signal(Signal::STOP)?;
        self.postgres.hang()
    }
}

fn etcd(folder: &Path, address: SocketAddr) -> Result<Running, Failure> {
    let peers = format!("http://{}", free()?);
    let clients = format!("http://{address}");
    let mut etcd = kept_as_postgres("etcd");
    etcd.args(["--name", "trial", "--initial-cluster", &format!("trial={peers}"), "--data-dir"]);
    etcd.arg(folder.join("etcd"));
    etcd.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
    etcd.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
    Running::start(&mut logged(etcd, folder, "etcd")?)
}

/// A program that runs as the user `postgres`, in place of what starts it, and not without this one.
fn kept_as_postgres(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.args(["--pdeathsig=KILL", program]);
    command
}

/// The same with what it says in a file.
fn logged(mut command: Command, folder: &Path, name: &str) -> Result<Command, Failure> {
    let log = File::create(folder.join(format!("{name}.log")))?;
    command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_operators_shows_what_is_tried() {
        let page = include_str!("../../../docs/postgresql.md");
        for file in [PATRONI, HAPROXY] {
            assert!(page.contains(file), "docs/postgresql.md lacks:\n{file}");
        }
    }
}
