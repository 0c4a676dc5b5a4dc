//! What a program writes, as it comes.

use std::{
    io::{BufRead as _, BufReader, Read},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
};

use super::PATIENCE;

/// One of the outputs of a running program. Read all the time, so that the program never waits for us.
pub struct Stream {
    lines: Receiver<String>,
    seen: String,
}

impl Stream {
    pub fn new(source: impl Read + Send + 'static) -> Self {
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { lines, seen: String::new() }
    }

    /// Waits for a line that contains `wanted`; `None` if the output ends without.
    pub fn line_with(&mut self, wanted: &str) -> Option<String> {
        loop {
            let line = self.next()?;
            if line.contains(wanted) {
                return Some(line);
            }
        }
    }

    /// Waits for the end; all that was written.
    pub fn read_to_end(&mut self) -> String {
        while self.next().is_some() {}
        self.seen.clone()
    }

    /// What was read so far.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    fn next(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.seen.push_str(&line);
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing comes any more after {:?}", self.seen),
        }
    }
}
