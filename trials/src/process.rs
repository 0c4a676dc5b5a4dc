//! What the system knows of a process: `/proc`.

use std::{fs, io, time::Duration};

use rustix::param::clock_ticks_per_second;

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Memory {
    /// Resident.
    pub rss: u64,
    /// Resident, with what is shared counted in shares.
    pub pss: u64,
}

/// The processor time that a process took so far, all threads, user and system; known to a hundredth of a second.
///
/// # Errors
/// If there is no such process.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = ticks(&stat).ok_or_else(|| io::Error::other("cannot read /proc/PID/stat"))?;
    Ok(Duration::from_secs(1) * u32::try_from(ticks).unwrap_or(u32::MAX)
        / u32::try_from(clock_ticks_per_second()).unwrap_or(100))
}

/// `utime` + `stime` (proc(5)). The name of the program, in parentheses before them, may hold spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

/// The memory of a process now.
///
/// # Errors
/// If there is no such process.
pub fn memory(pid: u32) -> io::Result<Memory> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    Ok(Memory { rss: kilobytes(&rollup, "Rss:") * 1024, pss: kilobytes(&rollup, "Pss:") * 1024 })
}

/// The most that a process ever had resident, in bytes.
///
/// # Errors
/// If there is no such process.
pub fn peak(pid: u32) -> io::Result<u64> {
    Ok(kilobytes(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmHWM:") * 1024)
}

fn kilobytes(rollup: &str, name: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_an_odd_name() {
        assert_eq!(ticks("7 (a ) b) S 1 7 7 0 -1 0 1 2 3 4 150 25 9 9 20 0"), Some(175));
    }

    #[test]
    fn one_process_is_known() {
        let own = memory(std::process::id()).unwrap();
        assert!(own.rss > 100_000 && own.pss > 0 && own.pss <= own.rss, "{own:?}");
        assert!(peak(std::process::id()).unwrap() >= own.rss);
        assert!(processor_time(std::process::id()).unwrap() < Duration::from_hours(1));
        assert_eq!(kilobytes("Rss:   12 kB\nPss: 5 kB\n", "Pss:"), 5);
    }
}
