use std::time::Duration;

use tokio::time;

use super::Finding;
use crate::{
    domain::clock::Clock,
    service::exchange::BEAT_EVERY,
    store::{
        DbConnection, StoreError, list,
        replicas::{self, Replica},
    },
};

const CHECK: &str = "servers";

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How much later than it should a sign of life may come.
const LATE: Duration = Duration::from_secs(2);

/// Watches the rows of the running servers until each has given a sign of life and applied what was on the list, or
/// should have.
pub(super) async fn watch(connection: &mut DbConnection, clock: &dyn Clock) -> Vec<Finding> {
    match rows(connection, clock).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::wrong(CHECK, error.to_string(), "see the database's own log")],
    }
}

async fn rows(connection: &mut DbConnection, clock: &dyn Clock) -> Result<Vec<Finding>, StoreError> {
    let before = replicas::all(connection)?;
    if before.is_empty() {
        return Ok(vec![Finding::good(CHECK, "none runs that others would have to wait for")]);
    }
    let (head, until) = (list::head(connection)?.seq, clock.since_boot() + BEAT_EVERY + LATE);
    loop {
        let now = replicas::all(connection)?;
        let ailing: Vec<_> = before.iter().filter_map(|row| Ailing::of(row, &now, head)).collect();
        if ailing.is_empty() {
            return Ok(vec![Finding::good(CHECK, format!("{} run and follow the list", now.len()))]);
        }
        if clock.since_boot() >= until {
            let nobody_lives = ailing.len() == now.len() && ailing.iter().all(|server| server.is_silent);
            return Ok(ailing.iter().map(|server| server.told(nobody_lives)).collect());
        }
        time::sleep(LOOK_EVERY).await;
    }
}

/// A server that is not well.
struct Ailing<'a> {
    row: &'a Replica,
    is_silent: bool,
}

impl<'a> Ailing<'a> {
    /// `None` if the server of this row is well, or has ended.
    fn of(row: &'a Replica, now: &[Replica], head: i64) -> Option<Self> {
        let seen = now.iter().find(|seen| seen.id == row.id)?;
        let is_silent = seen.beat == row.beat;
        (is_silent || seen.applied < head).then_some(Self { row, is_silent })
    }

    fn told(&self, nobody_lives: bool) -> Finding {
        let (id, bound) = (self.row.id, self.row.max_staleness().as_secs_f64());
        if nobody_lives {
            let message =
                format!("no server runs, and {id} ended without saying so, or is in a backup that was restored");
            return Finding::warning(
                CHECK,
                message,
                "start a server: after a minute it removes what the other one left",
            );
        }
        if self.is_silent {
            let message = format!("{id} gives no sign of life: each change waits {bound} s for it");
            let advice =
                "if it has crashed, a running server removes its row within two minutes; if it runs, see its log";
            return Finding::wrong(CHECK, message, advice);
        }
        let message = format!("{id} lives, but does not follow the list: each change waits {bound} s for it");
        Finding::wrong(CHECK, message, "see its log; it may be unable to open the keys (the same root.key everywhere)")
    }
}
