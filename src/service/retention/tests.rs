use super::*;
use crate::{
    domain::{clock::Clock as _, retention::Days},
    service::testing::{Replica, block_on},
    store::counts,
};

const DAY: i64 = 86_400;

/// One run, with a clock that is trusted.
fn run(replica: &Replica) {
    replica.trust_clock();
    block_on(remove_old(replica.services.core())).unwrap();
}

/// How many rows a table has.
fn rows(replica: &Replica, table: &'static str) -> i64 {
    block_on(replica.db.read(move |connection| counts::rows(connection, table))).unwrap()
}

/// How many rows the metrics say were removed from a table.
fn removed(replica: &Replica, what: Aged) -> u64 {
    let counted = replica.services.core().metrics.rows_removed();
    counted.into_iter().find(|(table, _)| *table == what.table()).unwrap().1
}

/// The numbers from 1 to `count`, as a table `n (i)`.
fn numbers(replica: &Replica, count: i64) -> String {
    match replica.db.url().sqlite_path() {
        Some(_) => format!(
            "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n) AS n"
        ),
        None => format!("generate_series(1, {count}) AS n (i)"),
    }
}

/// `count` rows of each kind but credentials, all as old as the clock is now.
fn fill(replica: &Replica, count: i64) {
    let (now, day) = (sql_time(replica.clock.now()), replica.clock.now().day());
    let numbers = numbers(replica, count);
    let id = format!("'{day}-' || i");
    let hash = hash(replica, &id);
    for (table, columns, values) in [
        ("usage_counts", "credential_id, day, outcome, count", format!("'{day}', 'granted', 1")),
        ("refusals", "request_id, credential_id, refused_at, reason", format!("'', '{now}', 'revoked'")),
        ("audit", "id, seq, created_at, action", format!("1, '{now}', 'user.disable'")),
        (
            "invitations",
            "id, secret_hash, organization_id, created_by, email, role, created_at, created_seq, expires_at",
            format!(
                "{hash}, (SELECT id FROM organizations), (SELECT id FROM users), 'bob@acme.example', 'member', '{now}', \
                 1, '{now}'"
            ),
        ),
    ] {
        replica.execute(&format!("INSERT INTO {table} ({columns}) SELECT {id}, {values} FROM {numbers}"));
    }
}

/// 32 bytes that differ from row to row.
fn hash(replica: &Replica, id: &str) -> String {
    match replica.db.url().sqlite_path() {
        Some(_) => format!("CAST(substr({id} || '................................', 1, 32) AS BLOB)"),
        None => format!("convert_to(rpad({id}, 32, '.'), 'UTF8')"),
    }
}

fn sql_time(time: Timestamp) -> String {
    time.naive().format("%F %T%.6f").to_string()
}

#[test]
fn what_was_kept_long_enough_goes_in_small_pieces_and_the_rest_stays() {
    let replica = Replica::new();
    let own = rows(&replica, "audit");
    fill(&replica, 1_100);
    replica.clock.jump(DAY);
    fill(&replica, 10);
    let mut passed = 1;
    let steps =
        [(30, vec![Aged::Invitations]), (90, vec![Aged::UsageCounts, Aged::Refusals]), (400, vec![Aged::Audit])];
    for (days, all) in steps {
        let of_bootstrap = |what| if what == Aged::Audit { own } else { 0 };
        replica.clock.jump((days - passed) * DAY);
        run(&replica);
        for what in &all {
            let kept = rows(&replica, what.table()) - of_bootstrap(*what);
            assert_eq!((kept, removed(&replica, *what)), (1_110, 0), "{what:?}, kept {days} days");
        }
        replica.clock.jump(DAY);
        passed = days + 1;
        run(&replica);
        for what in all {
            let old = u64::try_from(1_100 + of_bootstrap(what)).unwrap();
            assert_eq!((rows(&replica, what.table()), removed(&replica, what)), (10, old), "{what:?}");
        }
    }
}

#[test]
fn one_run_removes_a_bounded_number() {
    let replica = Replica::new();
    let most = i64::try_from(MOST_BATCHES).unwrap() * batch(Aged::UsageCounts);
    fill_usage(&replica, most + 7);
    replica.clock.jump(92 * DAY);
    run(&replica);
    assert_eq!(rows(&replica, "usage_counts"), 7);
    run(&replica);
    assert_eq!(rows(&replica, "usage_counts"), 0);
}

fn fill_usage(replica: &Replica, count: i64) {
    let day = replica.clock.now().day();
    let numbers = numbers(replica, count);
    replica.execute(&format!("INSERT INTO usage_counts SELECT '' || i, '{day}', 'granted', 1 FROM {numbers}"));
}

#[test]
fn two_servers_remove_beside_each_other() {
    let replica = Replica::new();
    fill_usage(&replica, 2_500);
    replica.clock.jump(92 * DAY);
    let (other, start) = (replica.command_beside(), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        for server in [&replica, &other] {
            scope.spawn(|| {
                start.wait();
                run(server);
            });
        }
    });
    run(&replica);
    assert_eq!(rows(&replica, "usage_counts"), 0);
    let both = removed(&replica, Aged::UsageCounts) + removed(&other, Aged::UsageCounts);
    assert_eq!(both, 2_500, "each row once");
}

#[test]
fn tokens_go_when_they_were_dead_for_a_year_with_what_is_kept_of_their_use() {
    let replica = Replica::new();
    block_on(replica.presence.leave()).unwrap();
    let id = replica.credential_id();
    replica.revoke();
    replica.execute(&format!(
        "UPDATE credentials SET rotated_from = '{id}' WHERE number = 2;
         INSERT INTO usage_addresses SELECT id, '192.0.2.1', created_at, created_at, 1 FROM credentials"
    ));
    replica.clock.jump(365 * DAY);
    run(&replica);
    assert_eq!(rows(&replica, "credentials"), 2, "dead for a year, and not longer");
    replica.clock.jump(1);
    run(&replica);
    assert_eq!((rows(&replica, "credentials"), removed(&replica, Aged::Credentials)), (1, 1));
    assert_eq!(rows(&replica, "usage_addresses"), 1, "of the one that stays");
    replica.execute("UPDATE credentials SET expires_at = created_at");
    run(&replica);
    assert_eq!(rows(&replica, "credentials"), 0, "expired by itself as long ago");
}

#[test]
fn what_is_kept_for_ever_stays() {
    let replica = Replica::new();
    fill(&replica, 1);
    let now = replica.clock.now().plus_seconds(1_000 * DAY);
    let for_ever = Retention { usage: Days(0), audit: Days(0), tokens: Days(0), invitations: Days(0) };
    assert!(Aged::ALL.into_iter().all(|what| cutoff(&for_ever, what, now).is_none()));
}

#[test]
fn nothing_goes_while_the_clock_may_be_wrong() {
    let replica = Replica::new();
    fill_usage(&replica, 1);
    replica.clock.jump(92 * DAY);
    assert_eq!(block_on(remove_old(replica.services.core())).unwrap(), 0);
    assert_eq!(rows(&replica, "usage_counts"), 1);
    run(&replica);
    assert_eq!(rows(&replica, "usage_counts"), 0);
}
