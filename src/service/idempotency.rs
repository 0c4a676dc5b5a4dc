//! A request that is sent again makes nothing twice (`Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header).
//!
//! A client that loses an answer cannot know whether what it asked for was done, and a second try may find no place under
//! the limit, or a token that is dead. So what a request with a key creates is noted in the change that creates it, and the
//! same key of the same caller leads to the same thing for a day. No secret is kept: a repeat is given a fresh one, which
//! takes the place of the one that was never seen. The caller's rights are judged anew each time.
//!
//! The lock of all changes puts two requests with one key in order, on one server or several. While the first runs on the
//! same server, the second is told so, since it would take away the secret that the first is about to be answered.

use std::{
    collections::HashSet,
    fmt::Display,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    authority::{Authority, Caller},
    change::Change,
    core::Core,
    error::{ManageError, conflict},
};
use crate::{
    domain::{
        idempotency::{IdempotencyKey, LIFETIME},
        verdict::is_expired,
    },
    store::{
        StoreError,
        idempotency_keys::{self as store, Fulfilled},
    },
};

/// The keys of the requests that run on this server.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<[u8; 32]>>>);

/// A request in flight, until it is dropped.
struct Flight {
    all: InFlight,
    key: [u8; 32],
}

impl InFlight {
    /// `None` while another request with this key is in flight.
    fn begin(&self, key: [u8; 32]) -> Option<Flight> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        is_new.then(|| Flight { all: self.clone(), key })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// A request in its change, perhaps with a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt(Option<IdempotencyKey>);

impl Attempt {
    /// The id of what an earlier request with this key created.
    ///
    /// # Errors
    /// [`ManageError::KeyReused`] if that one asked for something else.
    pub(crate) fn created<Id: FromStr>(self, change: &mut Change<'_>) -> Result<Option<Id>, ManageError> {
        let Some(own) = self.0 else { return Ok(None) };
        let Some(earlier) = store::find(change.connection, &own.key)? else { return Ok(None) };
        if is_expired(earlier.created_at.plus_seconds(LIFETIME), change.now) {
            store::remove(change.connection, &own.key)?;
            return Ok(None);
        }
        if !earlier.request_hash.matches(&own.request) {
            return Err(ManageError::KeyReused);
        }
        let id = earlier.created_id.parse();
        id.map(Some).map_err(|_| ManageError::Defect("an id of another kind under an idempotency key".to_owned()))
    }

    /// Notes what this request created.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn note(self, change: &mut Change<'_>, id: impl Display) -> Result<(), StoreError> {
        let Some(own) = self.0 else { return Ok(()) };
        let fulfilled = Fulfilled {
            key_hash: own.key,
            request_hash: own.request,
            created_id: id.to_string(),
            created_at: change.now,
        };
        store::insert(change.connection, fulfilled)
    }
}

impl Core {
    /// Runs `create` as one change by `caller`, whom `authority` knows already outside of it; it is handed the authority that
    /// the caller has under its lock.
    ///
    /// # Errors
    /// What `create` says; [`ManageError::Conflict`] while a request with the same key runs here.
    pub(crate) async fn create_once<T: Send + 'static>(
        self: &Arc<Self>,
        caller: &Caller,
        authority: &Authority,
        create: impl FnOnce(&mut Change<'_>, &Authority, Attempt) -> Result<T, ManageError> + Clone + Send + 'static,
    ) -> Result<T, ManageError> {
        // A session stands for its person, who may sign in again meanwhile; a token only for itself: what another one of
        // the same person's has made is not its to ask for again.
        let id = match authority.credential() {
            Some(standing) => standing.credential.id.to_string(),
            None => authority.user.id.to_string(),
        };
        let key = caller.idempotency_key.map(|key| key.of_caller(&id));
        let _flight = key.map(|key| self.in_flight.begin(*key.key.as_bytes()).ok_or_else(in_progress)).transpose()?;
        let (core, caller) = (self.clone(), caller.clone());
        let change = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            create(change, &authority, Attempt(key))
        };
        self.changes.run(change).await
    }
}

fn in_progress() -> ManageError {
    conflict(
        "idempotency_in_progress",
        "a request with this Idempotency-Key still runs; send it again when that has ended",
    )
}

#[cfg(test)]
mod tests {
    use std::thread;

    use secrecy::ExposeSecret as _;

    use crate::{
        domain::{
            credential::{CredentialKind, Permission},
            source::Source,
        },
        service::{
            Expiry, NewToken,
            exchange::Point,
            testing::{Replica, block_on},
        },
    };

    use super::*;

    fn create(replica: &Replica, caller: &Caller) -> Result<(), ManageError> {
        let new = NewToken {
            name: "laptop".to_owned(),
            kind: CredentialKind::Opaque,
            permission: Permission::ReadWrite,
            scopes: None,
            audiences: None,
            expiry: Expiry::ByPolicy,
        };
        block_on(replica.services.credentials.create(caller, None, new)).map(drop)
    }

    #[test]
    fn while_the_first_runs_the_second_is_told_so() {
        let replica = Replica::new();
        block_on(replica.presence.leave()).unwrap();
        let services = &replica.services;
        let sign_in = services.sessions.sign_in("ada@acme.example", replica.password.clone(), Source::default());
        let session = block_on(sign_in).unwrap().token.unwrap();
        let caller = services.credentials.caller(session.expose_secret(), Source::default()).unwrap();
        let keyed = |key: &str| {
            let idempotency_key = Some(IdempotencyKey::new(key, "POST", "/", "{}"));
            Caller { idempotency_key, ..caller.clone() }
        };
        replica.pauses.arm(Point::Changing);
        thread::scope(|scope| {
            let first = scope.spawn(|| create(&replica, &keyed("one")));
            replica.pauses.await_reached(Point::Changing);
            let second = create(&replica, &keyed("one"));
            create(&replica, &keyed("other")).expect("another key");
            create(&replica, &caller).expect("no key");
            replica.pauses.release(Point::Changing);
            first.join().unwrap().expect("the first");
            let code = if let Err(ManageError::Conflict { code, .. }) = second { code } else { "" };
            assert_eq!(code, "idempotency_in_progress");
        });
        create(&replica, &keyed("one")).expect("a repeat, when the first has ended");
        let key = IdempotencyKey::new("one", "POST", "/", "{}").key;
        let flight = services.core().in_flight.begin(*key.as_bytes());
        assert!(flight.is_some() && services.core().in_flight.begin(*key.as_bytes()).is_none());
        drop(flight);
        assert!(services.core().in_flight.begin(*key.as_bytes()).is_some(), "ends also when its caller hung up");
    }
}
