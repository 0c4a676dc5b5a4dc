//! Sessions: signing in with a password, and what comes of it.

mod password;

use std::{net::IpAddr, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use tracing::field::display;

use super::{
    authority::{Authority, Caller, Via},
    change::{Actor, Write},
    core::Core,
    error::ManageError,
    guesses::Guesses,
    passwords::{Passwords, Turn},
};
use crate::{
    domain::{
        clock::Timestamp,
        digest::SecretHash,
        email::Email,
        ids::{SessionId, UserId},
        means::Means,
        membership::{Membership, User},
        organization::Organization,
        source::Source,
        tagged_secret::{self, Purpose},
        verdict::is_expired,
    },
    store::{DbConnection, StoreError, memberships, sessions as store, users},
};

pub(crate) use store::Session;

/// A session ends after so many seconds without a request.
pub const IDLE_TTL: i64 = 12 * 3600;

/// A session ends after so many seconds in any case.
pub const MAX_TTL: i64 = 7 * 86_400;

/// The last request is noted to so many seconds, to spare writes.
const NOTED_EVERY: i64 = 60;

/// When a session ends if nobody uses it.
pub(crate) fn expires_at(session: &Session) -> Timestamp {
    session.last_seen_at.plus_seconds(IDLE_TTL).min(session.created_at.plus_seconds(MAX_TTL))
}

/// The session with this secret and its user, unless either is over.
pub(crate) fn live(
    connection: &mut DbConnection,
    hash: &SecretHash,
    now: Timestamp,
) -> Result<Option<(Session, User)>, StoreError> {
    let found = store::by_secret(connection, hash)?;
    let may = |user: &User| user.disabled_at.is_none() && user.kind.is_known();
    Ok(found.filter(|(session, user)| !is_expired(expires_at(session), now) && may(user)))
}

/// Notes, to the minute, that a session is in use. A database that cannot be written to now is no reason not to read.
pub(crate) async fn note(core: &Core, session: &mut Session, source: Source) {
    let (id, now) = (session.id, core.clock.now());
    if now < session.last_seen_at.plus_seconds(NOTED_EVERY) {
        return;
    }
    let request_id = source.request_id.map(display);
    match core.db.write::<_, StoreError>(move |connection| store::touch(connection, id, now)).await {
        Ok(()) => session.last_seen_at = now,
        Err(error) => tracing::warn!(request_id, %error, "cannot note that a session is in use"),
    }
}

fn text(hash: Option<&SecretString>) -> Option<&str> {
    hash.map(ExposeSecret::expose_secret)
}

/// Somebody signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The session's secret; only where the session begins.
    pub token: Option<SecretString>,
    /// When it ends if nobody uses it; `None` for a caller without a session.
    pub expires_at: Option<Timestamp>,
    /// Who.
    pub user: User,
    /// Where they are a member.
    pub memberships: Vec<(Membership, Arc<Organization>)>,
}

/// Somebody whose password was right, and the hash that said so.
#[derive(Clone)]
struct Checked {
    user: UserId,
    hash: Option<SecretString>,
}

/// Signs people in and out.
pub struct Sessions {
    pub(crate) core: Arc<Core>,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) guesses: Guesses,
}

impl Sessions {
    /// Signs in with e-mail address and password. Unknown, disabled, and wrong look and take the same.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`]; [`ManageError::Slowed`] after too many wrong passwords, right or not;
    /// [`ManageError::Busy`] if too many do so at once.
    pub async fn sign_in(&self, email: &str, password: SecretString, source: Source) -> Result<SignedIn, ManageError> {
        let signed_in = match self.check(email, password, source.address).await {
            Ok(checked) => self.begin(checked, source).await,
            Err(error) => Err(error),
        };
        self.core.metrics.signed_in(&signed_in);
        signed_in
    }

    /// Whose password this is.
    async fn check(&self, email: &str, password: SecretString, from: Option<IpAddr>) -> Result<Checked, ManageError> {
        let email = email.parse::<Email>().map_err(|_| email);
        let way = self.guesses.sign_in(email.as_ref().map_or_else(|text| *text, Email::as_str), from);
        // Before anything costly, and again when it is one's turn: others have guessed meanwhile.
        self.guesses.look(way)?;
        // Before anything is read: a flood of these must not become a flood of queries.
        let turn = self.passwords.turn().await?;
        let guess = self.guesses.begin(way)?;
        let checked = self.checked(turn, email.ok(), password).await;
        guess.settle(&checked);
        checked
    }

    async fn checked(&self, turn: Turn, email: Option<Email>, password: SecretString) -> Result<Checked, ManageError> {
        let known = match email {
            Some(email) => self.core.db.read(move |connection| users::by_email(connection, &email)).await?,
            None => None,
        };
        let (user, hash) = known.map_or((None, None), |(user, hash)| (Some(user), hash));
        let is_right = self.passwords.verify(turn, password, hash.clone()).await?;
        let may = |user: &User| user.disabled_at.is_none() && user.kind.is_known();
        let user = user.filter(|user| is_right && may(user)).ok_or(ManageError::Unauthenticated)?;
        Ok(Checked { user: user.id, hash })
    }

    /// Begins a session for whoever was checked.
    async fn begin(&self, checked: Checked, source: Source) -> Result<SignedIn, ManageError> {
        let core = &self.core;
        let now = core.clock.now();
        let (token, secret_hash) = tagged_secret::issue(Purpose::Session, core.keys.tag(), &*core.random);
        let session = Session {
            id: SessionId::generate(now, &*core.random),
            secret_hash,
            user_id: checked.user,
            created_at: now,
            last_seen_at: now,
        };
        let expires_at = expires_at(&session);
        let begin = move |write: &mut Write<'_>| {
            // Under the lock of the user's row again: while the password was checked the user may have been disabled or got a
            // new one. Whoever changes either takes that lock, and ends the sessions that are there then.
            users::hold(write.connection, checked.user)?;
            let current = users::by_id_with_password(write.connection, checked.user)?;
            let is_same = |now: &Option<SecretString>| text(now.as_ref()) == text(checked.hash.as_ref());
            let current = current.filter(|(user, now)| user.disabled_at.is_none() && is_same(now));
            let (user, _) = current.ok_or(ManageError::Unauthenticated)?;
            let actor = Actor { user: Some(user.id), credential: None, means: Means::Password, source };
            let memberships = memberships::current_of(write.connection, user.id)?;
            let own = memberships.iter().map(|(own, _)| own);
            write.record_own(actor, "session.create", own, &session.id.to_string())?;
            store::insert(write.connection, session)?;
            Ok::<_, ManageError>((user, memberships))
        };
        let (user, memberships) = core.changes.write(begin).await?;
        let memberships = memberships.into_iter().map(|(own, organization)| (own, Arc::new(organization))).collect();
        Ok(SignedIn { token: Some(token), expires_at: Some(expires_at), user, memberships })
    }

    /// Who is calling.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`].
    pub async fn current(&self, caller: &Caller) -> Result<SignedIn, ManageError> {
        let Authority { user, via, memberships, .. } = self.core.authenticate(caller).await?;
        let expires_at = match &via {
            Via::Session(session) => Some(expires_at(session)),
            Via::Credential(..) => None,
        };
        Ok(SignedIn { token: None, expires_at, user, memberships })
    }

    /// Ends the session that is calling.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`]; [`ManageError::Forbidden`] for a caller without a session.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), ManageError> {
        let core = self.core.clone();
        let caller = caller.clone();
        core.authenticate(&caller).await?;
        let inner = core.clone();
        let end = move |write: &mut Write<'_>| {
            let authority = inner.authority(write.connection, &caller, write.now)?;
            let Via::Session(session) = &authority.via else {
                return Err(ManageError::Forbidden("only a session can be ended"));
            };
            store::delete(write.connection, session.id)?;
            let own = authority.memberships.iter().map(|(own, _)| own);
            write.record_own(authority.actor(), "session.delete", own, &session.id.to_string())?;
            Ok(())
        };
        core.changes.write(end).await
    }
}

#[cfg(test)]
mod tests;
