//! Revokes credentials that have been stale for long, and removes them long after that.

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

/// How many numbers are looked at in one step.
const RANGE: i64 = 2_000;

/// The most that are revoked or removed in one change.
const AT_ONCE: usize = 50;

/// Goes through all credentials, some at each step, and begins anew at the end. Several servers may do so at once.
#[derive(Debug, Default)]
pub(in crate::service) struct StaleWalk {
    /// All up to this number have been looked at.
    upto: i64,
}

impl StaleWalk {
    /// Looks at the next ones.
    ///
    /// # Errors
    /// [`StoreError`]; then the same ones are looked at again.
    pub(in crate::service) async fn step(&mut self, core: &Core) -> Result<(), StoreError> {
        let (now, numbers) = (core.clock.now(), self.upto + 1..=self.upto + RANGE);
        let range = numbers.clone();
        let look = move |connection: &mut DbConnection| {
            let last = numbers::last(connection, Numbered::Credential)?;
            let found = due(connection, &range, now)?.len().max(over(connection, &range, now)?.len());
            Ok::<_, StoreError>((found, last))
        };
        let (found, last) = core.db.read(look).await?;
        if found > 0 {
            // Read again under the lock of all changes: another server may have been faster.
            let range = numbers.clone();
            core.changes.run(move |change| end(change, &range)).await?;
        }
        if found < AT_ONCE {
            self.upto = if *numbers.end() < last { *numbers.end() } else { 0 };
        }
        Ok(())
    }
}

fn end(change: &mut Change<'_>, range: &RangeInclusive<i64>) -> Result<(), StoreError> {
    for standing in due(change.connection, range, change.now)? {
        revoke(change, &standing, Actor::SERVER, None, RevocationReason::Stale)?;
    }
    // Nobody has gone by these for long: no entry on the list.
    let removed = over(change.connection, range, change.now)?;
    retention::remove_these(change.connection, &removed.iter().map(|over| over.id).collect::<Vec<_>>())?;
    for Over { id, number, organization_id } in removed {
        let (organization, subject) = (Some(organization_id), Some(id.to_string()));
        let detail = json!({ "number": number });
        change.record(Actor::SERVER, "credential.remove", organization, subject, Some(&detail))?;
    }
    Ok(())
}

/// Those that have been stale for so long that they end for good.
fn due(
    connection: &mut DbConnection,
    range: &RangeInclusive<i64>,
    now: Timestamp,
) -> Result<Vec<Standing>, StoreError> {
    // Moments are compared in whole seconds.
    let since = now.plus_seconds(1 - LEAST_STALE_AFTER - REVOKED_AFTER);
    let mut due = standings::unused(connection, range.clone(), since)?;
    due.retain(|standing| is_stale(standing, now.plus_seconds(-REVOKED_AFTER)));
    due.truncate(AT_ONCE);
    Ok(due)
}

fn over(connection: &mut DbConnection, range: &RangeInclusive<i64>, now: Timestamp) -> Result<Vec<Over>, StoreError> {
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    stale::over(connection, range.clone(), now.plus_seconds(-REMOVED_AFTER), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::verdict::Refusal,
        service::{
            ExchangeError,
            testing::{Replica, block_on},
        },
        store::{audit, list},
    };

    /// The policy's own, a year.
    const STALE_AFTER: i64 = 365 * DAY;

    fn step(replica: &Replica) {
        block_on(StaleWalk::default().step(replica.services.core())).unwrap();
    }

    /// Which audit rows there are that a step wrote, by action and detail.
    fn written(replica: &Replica, f: impl FnOnce()) -> Vec<(String, String)> {
        let head = || block_on(replica.db.read::<_, StoreError>(list::head)).unwrap().seq;
        let before = head();
        f();
        let after = head();
        let read = move |connection: &mut DbConnection| {
            let rows = (before + 1..=after).map(|seq| audit::of_change(connection, seq));
            Ok::<_, StoreError>(rows.collect::<Result<Vec<_>, _>>()?.concat())
        };
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
        let mut walk = StaleWalk::default();
        let mut found = Vec::new();
        for _ in 0..8 {
            found.push(written(&replica, || block_on(walk.step(replica.services.core())).unwrap()).len());
        }
        assert_eq!(found, [1, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(walk.upto, RANGE, "begun anew");
    }
}
