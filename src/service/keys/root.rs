//! The root key: `root.key` in the keys folder. It only seals.

use std::{
    ffi::OsStr,
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::{
    domain::random::{self, Randomness},
    service::modes::FileModes,
};

const FILE: &str = "root.key";

/// What can be wrong with the keys folder.
#[derive(Debug, Error)]
pub enum RootKeyError {
    /// The database has sealed keys, and the key that opens them is not there. Making a new one would not help.
    #[error(
        "the database has keys that only its root key opens, and there is none in {0}: \
         put the right {FILE} there, or name its folder with --keys-dir"
    )]
    Missing(PathBuf),
    /// Not 32 bytes in base64 on each line.
    #[error("line {line} of {path} is not a root key: 32 bytes in base64, one key a line, newest first")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The folder or the file cannot be read or written.
    #[error("cannot use {path}: {error}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// The root keys, newest first: the first one seals, each one opens.
pub(super) struct RootKeys(Vec<[u8; 32]>);

impl RootKeys {
    /// Reads the root keys from `folder`; makes one if there is none and `may_create`.
    ///
    /// # Errors
    /// See [`RootKeyError`].
    pub(super) fn load(folder: &Path, may_create: bool, random: &dyn Randomness) -> Result<Self, RootKeyError> {
        match Self::read(folder) {
            Err(RootKeyError::Missing(_)) if may_create => {
                let path = folder.join(FILE);
                create(folder, &path, random).map_err(|error| RootKeyError::Io { path, error })?;
                Self::read(folder)
            }
            other => other,
        }
    }

    /// Reads the root keys from `folder`.
    ///
    /// # Errors
    /// See [`RootKeyError`].
    pub(super) fn read(folder: &Path) -> Result<Self, RootKeyError> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(RootKeyError::Missing(folder.to_owned())),
            Err(error) => Err(RootKeyError::Io { path, error }),
        }
    }

    /// The newest one alone.
    pub(super) fn newest(&self) -> Self {
        Self(self.0.iter().take(1).copied().collect())
    }

    fn parse(path: &Path, text: &str) -> Result<Self, RootKeyError> {
        let key = |(index, line): (usize, &str)| {
            let bytes = STANDARD.decode(line.trim()).ok().and_then(|bytes| bytes.try_into().ok());
            bytes.ok_or_else(|| RootKeyError::Malformed { path: path.to_owned(), line: index + 1 })
        };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let keys: Vec<[u8; 32]> = lines.map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(RootKeyError::Malformed { path: path.to_owned(), line: 1 });
        }
        Ok(Self(keys))
    }

    /// The keys, newest first.
    pub(super) fn keys(&self) -> &[[u8; 32]] {
        &self.0
    }
}

impl fmt::Debug for RootKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeys({})", self.0.len())
    }
}

/// Warns if others on this machine can get at the root key. It is used all the same: where secrets are mounted their mode is
/// often not the operator's to choose, and there nobody else is on the machine.
pub(super) fn warn_of_others(folder: &Path) {
    let Ok(modes) = FileModes::of(&folder.join(FILE)) else { return };
    if modes.others_can_read() || modes.others_can_replace() {
        tracing::warn!(folder = %folder.display(), "others on this machine can get at root.key: patmint doctor says more");
    }
}

/// Puts a new key in place whole or not at all. If another server was faster, its key stays.
fn create(folder: &Path, path: &Path, random: &dyn Randomness) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    close_to_others(folder)?;
    // Not the process's number: in containers each server is number 1, and one that was killed left its draft behind.
    let draft = folder.join(format!("{FILE}.{:016x}", u64::from_be_bytes(random::bytes(random))));
    let written = write_private(&draft, &format!("{}\n", STANDARD.encode(random::bytes::<32>(random))));
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    // Whether it was linked or not, the draft has done its work; one that was never made cannot be removed.
    let _ = fs::remove_file(&draft);
    linked?;
    File::open(folder)?.sync_all()
}

/// Takes a folder that was there before, such as that of a fresh clone, away from other users of this machine. A folder in
/// which anything else lies may have other uses, and is left alone: `patmint doctor` warns of it.
fn close_to_others(folder: &Path) -> io::Result<()> {
    let is_open = fs::metadata(folder)?.permissions().mode() & 0o007 != 0;
    let is_of_keys = |name: &OsStr| name == "README.md" || name.to_string_lossy().starts_with(FILE);
    if is_open && fs::read_dir(folder)?.all(|entry| entry.is_ok_and(|entry| is_of_keys(&entry.file_name()))) {
        // The folder may be another user's. `root.key` itself is private in any case.
        let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    }
    Ok(())
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;
    use crate::domain::random::SystemRandomness;

    #[test]
    fn the_key_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let random = SystemRandomness::default();
        let keys = folder.path().join("keys");
        let missing = RootKeys::load(&keys, false, &random).unwrap_err();
        assert!(matches!(missing, RootKeyError::Missing(_)));
        let first = RootKeys::load(&keys, true, &random).unwrap();
        let again = RootKeys::load(&keys, true, &random).unwrap();
        assert_eq!(first.keys(), again.keys());
        let mode = fs::metadata(keys.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn the_folder_of_a_fresh_clone_is_closed_and_one_with_other_uses_is_not() {
        for (file, before, after) in
            [("README.md", 0o755, 0o700), ("README.md", 0o750, 0o750), ("passwd", 0o755, 0o755)]
        {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(file), "").unwrap();
            fs::set_permissions(folder.path(), Permissions::from_mode(before)).unwrap();
            RootKeys::load(folder.path(), true, &SystemRandomness::default()).unwrap();
            let mode = fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, after, "{file}: {mode:o}");
        }
    }

    #[test]
    fn of_many_at_once_one_key_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, random) = (folder.path().join("keys"), SystemRandomness::default());
        let start = Barrier::new(8);
        let load = || {
            start.wait();
            RootKeys::load(&keys, true, &random).unwrap().keys().to_vec()
        };
        let loaded: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(loaded.iter().all(|keys| *keys == loaded[0]));
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_broken_line_is_named_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let good = STANDARD.encode([1; 32]);
        fs::write(folder.path().join(FILE), format!("{good}\nnot-a-key\n")).unwrap();
        let error = RootKeys::load(folder.path(), false, &SystemRandomness::default()).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("not-a-key"), "{error}");
    }
}
