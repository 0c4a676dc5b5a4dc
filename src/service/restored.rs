//! After a backup was restored: the list goes on above all that was before, and nobody remembers what is not there any
//! more; if asked, everything issued before a moment is revoked for good.

use std::sync::Arc;

use serde_json::json;

use super::{
    change::{Actor, Change},
    core::Core,
    error::{ManageError, invalid},
    exchange::Point,
};
use crate::{
    domain::{clock::Timestamp, list::Target},
    store::{
        StoreError,
        credentials::{self, LiveBefore},
        organizations, sessions,
    },
};

/// What was revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// How many organizations had credentials to revoke.
    pub organizations: usize,
    /// How many credentials created before the moment were not revoked yet.
    pub credentials: i64,
    /// How many sessions were ended.
    pub sessions: usize,
}

/// Sets right what a restored backup leaves behind.
pub struct Restoration {
    pub(crate) core: Arc<Core>,
}

impl Restoration {
    /// Raises the counter to the clock, as each change does, and makes every server drop its memory. With `before`, also revokes every
    /// credential created before that moment, ends the sessions begun before it, and all access tokens that are out. With
    /// millions of credentials that takes a while, in which changes are refused and exchanges go on.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] if `before` is in the future.
    pub async fn run(&self, before: Option<Timestamp>) -> Result<Option<Revoked>, ManageError> {
        if before.is_some_and(|before| before > self.core.clock.now()) {
            return Err(invalid("--revoke-issued-before", "must not be in the future"));
        }
        let pauses = self.core.changes.pauses.clone();
        let restore = move |change: &mut Change<'_>| {
            pauses.at(Point::Restoring);
            let revoked = before.map(|before| revoke_issued_before(change, before)).transpose()?;
            // Access tokens that name nobody who is there any more are out, too.
            change.append(Target::Unknown, revoked.is_some())?;
            let detail = revoked.map(|Revoked { organizations, credentials, sessions }| {
                json!({
                    "revoke_issued_before": before,
                    "organizations": organizations,
                    "credentials": credentials,
                    "sessions": sessions,
                })
            });
            change.record(Actor::COMMAND, "database.restored", None, None, detail.as_ref())?;
            Ok::<_, ManageError>(revoked)
        };
        self.core.changes.run_at_length(restore).await
    }
}

fn revoke_issued_before(change: &mut Change<'_>, before: Timestamp) -> Result<Revoked, StoreError> {
    tracing::info!("looking through all tokens; until that is done changes are refused, and exchanges go on");
    let mut revoked = Revoked::default();
    for LiveBefore { organization, last, count } in credentials::live_before(change.connection, before)? {
        organizations::revoke_up_to(change.connection, organization, last)?;
        revoked.organizations += 1;
        revoked.credentials += count;
    }
    // Last: who uses a session meanwhile would have to wait for its row.
    revoked.sessions = sessions::delete_begun_before(change.connection, before)?;
    Ok(revoked)
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;
    use crate::{
        domain::{clock::Clock as _, verdict::Refusal},
        service::{
            ExchangeError,
            testing::{Replica, block_on},
        },
    };

    const A_SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_server_goes_on_by_what_was_until_all_of_it_is_revoked() {
        let replica = Replica::warm();
        replica.clock.advance(A_SECOND);
        replica.follow();
        // The other one is not registered, and reads the database each time.
        let (command, other) = (replica.command_beside(), replica.beside());
        command.pauses.arm(Point::Restoring);
        command.pauses.arm(Point::OthersBehind);
        let (services, before) = (command.services.clone(), replica.clock.now());
        let restoring = thread::spawn(move || block_on(services.restoration.run(Some(before))).unwrap());
        command.pauses.await_reached(Point::Restoring);
        replica.follow();
        replica.exchange().expect("from memory");
        other.exchange().expect("from the database");
        assert_eq!(replica.feed(0).unwrap().page.entries, []);
        command.pauses.release(Point::Restoring);

        command.pauses.await_reached(Point::OthersBehind);
        replica.follow();
        let entries = replica.feed(0).unwrap().page.entries;
        assert!(matches!(*entries, [entry] if entry.target == Target::Unknown), "{entries:?}");
        for server in [&replica, &other] {
            let outcome = server.exchange();
            assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Revoked))), "{outcome:?}");
        }
        replica.note();
        command.pauses.release(Point::OthersBehind);
        assert_eq!(restoring.join().unwrap(), Some(Revoked { organizations: 1, credentials: 2, sessions: 0 }));
    }

    #[test]
    fn each_organization_has_its_own_end_and_what_was_revoked_is_not_counted() {
        let replica = Replica::new();
        block_on(replica.presence.leave()).unwrap();
        let restore = || {
            let before = replica.clock.now();
            block_on(replica.command_beside().services.restoration.run(Some(before))).unwrap().unwrap()
        };
        let number = |credential: &str, seq: i64, revoked_at: &str| {
            replica.execute(&format!(
                "UPDATE credentials SET created_seq = {seq}, revoked_at = {revoked_at} WHERE number = {credential}"
            ));
        };
        let other = "0199aaaa-0000-7000-8000-000000000000";
        replica.execute(&format!(
            "INSERT INTO organizations SELECT '{other}', 9, 'other', 'Other', policy, 0, 0, created_at, NULL FROM organizations;
             INSERT INTO memberships
             SELECT '{other}', user_id, role, member_groups, created_at, ended_at, revoked_seq FROM memberships;
             UPDATE credentials SET organization_id = '{other}' WHERE number = 2"
        ));
        assert_eq!(restore(), Revoked::default(), "not before that moment");
        replica.clock.advance(A_SECOND);
        number("1", 10, "NULL");
        number("2", 20, "created_at");
        assert_eq!(restore(), Revoked { organizations: 1, credentials: 1, sessions: 0 });
        number("1", 11, "NULL");
        number("2", 20, "NULL");
        assert_eq!(
            restore(),
            Revoked { organizations: 2, credentials: 2, sessions: 0 },
            "11 is not up to 10, 20 was not due"
        );
        assert_eq!(restore(), Revoked::default(), "again");
    }
}
