//! What is kept of a run, and the search through it.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, Once, PoisonError},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use tracing_subscriber::EnvFilter;

use crate::support::{Answer, TestApp, traces::Secrets};

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps every line of every level from now on, `log` records too; not the test's own client.
pub fn keep_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = EnvFilter::new("trace,ureq=off,ureq_proto=off");
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Keep).init();
    });
}

/// All log lines so far.
pub fn log() -> Vec<u8> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Something in which no secret may be, but those whose names begin with one of `shows`.
struct Place {
    name: String,
    bytes: Vec<u8>,
    shows: Vec<String>,
}

/// The secrets of a run and everything that it wrote or said.
#[derive(Default)]
pub struct Book {
    secrets: Secrets,
    count: usize,
    places: Vec<Place>,
}

impl Book {
    pub fn secret(&mut self, name: &str, text: impl AsRef<[u8]>) {
        self.secrets.add(name, text);
        self.count += 1;
    }

    /// A credential, session, invitation or access token: all of it, and the part that makes it secret, as text and as bytes.
    pub fn token(&mut self, name: &str, text: &str) {
        self.secret(name, text);
        if let Some((_, signature)) = text.rsplit_once('.') {
            self.secret(&format!("{name}, signature"), signature);
            self.secret(&format!("{name}, signature's bytes"), URL_SAFE_NO_PAD.decode(signature).unwrap());
        } else if let Some(digits) = text.strip_prefix("pms_").or_else(|| text.strip_prefix("pmi_")) {
            self.secret(&format!("{name}, bytes"), bytes_of_hex(digits));
        } else if let Some((_, digits)) = text.rsplit_once('_') {
            self.secret(&format!("{name}, digits"), &digits[22..76]);
            self.secret(&format!("{name}, bytes"), &bytes_of_base62(&digits[..76])[16..48]);
        } else {
            self.secret(&format!("{name}, bytes"), bytes_of_hex(text));
        }
    }

    /// The root key in `folder`.
    pub fn root_key(&mut self, folder: &Path) {
        let text = fs::read_to_string(folder.join("root.key")).expect("a root key");
        let key = STANDARD.decode(text.trim()).unwrap();
        assert_eq!(key.len(), 32);
        self.secret("root key", text.trim());
        self.secret("root key, bytes", key);
    }

    pub fn place(&mut self, name: &str, bytes: impl Into<Vec<u8>>, shows: &[&str]) {
        let shows = shows.iter().map(|name| (*name).to_owned()).collect();
        self.places.push(Place { name: name.to_owned(), bytes: bytes.into(), shows });
    }

    /// An answer; `shows` are the secrets that it is there to tell.
    pub fn answer(&mut self, name: &str, answer: Answer, status: u16, shows: &[&str]) -> Answer {
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        let mut bytes = format!("{:?}\n", answer.headers).into_bytes();
        bytes.extend_from_slice(&answer.body);
        self.place(&format!("answer to {name}"), bytes, shows);
        answer
    }

    /// Every file under `folder` but the root key.
    pub fn files(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut seen = Vec::new();
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                seen.extend(self.files(&path));
            } else if !path.ends_with("keys/root.key") {
                self.place(&path.display().to_string(), fs::read(&path).unwrap(), &[]);
                seen.push(path);
            }
        }
        seen
    }

    /// All that the database of `app` holds: its files, and on PostgreSQL a dump.
    pub fn database(&mut self, app: &TestApp) {
        let files = self.files(app.database().folder());
        if app.database().is_postgres() {
            let dump = pg_dump(&app.database().url());
            assert!(dump.windows(22).any(|text| text == b"COPY public.credential"), "a dump with the credentials");
            self.place("pg_dump", dump, &[]);
        } else {
            assert!(files.iter().any(|path| path.ends_with("test.db")), "{files:?}");
        }
    }

    /// Everything that was found where it must not be. Takes the log as it is now.
    pub fn leaks(&self) -> Vec<String> {
        let in_log = Place { name: "the log".to_owned(), bytes: log(), shows: Vec::new() };
        let search = |place: &Place| {
            let found = self.secrets.found_in(&place.bytes).into_iter();
            let found = found.filter(|(name, _)| !place.shows.iter().any(|shown| name.starts_with(shown.as_str())));
            found.map(|(name, form)| format!("{name} ({form}) in {}", place.name)).collect::<Vec<_>>()
        };
        self.places.iter().chain([&in_log]).flat_map(search).collect()
    }

    pub fn count(&self) -> (usize, usize) {
        (self.count, self.places.len())
    }
}

fn bytes_of_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The 56 bytes of which an opaque credential is made.
fn bytes_of_base62(digits: &str) -> [u8; 56] {
    let mut number = [0; 56];
    for digit in digits.chars() {
        let value = match digit {
            '0'..='9' => u32::from(digit) - u32::from('0'),
            'A'..='Z' => u32::from(digit) - u32::from('A') + 10,
            'a'..='z' => u32::from(digit) - u32::from('a') + 36,
            other => panic!("{other} is no digit"),
        };
        let mut carry = value;
        for byte in number.iter_mut().rev() {
            let sum = u32::from(*byte) * 62 + carry;
            *byte = u8::try_from(sum % 256).unwrap();
            carry = sum / 256;
        }
    }
    number
}

fn pg_dump(url: &str) -> Vec<u8> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut programs: Vec<PathBuf> = versions.map(|version| version.path().join("bin/pg_dump")).collect();
    programs.sort();
    programs.push("pg_dump".into());
    // The newest last but one: one that is older than the server refuses to dump it.
    let dumps = programs.iter().rev().filter_map(|program| Command::new(program).args(["--dbname", url]).output().ok());
    let dump = dumps.into_iter().find(|output| output.status.success());
    dump.expect("a pg_dump, on PATH or in /usr/lib/postgresql/*/bin, as new as the server").stdout
}
