//! The program, before, while and after it runs.

use std::{
    ffi::OsStr,
    fs::{self, DirEntry},
    io::{self, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use super::stream::Stream;

/// What will be run: nothing that it reads of the environment reaches it.
#[must_use]
pub struct Program {
    command: Command,
    input: String,
}

impl Program {
    /// The program under test, run in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self::other(env!("CARGO_BIN_EXE_patmint"), folder)
    }

    /// Another program.
    pub fn other(name: &str, folder: &Path) -> Self {
        let mut command = Command::new(name);
        let ours = |name: &OsStr| ["PATMINT_", "OTEL_"].iter().any(|ours| name.to_string_lossy().starts_with(ours));
        for name in std::env::vars_os().map(|(name, _)| name).filter(|name| ours(name)) {
            command.env_remove(name);
        }
        // A panic would show all it has.
        command.env("RUST_BACKTRACE", "1").current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, input: String::new() }
    }

    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads from standard input.
    pub fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    /// Where its output goes, instead of to the test.
    pub fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stdout(to);
        self
    }

    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the program starts");
        let (out, err) = (child.stdout.take().map(Stream::new), Stream::new(child.stderr.take().unwrap()));
        // A program that reads nothing may have closed its end.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes());
        Running { child, out, err }
    }

    /// Runs it to its end.
    pub fn run(self) -> Finished {
        self.start().finish()
    }
}

/// Killed when dropped.
pub struct Running {
    child: Child,
    pub out: Option<Stream>,
    pub err: Stream,
}

impl Running {
    /// What the system tells of it (`/proc/PID/status`).
    pub fn status(&self) -> String {
        fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs")
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        self.ended()
    }

    /// `kill -9`, without any wait before.
    pub fn kill(mut self) -> Finished {
        self.child.kill().expect("it runs");
        self.ended()
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// The names of its threads, as far as the system keeps them (15 bytes).
    pub fn threads(&self) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        // One that ends meanwhile has no name any more.
        let name = |task: io::Result<DirEntry>| fs::read_to_string(task.ok()?.path().join("comm")).ok();
        tasks.filter_map(name).map(|name| name.trim_end().to_owned()).collect()
    }

    fn signal(&self, name: &str) {
        let done = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status();
        assert!(done.expect("a shell").success(), "it runs");
    }

    fn ended(&mut self) -> Finished {
        // What waits here is the reading, which has a deadline; once both outputs are closed the process is gone.
        let stderr = self.err.read_to_end();
        let stdout = self.out.as_mut().map(Stream::read_to_end).unwrap_or_default();
        let code = self.child.wait().expect("a child").code();
        Finished { code, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Finished {
    /// `None` = ended by a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Its output, after a good end.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The one line in which it refused.
    #[track_caller]
    pub fn refusal(&self) -> &str {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.stdout, "", "nothing to show");
        let line = self.stderr.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n') && !line.contains("panicked"), "one line: {}", self.stderr);
        line.strip_prefix("patmint: ").unwrap_or_else(|| panic!("not one of ours: {line}"))
    }
}
