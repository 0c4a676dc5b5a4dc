//! Revokes credentials that have been stale for long, and removes them long after that; not while the clock may be wrong,
//! nor many at once before a second look a day later. Neither can be taken back.

use std::ops::RangeInclusive;

use serde_json::json;

use super::revoke::revoke;
use crate::{
    domain::{clock::Timestamp, credential::RevocationReason, standing::Standing, verdict::is_stale},
    service::{
        change::{Actor, Change},
        core::Core,
    },
    store::{
        DbConnection, StoreError,
        mass_changes::{self, MassChange},
        numbers::{self, Numbered},
        retention,
        stale::{self, Over},
        standings,
    },
};

const DAY: i64 = 86_400;

/// How long one is stale before it is revoked.
const REVOKED_AFTER: i64 = 30 * DAY;

/// How long after that it is removed.
const REMOVED_AFTER: i64 = 90 * DAY;

/// The shortest that a policy lets one be unused before it is stale.
const LEAST_STALE_AFTER: i64 = DAY;

/// How many numbers are looked at in one read, and in one step that ends any.
const RANGE: i64 = 2_000;

/// How many reads there are in one step that only counts.
const READS: i64 = 10;

/// The most that are revoked or removed in one change.
const AT_ONCE: usize = 50;

/// What the walk is called where it waits for a second look.
pub(in crate::service) const JOB: &str = "stale";

/// So many may always end in one round, and otherwise one in a hundred of the active: more than that is rather a clock that
/// is wrong, or a policy that nobody meant so, and waits.
const FEW: i64 = 10;

/// How long it waits, in seconds.
const WAITS: i64 = DAY;

/// What a round of the walk does.
#[derive(Clone, Copy, Debug)]
enum Round {
    /// Counts those that are to end, and the active.
    Counts { affected: i64, active: i64 },
    /// Ends no more than so many.
    Ends(usize),
}

impl Default for Round {
    fn default() -> Self {
        Self::Counts { affected: 0, active: 0 }
    }
}

/// Goes through all credentials, some at each step, first to count those that are to end and then, unless they are too many
/// at once, to end them; and begins anew. Several servers may do so at once.
#[derive(Debug, Default)]
pub(in crate::service) struct StaleWalk {
    /// All up to this number have been looked at in this round.
    upto: i64,
    round: Round,
}

impl StaleWalk {
    /// Looks at the next ones, unless the clock may be wrong.
    ///
    /// # Errors
    /// [`StoreError`]; then the same ones are looked at again.
    pub(in crate::service) async fn step(&mut self, core: &Core) -> Result<(), StoreError> {
        let Some(now) = core.may_clean_up().await? else { return Ok(()) };
        match self.round {
            Round::Counts { affected, active } => self.count(core, now, (affected, active)).await,
            Round::Ends(most) => self.end_some(core, now, most).await,
        }
    }

    async fn count(
        &mut self,
        core: &Core,
        now: Timestamp,
        (mut affected, mut active): (i64, i64),
    ) -> Result<(), StoreError> {
        for _ in 0..READS {
            let numbers = self.upto + 1..=self.upto + RANGE;
            let range = numbers.clone();
            let look = move |connection: &mut DbConnection| {
                let found = due(connection, &range, now)?.len() + over(connection, &range, now)?.len();
                let active = mass_changes::active(connection, (*range.start(), *range.end()))?;
                Ok::<_, StoreError>((found, active, numbers::last(connection, Numbered::Credential)?))
            };
            let (found, more, last) = core.db.read(look).await?;
            affected += i64::try_from(found).unwrap_or(i64::MAX);
            active += more;
            self.upto = *numbers.end();
            self.round = Round::Counts { affected, active };
            if self.upto >= last {
                let may_end = look_twice(core, now, (affected, active)).await?;
                (self.upto, self.round) = (0, if may_end { ends(affected) } else { Round::default() });
                break;
            }
        }
        Ok(())
    }

    async fn end_some(&mut self, core: &Core, now: Timestamp, most: usize) -> Result<(), StoreError> {
        let (numbers, limit) = (self.upto + 1..=self.upto + RANGE, most.min(AT_ONCE));
        let range = numbers.clone();
        let look = move |connection: &mut DbConnection| {
            let last = numbers::last(connection, Numbered::Credential)?;
            let found = due(connection, &range, now)?.len().max(over(connection, &range, now)?.len());
            Ok::<_, StoreError>((found, last))
        };
        let (found, last) = core.db.read(look).await?;
        let mut ended = 0;
        if found > 0 {
            // Read again under the lock of all changes: another server may have been faster.
            let range = numbers.clone();
            ended = core.changes.run(move |change| end(change, &range, now, limit)).await?;
        }
        self.round = Round::Ends(most.saturating_sub(ended));
        if found <= limit {
            self.upto = *numbers.end();
        }
        if self.upto >= last || ended >= most {
            (self.upto, self.round) = (0, Round::default());
        }
        Ok(())
    }
}

fn ends(affected: i64) -> Round {
    Round::Ends(usize::try_from(affected).unwrap_or(usize::MAX))
}

/// Whether so many may end now. Where they are many of the active, not before a day after that was noticed first.
async fn look_twice(core: &Core, now: Timestamp, (affected, active): (i64, i64)) -> Result<bool, StoreError> {
    if affected <= FEW.max(active / 100) {
        core.db.write(|connection| mass_changes::forget(connection, JOB)).await?;
        return Ok(affected > 0);
    }
    let change = MassChange { job: JOB.to_owned(), noticed_at: now, affected, active };
    let noticed_at = core.db.write(move |connection| mass_changes::notice(connection, change)).await?;
    let from = noticed_at.plus_seconds(WAITS);
    if now < from {
        tracing::warn!(affected, active, not_before = %from, "unusually many tokens are long stale: not ending them yet");
    } else {
        tracing::warn!(affected, active, %noticed_at, "unusually many tokens are long stale, also a day later: ending them");
    }
    Ok(now >= from)
}

/// Ends up to `limit`, and says how many.
fn end(
    change: &mut Change<'_>,
    range: &RangeInclusive<i64>,
    now: Timestamp,
    limit: usize,
) -> Result<usize, StoreError> {
    // Not by a clock that jumped meanwhile.
    let now = now.min(change.now);
    let mut ended = 0;
    for standing in due(change.connection, range, now)?.into_iter().take(limit) {
        revoke(change, &standing, Actor::SERVER, None, RevocationReason::Stale)?;
        ended += 1;
    }
    // Nobody has gone by these for long: no entry on the list.
    let mut removed = over(change.connection, range, now)?;
    removed.truncate(limit - ended);
    retention::remove_these(change.connection, &removed.iter().map(|over| over.id).collect::<Vec<_>>())?;
    for Over { id, number, organization_id } in removed {
        let (organization, subject) = (Some(organization_id), Some(id.to_string()));
        let detail = json!({ "number": number });
        change.record(Actor::SERVER, "credential.remove", organization, subject, Some(&detail))?;
        ended += 1;
    }
    Ok(ended)
}

/// Those that have been stale for so long that they end for good.
fn due(
    connection: &mut DbConnection,
    range: &RangeInclusive<i64>,
    now: Timestamp,
) -> Result<Vec<Standing>, StoreError> {
    let since = now.next().plus_seconds(-LEAST_STALE_AFTER - REVOKED_AFTER);
    let mut due = standings::unused(connection, range.clone(), since)?;
    due.retain(|standing| is_stale(standing, now.plus_seconds(-REVOKED_AFTER)));
    Ok(due)
}

fn over(connection: &mut DbConnection, range: &RangeInclusive<i64>, now: Timestamp) -> Result<Vec<Over>, StoreError> {
    stale::over(connection, range.clone(), now.plus_seconds(-REMOVED_AFTER), RANGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{clock::Clock as _, verdict::Refusal},
        service::{
            ExchangeError,
            testing::{Replica, block_on},
        },
        store::{audit, list},
    };

    /// The policy's own, a year.
    const STALE_AFTER: i64 = 365 * DAY;

    /// One round that counts and one that ends, with a clock that is trusted.
    fn step(replica: &Replica) {
        replica.trust_clock();
        let mut walk = StaleWalk::default();
        for _ in 0..2 {
            block_on(walk.step(replica.services.core())).unwrap();
        }
    }

    /// Which audit rows there are that a step wrote, by action and detail.
    fn written(replica: &Replica, f: impl FnOnce()) -> Vec<(String, String)> {
        let head = || block_on(replica.db.read::<_, StoreError>(list::head)).unwrap().seq;
        let before = head();
        f();
        let after = head();
        let read = move |connection: &mut DbConnection| audit::of_changes(connection, before + 1..=after);
        let rows = block_on(replica.db.read(read)).unwrap();
        rows.into_iter().map(|row| (row.action, row.detail.unwrap_or_default())).collect()
    }

    fn remaining(replica: &Replica) -> Vec<i64> {
        let all = |connection: &mut DbConnection| standings::numbered(connection, 0, 1000);
        let mut numbers: Vec<_> =
            block_on(replica.db.read(all)).unwrap().iter().map(|own| own.credential.number).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn what_is_long_stale_is_revoked_and_later_removed_and_what_is_used_is_not() {
        let replica = Replica::new();
        block_on(replica.presence.leave()).unwrap();
        let id = replica.credential_id();
        replica.clock.jump(STALE_AFTER - 1);
        replica.exchange().expect("not stale yet");
        block_on(replica.services.core().usage.flush_some(&replica.db)).unwrap();
        // The other one, the second, was never used.
        replica.clock.jump(REVOKED_AFTER);
        assert_eq!(written(&replica, || step(&replica)), []);
        replica.clock.jump(1);
        let revoked = vec![("credential.revoke".to_owned(), r#"{"number":2,"reason":"stale"}"#.to_owned())];
        assert_eq!(written(&replica, || step(&replica)), revoked);
        assert_eq!(written(&replica, || step(&replica.command_beside())), [], "once, whoever looks");
        replica.exchange().expect("used within a year");

        replica.clock.jump(REMOVED_AFTER);
        step(&replica);
        assert_eq!(remaining(&replica), [1, 2]);
        replica.execute(
            "UPDATE credentials SET rotated_from = (SELECT id FROM credentials WHERE number = 2) WHERE number = 1",
        );
        replica.execute("INSERT INTO usage_counts SELECT id, '2026-11-21', 'granted', 1 FROM credentials");
        replica.clock.jump(1);
        let removed = vec![("credential.remove".to_owned(), r#"{"number":2}"#.to_owned())];
        assert_eq!(written(&replica, || step(&replica)), removed);
        assert_eq!(remaining(&replica), [1]);
        let record = block_on(replica.db.read(move |c| standings::record_by_id(c, id))).unwrap().unwrap();
        assert_eq!(record.description.rotated_from, None);
        let counts = move |connection: &mut DbConnection| crate::store::usage::counts_of(connection, id, "2026-11-21");
        assert_eq!(block_on(replica.db.read(counts)).unwrap().len(), 2, "of the one that stays");
    }

    #[test]
    fn what_was_revoked_for_another_reason_is_kept() {
        let replica = Replica::new();
        block_on(replica.presence.leave()).unwrap();
        replica.revoke();
        replica.clock.jump(STALE_AFTER + REVOKED_AFTER);
        step(&replica);
        replica.clock.jump(REMOVED_AFTER + 1);
        step(&replica);
        assert_eq!(remaining(&replica), [1]);
        let outcome = replica.exchange();
        assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Revoked))), "{outcome:?}");
    }

    #[test]
    fn a_walk_comes_to_all_and_begins_anew() {
        let replica = Replica::new();
        block_on(replica.presence.leave()).unwrap();
        replica.execute("UPDATE credentials SET number = 12001 WHERE number = 2");
        replica.execute("UPDATE numbers SET last = 12001 WHERE name = 'credential'");
        replica.clock.jump(STALE_AFTER + REVOKED_AFTER);
        replica.trust_clock();
        let mut walk = StaleWalk::default();
        let mut found = Vec::new();
        for _ in 0..10 {
            found.push(written(&replica, || block_on(walk.step(replica.services.core())).unwrap()).len());
        }
        assert_eq!(found, [0, 1, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert!(matches!(walk.round, Round::Counts { .. }), "begun anew: {walk:?}");
    }

    #[test]
    fn with_a_clock_that_may_be_wrong_nothing_ends() {
        let replica = Replica::new();
        block_on(replica.presence.leave()).unwrap();
        replica.trust_clock();
        replica.clock.jump(10 * STALE_AFTER);
        let mut walk = StaleWalk::default();
        for _ in 0..4 {
            assert_eq!(written(&replica, || block_on(walk.step(replica.services.core())).unwrap()), []);
        }
        replica.clock.jump(-10 * STALE_AFTER);
        replica.exchange().expect("alive");
    }

    #[test]
    fn many_at_once_wait_for_a_second_look_a_day_later() {
        let replica = Replica::new();
        block_on(replica.presence.leave()).unwrap();
        let most = FEW + 1;
        replica.copy_credential(2, most - 2);
        let waiting = || block_on(replica.db.read(mass_changes::all)).unwrap();
        replica.clock.jump(STALE_AFTER + REVOKED_AFTER);
        let noticed_at = replica.clock.now();
        for _ in 0..2 {
            assert_eq!(written(&replica, || step(&replica)), []);
            let change = MassChange { job: JOB.to_owned(), noticed_at, affected: most, active: most };
            assert_eq!(waiting(), [change]);
        }
        replica.clock.jump(WAITS - 1);
        assert_eq!(written(&replica, || step(&replica)), []);
        replica.clock.jump(1);
        assert_eq!(written(&replica, || step(&replica)).len(), usize::try_from(most).unwrap());
        step(&replica);
        assert_eq!(waiting(), [], "nothing is left of it");
    }
}
