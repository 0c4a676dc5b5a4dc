use std::path::Path;

use super::{
    Outcome::{Good, Warning, Wrong},
    database::{of_cleaning, of_clocks, of_connections, of_server},
    files::{file_system, space},
};
use crate::{domain::clock::Timestamp, store::inspect::Postgres};

fn server() -> Postgres {
    Postgres {
        version: "15.13".to_owned(),
        connections: 97,
        is_read_only: false,
        is_durable: true,
        standbys: 0,
        waits_for_standby: false,
        encoding: "UTF8".to_owned(),
        is_superuser: false,
        is_private: true,
    }
}

#[test]
fn sqlite_is_for_disks_of_this_machine() {
    for (kind, outcome) in
        [(0xef53, Good), (0x0102_1994, Good), (0x6573_5546, Warning), (0x6969, Wrong), (0xff53_4d42, Wrong)]
    {
        assert_eq!(file_system(kind, Path::new("data")).outcome, outcome, "{kind:x}");
    }
}

#[test]
fn little_space_is_told_before_there_is_none() {
    for (mib, outcome) in [(0, Wrong), (99, Wrong), (100, Warning), (1023, Warning), (1024, Good)] {
        assert_eq!(space(mib << 20, Path::new("data")).outcome, outcome, "{mib}");
    }
}

#[test]
fn clocks_that_differ_are_told() {
    for (ahead, outcome) in
        [(0, Good), (-5_000, Good), (5_001, Warning), (-60_000, Warning), (60_001, Wrong), (-60_001, Wrong)]
    {
        assert_eq!(of_clocks(ahead).outcome, outcome, "{ahead}");
    }
}

#[test]
fn a_clock_that_no_server_trusts_is_told() {
    let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    assert_eq!(of_cleaning(None, now).outcome, Good);
    for (ago, outcome) in [(0, Good), (600, Good), (601, Warning), (-60, Good), (-61, Wrong)] {
        assert_eq!(of_cleaning(Some(now.plus_seconds(-ago)), now).outcome, outcome, "{ago}");
    }
}

#[test]
fn each_setting_of_postgresql_is_told() {
    assert_eq!(of_server(&server()).iter().map(|found| found.outcome).collect::<Vec<_>>(), [Good]);
    for (outcome, words, bad) in [
        (Wrong, "standby or read-only", Postgres { is_read_only: true, ..server() }),
        (Wrong, "fsync", Postgres { is_durable: false, ..server() }),
        (Wrong, "LATIN1", Postgres { encoding: "LATIN1".to_owned(), ..server() }),
        (Warning, "commits wait for none", Postgres { standbys: 1, ..server() }),
        (Good, "", Postgres { standbys: 1, waits_for_standby: true, ..server() }),
        (Warning, "superuser", Postgres { is_superuser: true, ..server() }),
        (Warning, "not encrypted", Postgres { is_private: false, ..server() }),
    ] {
        let found = of_server(&bad);
        assert!(found.len() == 1 && found[0].outcome == outcome && found[0].message.contains(words), "{found:?}");
    }
}

#[test]
fn connections_are_counted_for_all_servers() {
    for (pool, servers, outcome) in [(8, 1, Good), (8, 10, Good), (8, 11, Warning), (95, 1, Good), (96, 1, Warning)] {
        assert_eq!(of_connections(&server(), pool, servers).outcome, outcome, "{servers} × {pool}");
    }
}
