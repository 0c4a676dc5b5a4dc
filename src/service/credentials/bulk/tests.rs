use std::{
    thread::{self, JoinHandle},
    time::Duration,
};

use secrecy::ExposeSecret as _;

use super::*;
use crate::{
    domain::{
        clock::Clock as _,
        credential::{CredentialKind, Permission},
        source::Source,
        verdict::{Refusal, State},
    },
    service::{
        ExchangeError, Expiry, NewToken,
        testing::{Replica, block_on},
    },
};

/// A replica that nobody has to wait for, and its admin.
fn replica() -> (Replica, Caller) {
    let replica = Replica::new();
    block_on(replica.presence.leave()).unwrap();
    let signed_in = sign_in(&replica);
    let caller = replica.services.credentials.caller(&signed_in, Source::default()).unwrap();
    (replica, caller)
}

fn sign_in(replica: &Replica) -> String {
    let sessions = &replica.services.sessions;
    let signed_in = block_on(sessions.sign_in("ada@acme.example", replica.password.clone(), Source::default()));
    signed_in.unwrap().token.unwrap().expose_secret().to_owned()
}

fn create(replica: &Replica, caller: &Caller) -> CredentialId {
    let new = NewToken {
        name: "laptop".to_owned(),
        kind: CredentialKind::Opaque,
        permission: Permission::ReadWrite,
        scopes: None,
        audiences: None,
        expiry: Expiry::Never,
    };
    let (seen, _) = block_on(replica.services.credentials.create(caller, None, new)).unwrap();
    seen.record.standing.credential.id
}

/// Begins a revocation, and stops it when it has counted its first batch.
fn revoke_apart(replica: &Replica, caller: &Caller, which: Which) -> JoinHandle<Result<usize, ManageError>> {
    replica.pauses.arm(Point::BatchCounted);
    let (services, caller) = (replica.services.clone(), caller.clone());
    let revoking = thread::spawn(move || block_on(services.credentials.revoke_many(&caller, "acme", which)));
    replica.pauses.await_reached(Point::BatchCounted);
    revoking
}

fn revoke(replica: &Replica, caller: &Caller, which: Which) -> Result<usize, ManageError> {
    block_on(replica.services.credentials.revoke_many(caller, "acme", which))
}

fn is_alive(replica: &Replica) -> bool {
    match replica.exchange() {
        Ok(_) => true,
        Err(ExchangeError::Refused(Refusal::Revoked)) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn while_an_organization_is_counted_all_others_are_served() {
    let (replica, caller) = replica();
    // With the two that there are, three batches.
    let ids: Vec<_> = (0..6).map(|_| create(&replica, &caller)).collect();
    let revoking = revoke_apart(&replica, &caller, Which::All);
    let pool = replica.db.pool_state();
    assert_eq!(pool.open, pool.idle, "no connection is taken");
    sign_in(&replica);
    create(&replica, &caller);
    assert!(is_alive(&replica));
    assert_eq!(revoke(&replica, &caller, Which::These(ids[5..].to_vec())).unwrap(), 1);
    let now = replica.clock.now();
    for which in [Which::All, Which::CreatedBefore(now)] {
        let refused = revoke(&replica, &caller, which);
        assert!(matches!(refused, Err(ManageError::Busy)), "one at a time: {refused:?}");
    }
    replica.pauses.release(Point::BatchCounted);
    assert_eq!(revoking.join().unwrap().unwrap(), 8, "the one created meanwhile, and not the one revoked meanwhile");
    assert!(!is_alive(&replica));
    assert_eq!(revoke(&replica, &caller, Which::All).unwrap(), 0, "all of them, and the next one may");
}

#[test]
fn what_is_committed_during_the_count_is_revoked_by_its_time_of_creation() {
    let (replica, caller) = replica();
    replica.clock.advance(Duration::from_secs(10));
    let before = replica.clock.now();
    let revoking = revoke_apart(&replica, &caller, Which::CreatedBefore(before));
    let [earlier, later] = [create(&replica, &caller), create(&replica, &caller)];
    // Its change was stamped before, and had to wait for the lock.
    replica.execute(&format!("UPDATE credentials SET created_at = '2026-11-21 10:00:00' WHERE id = '{earlier}'"));
    replica.pauses.release(Point::BatchCounted);
    assert_eq!(revoking.join().unwrap().unwrap(), 3);
    let state = |id| block_on(replica.services.credentials.get(&caller, id)).unwrap().state;
    assert_eq!(state(earlier), State::Revoked);
    assert_eq!(state(later), State::Active);
}

#[test]
fn with_too_many_created_meanwhile_nothing_is_revoked_and_the_lock_is_not_held() {
    let (replica, caller) = replica();
    let revoking = revoke_apart(&replica, &caller, Which::All);
    for _ in 0..3 {
        create(&replica, &caller);
    }
    replica.pauses.release(Point::BatchCounted);
    let refused = revoking.join().unwrap();
    assert!(matches!(refused, Err(ManageError::Busy)), "{refused:?}");
    assert!(is_alive(&replica));
    assert_eq!(revoke(&replica, &caller, Which::All).unwrap(), 5);
}

#[test]
fn all_of_a_member_are_counted_in_batches_too() {
    let (replica, caller) = replica();
    for _ in 0..6 {
        create(&replica, &caller);
    }
    let owner = block_on(replica.services.credentials.get(&caller, replica.credential_id())).unwrap();
    let owner = owner.record.standing.credential.owner_id;
    assert_eq!(revoke(&replica, &caller, Which::Of(owner)).unwrap(), 8);
    assert!(!is_alive(&replica));
}
