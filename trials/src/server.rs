//! A server under trial: started, measured, stopped.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Failure,
    load::{Connection, Requests},
    process::{self, Memory},
};

/// How long a server may take until it listens. It may have a million tokens to hash before.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a server says when it listens, on standard error.
const LISTENS: &str = "listening on http://";

/// A running server on a port of its own; killed when dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from its start until it was ready (`/readyz`); zero if it was not waited for.
    pub ready_after: Duration,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `patmint serve` in `folder`, which gets its keys and its log. `settings`: further flags.
    ///
    /// # Errors
    /// If it does not come up; its log is in `folder`.
    pub async fn patmint(
        program: &Path,
        folder: &Path,
        database_url: &str,
        settings: &[&str],
    ) -> Result<Self, Failure> {
        let mut command = serve(program, folder, database_url);
        command.args(settings);
        Self::start(command, folder, "patmint.log").await
    }

    /// Starts a program that says where it listens, and waits until it is ready.
    ///
    /// # Errors
    /// If it does not come up; its log is in `folder`.
    pub async fn start(command: Command, folder: &Path, log: &str) -> Result<Self, Failure> {
        let began = Instant::now();
        let mut server = Self::listening(command, folder, log)?;
        let status = Connection::open(server.address).await?.send(&Requests::get("/readyz").bytes(0)).await?.status;
        if status != 200 {
            return Err(format!("the server is not ready ({status}); see {}", server.log.display()).into());
        }
        server.ready_after = began.elapsed();
        Ok(server)
    }

    /// The same as soon as it listens, ready or not. Nothing that patmint reads of the environment reaches it.
    ///
    /// # Errors
    /// If it does not come up; its log is in `folder`.
    pub fn listening(mut command: Command, folder: &Path, log: &str) -> Result<Self, Failure> {
        let ours = |name: &OsStr| ["PATMINT_", "OTEL_"].iter().any(|ours| name.to_string_lossy().starts_with(ours));
        for name in std::env::vars_os().map(|(name, _)| name).filter(|name| ours(name)) {
            command.env_remove(name);
        }
        let log_file = folder.join(log);
        let mut child = command.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let address = listens(&mut child, &log_file);
        let Some(address) = address.unwrap_or_default() else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("the server does not come up; see {}", log_file.display()).into());
        };
        Ok(Self { address, ready_after: Duration::ZERO, child, log: log_file })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The processor time that it took so far.
    ///
    /// # Errors
    /// If it is gone.
    pub fn processor_time(&self) -> io::Result<Duration> {
        process::processor_time(self.pid())
    }

    /// Its memory now.
    ///
    /// # Errors
    /// If it is gone.
    pub fn memory(&self) -> io::Result<Memory> {
        process::memory(self.pid())
    }

    fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).ok_or("a process has a number")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Makes it stand still (SIGSTOP).
    ///
    /// # Errors
    /// If it is gone.
    pub fn freeze(&self) -> Result<(), Failure> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// If it is gone.
    pub fn thaw(&self) -> Result<(), Failure> {
        self.signal(Signal::CONT)
    }

    /// SIGTERM, and a good end.
    ///
    /// # Errors
    /// If it ends otherwise: the last line of its log.
    pub fn stop(mut self) -> Result<(), Failure> {
        self.signal(Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        Err(format!("the server ended badly ({status}): {}", said.lines().last().unwrap_or_default()).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `patmint serve` on a free port, with its keys in `folder`.
#[must_use]
pub fn serve(program: &Path, folder: &Path, database_url: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--issuer", crate::seed::ISSUER]);
    command.args(["--database-url", database_url, "--keys-dir"]).arg(keys_dir(folder));
    command
}

/// Where the root key of the servers in `folder` is.
#[must_use]
pub fn keys_dir(folder: &Path) -> PathBuf {
    folder.join("keys")
}

/// Waits for the line that says where it listens, and goes on copying what it says into a file.
fn listens(child: &mut Child, log: &Path) -> io::Result<Option<SocketAddr>> {
    let (found, wanted) = mpsc::channel();
    let mut log = File::create(log)?;
    if let Some(said) = child.stderr.take() {
        thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                // A log that cannot be written is no reason to let the server hang.
                let _ = writeln!(log, "{line}");
                let _ = address(&line).map(|address| found.send(address));
            }
        });
    }
    Ok(wanted.recv_timeout(PATIENCE).ok())
}

fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(LISTENS)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_the_address_is_known() {
        let line = "2026-11-22T02:00:00Z  INFO patmint::cli::serve: listening on http://127.0.0.1:4711 issuer=\"x\"";
        assert_eq!(address(line), "127.0.0.1:4711".parse().ok());
        assert_eq!(address("stopping"), None);
    }

    #[tokio::test]
    async fn a_server_that_ends_is_no_server() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no luck >&2"]);
        let error = Server::start(command, folder.path(), "log").await.unwrap_err();
        assert!(error.to_string().contains("does not come up"), "{error}");
    }
}
