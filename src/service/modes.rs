use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

/// What users of this machine who are neither the owner nor of the group may do with a file that holds a key. The group may read
/// it: mounted secrets are given to processes so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileModes {
    folder: u32,
    file: u32,
}

impl FileModes {
    /// Looks at the file, by whatever links it is reached, and at the folder that it lies in.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let mode = |path: &Path| fs::metadata(path).map(|entry| entry.permissions().mode());
        Ok(Self { folder: mode(path.parent().unwrap_or(&path))?, file: mode(&path)? })
    }

    pub(crate) fn others_can_read(self) -> bool {
        self.folder & 0o001 != 0 && self.file & 0o004 != 0
    }

    pub(crate) fn others_can_replace(self) -> bool {
        // In a sticky folder only owners replace their files.
        let (is_open, is_sticky) = (self.folder & 0o003 == 0o003, self.folder & 0o1000 != 0);
        (is_open && !is_sticky) || (self.folder & 0o001 != 0 && self.file & 0o002 != 0)
    }

    pub(crate) fn others_can_look(self) -> bool {
        self.folder & 0o007 != 0
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_as_safe_as_what_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let [open, closed] = [("open", 0o755), ("closed", 0o700)].map(|(name, mode)| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("key"), "").unwrap();
            set(&path.join("key"), 0o644);
            set(&path, mode);
            path
        });
        for (target, link) in [(&open, &closed), (&closed, &open)] {
            symlink(target.join("key"), link.join("link")).unwrap();
            let others_can_read = FileModes::of(&link.join("link")).unwrap().others_can_read();
            assert_eq!(others_can_read, target == &open, "{target:?}");
        }
    }

    #[test]
    fn others_are_noticed_who_can_get_at_the_key() {
        let (safe, read, replaced) = ([false, false], [true, false], [false, true]);
        for (folder, file, wanted) in [
            (0o700, 0o600, safe),
            (0o700, 0o666, safe),
            (0o755, 0o600, safe),
            (0o750, 0o640, safe),
            (0o755, 0o440, safe),
            (0o754, 0o644, safe),
            (0o755, 0o644, read),
            (0o711, 0o604, read),
            (0o755, 0o602, replaced),
            (0o703, 0o600, replaced),
            (0o1777, 0o640, safe),
            (0o1777, 0o644, read),
        ] {
            let modes = FileModes { folder, file };
            assert_eq!([modes.others_can_read(), modes.others_can_replace()], wanted, "{folder:o} {file:o}");
        }
    }
}
