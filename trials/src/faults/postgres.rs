//! The scratch PostgreSQL: stopped, started, hung.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

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

    fn control(&self, arguments: &[&str]) -> Result<(), Failure> {
        // It refuses to run as root; / because that user may not see the caller's folder.
        let program = self.bin.join("pg_ctl");
        let mut command = if geteuid().is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).args(["--silent", "--wait", "--pgdata"]).arg(&self.data);
        succeed(command.current_dir("/"))
    }

    /// To the first process, which starts no new ones then, and to all that it has started.
    fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let text = fs::read_to_string(self.data.join("postmaster.pid"))?;
        let first: i32 = text.lines().next().unwrap_or_default().trim().parse()?;
        send(first, signal)?;
        for process in fs::read_dir("/proc")?.filter_map(Result::ok) {
            let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // After the name in brackets: the state and the parent.
            let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
            if parent == Some(first) {
                send(pid, signal)?;
            }
        }
        Ok(())
    }
}

fn send(pid: i32, signal: Signal) -> Result<(), Failure> {
    let pid = Pid::from_raw(pid).ok_or("a process has a number")?;
    Ok(kill_process(pid, signal)?)
}

pub(super) fn succeed(command: &mut Command) -> Result<(), Failure> {
    // What is started keeps its output, so nobody may wait for the end of that.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
