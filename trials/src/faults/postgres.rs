//! The scratch PostgreSQL: stopped, started, hung.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, geteuid, kill_process},
};

use crate::Failure;

pub(super) struct Postgres {
    url: String,
    data: PathBuf,
    bin: PathBuf,
}

impl Postgres {
    pub(super) fn new(url: &str, data: &Path, bin: &Path) -> Self {
        Self { url: url.to_owned(), data: data.to_owned(), bin: bin.to_owned() }
    }

    /// Makes an empty database.
    pub(super) fn database(&self, name: &str) -> Result<String, Failure> {
        let name = name.replace('-', "_");
        for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
            let mut psql = Command::new("psql");
            psql.args(["--quiet", &self.url, "--command", &statement]);
            succeed(psql.env("PGOPTIONS", "--client-min-messages=warning"))?;
        }
        let (place, _) = self.url.rsplit_once('/').ok_or("a URL with a database")?;
        Ok(format!("{place}/{name}"))
    }

    /// Stops it as a machine that fails does.
    pub(super) fn stop(&self) -> Result<(), Failure> {
        self.control(&["stop", "--mode=immediate"])
    }

    /// Stops it as an administrator does: its clients are told.
    pub(super) fn stop_fast(&self) -> Result<(), Failure> {
        self.control(&["stop", "--mode=fast"])
    }

    /// Starts it and waits until it answers.
    pub(super) fn start(&self) -> Result<(), Failure> {
        let log = self.data.join("../server.log");
        self.control(&["start", "--timeout=60", &format!("--log={}", log.display())])
    }

    /// Lets it stand still, with all its connections.
    pub(super) fn hang(&self) -> Result<(), Failure> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(super) fn go_on(&self) -> Result<(), Failure> {
        self.signal(Signal::CONT)
    }

    /// Ends all of its processes at once, as a machine that loses its power does.
    pub(super) fn kill(&self) -> Result<(), Failure> {
        self.signal(Signal::KILL)?;
        // It cannot do so itself any more.
        Ok(fs::remove_file(self.data.join("postmaster.pid"))?)
    }

    /// The folder of its programs.
    pub(super) fn bin(&self) -> &Path {
        &self.bin
    }

    /// What a statement answers, as psql prints it unaligned.
    pub(super) fn query(&self, statement: &str) -> Result<String, Failure> {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", &self.url, "--command", statement]);
        let output = psql.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(format!("{statement}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn control(&self, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = as_postgres(&self.bin.join("pg_ctl"));
        succeed(command.args(arguments).args(["--silent", "--wait", "--pgdata"]).arg(&self.data))
    }

    /// To the first process, which starts no new ones then, and to all that it has started.
    fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let text = fs::read_to_string(self.data.join("postmaster.pid"))?;
        let first: i32 = text.lines().next().unwrap_or_default().trim().parse()?;
        // Found before it gets a signal that ends it: then they have another parent.
        let children = children(first)?;
        send(first, signal)?;
        children.into_iter().try_for_each(|child| send(child, signal))
    }
}

/// The processes that a process has started.
fn children(first: i32) -> Result<Vec<i32>, Failure> {
    let mut children = Vec::new();
    for process in fs::read_dir("/proc")?.filter_map(Result::ok) {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // After the name in brackets: the state and the parent.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if parent == Some(first) {
            children.push(pid);
        }
    }
    Ok(children)
}

fn send(pid: i32, signal: Signal) -> Result<(), Failure> {
    let pid = Pid::from_raw(pid).ok_or("a process has a number")?;
    match kill_process(pid, signal) {
        // One that ended meanwhile needs no signal.
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A program run by the user `postgres`, since PostgreSQL refuses to run as root; in `/`, because that user may not see
/// the caller's folder.
pub(super) fn as_postgres(program: &Path) -> Command {
    let mut command = if geteuid().is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

pub(super) fn succeed(command: &mut Command) -> Result<(), Failure> {
    // What is started keeps its output, so nobody may wait for the end of that.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
