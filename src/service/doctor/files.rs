use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{statfs, statvfs};

use super::Finding;
use crate::service::modes::FileModes;

const MIB: u64 = 1 << 20;

/// Below this SQLite may soon be unable to write.
const TOO_LITTLE_SPACE: u64 = 100 * MIB;

const LITTLE_SPACE: u64 = 1024 * MIB;

/// File systems of other machines: the locks of SQLite do not hold there (`statfs`, `f_type`).
const OF_OTHER_MACHINES: [(u32, &str); 11] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0bd0_0bd0, "Lustre"),
    (0x786f_4256, "a shared folder of VirtualBox"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
];

/// May be anything, other machines' files too.
const FUSE: u32 = 0x6573_5546;

/// The file of an SQLite database, and what it lies on.
pub(super) fn sqlite(path: &Path) -> Vec<Finding> {
    let mut findings = vec![file(path)];
    // The folder may not be there yet either.
    if let Some(folder) = path.ancestors().skip(1).map(or_here).find(|folder| folder.exists()) {
        findings.push(match statfs(&folder) {
            Ok(system) => file_system(u32::try_from(system.f_type).unwrap_or_default(), &folder),
            Err(error) => unreadable("file system", &folder, &error.into()),
        });
        findings.push(match statvfs(&folder) {
            Ok(system) => space(system.f_bavail.saturating_mul(system.f_frsize), &folder),
            Err(error) => unreadable("disk space", &folder, &error.into()),
        });
    }
    findings
}

fn or_here(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { ".".into() } else { folder.into() }
}

fn file(path: &Path) -> Finding {
    let shown = path.display();
    match fs::metadata(path) {
        Ok(entry) if entry.permissions().mode() & 0o007 != 0 => Finding::wrong(
            "database file",
            format!("others on this machine can open {shown}, which has addresses and password hashes in it"),
            format!("chmod 600 {shown}*"),
        ),
        Ok(_) => Finding::good("database file", format!("{shown} is there")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::wrong(
            "database file",
            format!("{shown} is not there"),
            "name the right one with --database-url; the first start makes it if this installation is new",
        ),
        Err(error) => unreadable("database file", path, &error),
    }
}

pub(super) fn file_system(kind: u32, folder: &Path) -> Finding {
    let (check, folder) = ("file system", folder.display());
    let advice = "move it to a disk of this machine, or go to PostgreSQL";
    if let Some((_, name)) = OF_OTHER_MACHINES.iter().find(|(magic, _)| *magic == kind) {
        let message = format!("{folder} lies on {name}: SQLite can damage a database that another machine serves");
        return Finding::wrong(check, message, advice);
    }
    if kind == FUSE {
        let message =
            format!("{folder} lies on FUSE, behind which another machine may be: SQLite's locks may not hold");
        return Finding::warning(check, message, advice);
    }
    Finding::good(check, format!("{folder} lies on this machine"))
}

pub(super) fn space(free: u64, folder: &Path) -> Finding {
    let message = format!("{} MiB are free for {}", free / MIB, folder.display());
    let advice = "free some: without space no change and no last use can be written";
    match free {
        0..TOO_LITTLE_SPACE => Finding::wrong("disk space", message, advice),
        TOO_LITTLE_SPACE..LITTLE_SPACE => Finding::warning("disk space", message, advice),
        LITTLE_SPACE.. => Finding::good("disk space", message),
    }
}

/// Who may read the root key. Whether it is the right one is not seen here.
pub(super) fn keys(folder: &Path) -> Option<Finding> {
    let shown = folder.display();
    let modes = match FileModes::of(&folder.join("root.key")) {
        Ok(modes) => modes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return without_key(folder),
        Err(error) => return Some(unreadable("root key file", folder, &error)),
    };
    Some(if modes.others_can_read() {
        Finding::wrong(
            "root key file",
            format!("others on this machine can read {shown}/root.key"),
            format!("chmod 600 {shown}/root.key; if somebody may have read it, and the database, change all keys"),
        )
    } else if modes.others_can_replace() {
        let message = format!("others on this machine can replace {shown}/root.key");
        Finding::wrong("root key file", message, format!("chmod 700 {shown}; chmod 600 {shown}/root.key"))
    } else if modes.others_can_look() {
        let message = format!("others on this machine can look into {shown}, though not into root.key");
        Finding::warning("root key file", message, format!("chmod 700 {shown}"))
    } else {
        Finding::good("root key file", format!("only its owner and group can read {shown}/root.key"))
    })
}

/// A folder in which no root key lies yet. Whether one should, the database tells.
fn without_key(folder: &Path) -> Option<Finding> {
    let mode = fs::metadata(folder).map_or(0, |entry| entry.permissions().mode());
    let shown = folder.display();
    (mode & 0o007 != 0).then(|| {
        let message = format!("others on this machine can look into {shown}, where root.key will lie");
        Finding::warning("root key file", message, format!("chmod 700 {shown}"))
    })
}

fn unreadable(check: &'static str, path: &Path, error: &io::Error) -> Finding {
    let message = format!("cannot look at {}: {error}", path.display());
    Finding::wrong(check, message, "run this as the user that serves")
}
