//! Ends credentials that were replaced, once the new one has been used.

use super::{revoke::revoke, rotate::MIN_OVERLAP_BY_TOKEN};
use crate::{
    domain::credential::{LookupKey, RevocationReason},
    service::{
        change::{Actor, Change},
        core::Core,
    },
    store::{StoreError, rotations, standings},
};

/// The most that end in one change.
const AT_ONCE: i64 = 100;

/// Ends those whose successors have been used, as far as that is written. Several servers may do so at once.
///
/// # Errors
/// [`StoreError`].
pub(in crate::service) async fn end_replaced(core: &Core) -> Result<(), StoreError> {
    // A token that replaced itself lives so long in any case.
    let before = core.clock.now().plus_seconds(-MIN_OVERLAP_BY_TOKEN);
    // Before the lock of all changes: mostly there are none.
    if core.db.read(move |connection| rotations::used(connection, before, 1)).await?.is_empty() {
        return Ok(());
    }
    let end = move |change: &mut Change<'_>| {
        for (new, old) in rotations::used(change.connection, before, AT_ONCE)? {
            if let Some(standing) = standings::by_key(change.connection, LookupKey::Id(old))? {
                revoke(change, &standing, Actor::SERVER, None, RevocationReason::Rotated)?;
            }
            rotations::finish(change.connection, new)?;
        }
        Ok::<_, StoreError>(())
    };
    core.changes.run(end).await
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread, time::Duration};

    use secrecy::ExposeSecret as _;

    use crate::{
        domain::{
            source::Source,
            verdict::{Asked, Refusal},
        },
        service::{
            ExchangeError, Rotation,
            testing::{Replica, block_on},
        },
        store::{audit, list},
    };

    use super::*;

    fn end(replica: &Replica) {
        block_on(end_replaced(replica.services.core())).unwrap();
    }

    #[test]
    fn it_ends_once_the_use_of_the_new_one_was_seen_whoever_sees_it() {
        let replica = Replica::new();
        block_on(replica.presence.leave()).unwrap();
        let services = &replica.services;
        let signed_in =
            block_on(services.sessions.sign_in("ada@acme.example", replica.password.clone(), Source::default()))
                .unwrap();
        let caller = services.credentials.caller(signed_in.token.unwrap().expose_secret(), Source::default()).unwrap();
        let rotation = Rotation { after_use: true, ..Rotation::default() };
        let rotate = services.credentials.rotate(&caller, replica.credential_id(), rotation);
        let (_, new) = block_on(rotate).unwrap();
        end(&replica);
        replica.exchange().expect("the new one was not used");
        block_on(services.exchange.exchange(new.expose_secret(), &Asked::default())).expect("the new one");
        end(&replica);
        replica.exchange().expect("its use is not written yet");
        block_on(services.core().usage.flush_some(&replica.db)).unwrap();
        replica.clock.advance(Duration::from_secs(59));
        end(&replica);
        replica.exchange().expect("the first minute is not over");
        replica.clock.advance(Duration::from_secs(1));

        let before = block_on(replica.db.read::<_, StoreError>(list::head)).unwrap().seq;
        let (other, start) = (replica.beside(), Barrier::new(2));
        thread::scope(|scope| {
            for server in [&replica, &other] {
                scope.spawn(|| {
                    start.wait();
                    end(server);
                });
            }
        });
        let outcome = replica.exchange();
        assert!(matches!(outcome, Err(ExchangeError::Refused(Refusal::Revoked))), "{outcome:?}");
        block_on(services.exchange.exchange(new.expose_secret(), &Asked::default())).expect("the new one");
        let written = move |connection: &mut _| {
            let entries = list::entries(connection, before, i64::MAX)?;
            let mut records = Vec::new();
            for entry in &entries {
                records.extend(audit::of_changes(connection, entry.seq..=entry.seq)?);
            }
            Ok::<_, StoreError>((entries.len(), records))
        };
        let (entries, records) = block_on(replica.db.read(written)).unwrap();
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!((entries, record.action.as_str()), (1, "credential.revoke"));
        assert!(record.detail.as_deref().unwrap().contains("\"reason\":\"rotated\""), "{record:?}");
        let after = block_on(replica.db.read::<_, StoreError>(list::head)).unwrap().seq;
        end(&replica);
        assert_eq!(block_on(replica.db.read::<_, StoreError>(list::head)).unwrap().seq, after, "nothing is left to do");
    }
}
