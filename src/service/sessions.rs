//! Sessions: signing in with a password, and what comes of it.

use std::{fmt::Write as _, net::IpAddr, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    authority::{Authority, Caller, Via},
    change::Actor,
    core::Core,
    error::ManageError,
    passwords::Passwords,
};
use crate::{
    domain::{
        clock::Timestamp,
        digest::SecretHash,
        email::Email,
        ids::SessionId,
        membership::{Membership, User},
        organization::Organization,
        random,
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

const PREFIX: &str = "pms_";
const HEX_DIGITS: usize = 64;

/// The session secret that `token` is by its form; it may belong to nobody.
pub(crate) fn secret_of(token: &str) -> Option<SecretString> {
    let digits = token.strip_prefix(PREFIX)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    (digits.len() == HEX_DIGITS && is_hex).then(|| token.into())
}

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
    Ok(found.filter(|(session, user)| !is_expired(expires_at(session), now) && user.disabled_at.is_none()))
}

/// Notes, to the minute, that a session is in use.
pub(crate) async fn note(core: &Core, session: &mut Session) -> Result<(), StoreError> {
    let now = core.clock.now();
    if now < session.last_seen_at.plus_seconds(NOTED_EVERY) {
        return Ok(());
    }
    session.last_seen_at = now;
    let id = session.id;
    core.db.write(move |connection| store::touch(connection, id, now)).await
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

/// Signs people in and out.
pub struct Sessions {
    pub(crate) core: Arc<Core>,
    pub(crate) passwords: Arc<Passwords>,
}

impl Sessions {
    /// Signs in with e-mail address and password. Unknown, disabled, and wrong look and take the same.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`], or [`ManageError::Store`] with `Busy` if too many do so at once.
    pub async fn sign_in(
        &self,
        email: &str,
        password: SecretString,
        address: Option<IpAddr>,
    ) -> Result<SignedIn, ManageError> {
        let core = &self.core;
        let known = match email.parse::<Email>() {
            Ok(email) => core.db.read(move |connection| users::by_email(connection, &email)).await?,
            Err(_) => None,
        };
        let (user, hash) = known.map_or((None, None), |(user, hash)| (Some(user), hash));
        let is_right = self.passwords.verify(password, hash).await?;
        let user = user.filter(|user| is_right && user.disabled_at.is_none()).ok_or(ManageError::Unauthenticated)?;
        let token = random::bytes::<32>(&*core.random).iter().fold(PREFIX.to_owned(), |mut token, byte| {
            // Writing to a String cannot fail.
            let _ = write!(token, "{byte:02x}");
            token
        });
        let now = core.clock.now();
        let session = Session {
            id: SessionId::generate(now, &*core.random),
            secret_hash: SecretHash::of(token.as_bytes()),
            user_id: user.id,
            created_at: now,
            last_seen_at: now,
        };
        let expires_at = expires_at(&session);
        let begin = move |change: &mut super::change::Change<'_>| {
            // Under the lock again: the user may have been disabled while the password was checked.
            let user = users::by_id(change.connection, user.id)?.filter(|user| user.disabled_at.is_none());
            let user = user.ok_or(ManageError::Unauthenticated)?;
            let actor = Actor { user: Some(user.id), credential: None, address };
            change.record(actor, "session.create", None, Some(session.id.to_string()), None)?;
            store::insert(change.connection, session)?;
            let memberships = memberships::current_of(change.connection, user.id)?;
            Ok::<_, ManageError>((user, memberships))
        };
        let (user, memberships) = core.changes.run(begin).await?;
        let memberships = memberships.into_iter().map(|(own, organization)| (own, Arc::new(organization))).collect();
        Ok(SignedIn { token: Some(token.into()), expires_at: Some(expires_at), user, memberships })
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
        let end = move |change: &mut super::change::Change<'_>| {
            let authority = inner.authority(change.connection, &caller, change.now)?;
            let Via::Session(session) = &authority.via else {
                return Err(ManageError::Forbidden("only a session can be ended"));
            };
            store::delete(change.connection, session.id)?;
            change.record(authority.actor(), "session.delete", None, Some(session.id.to_string()), None)?;
            Ok(())
        };
        core.changes.run(end).await
    }

    /// A password that nobody guesses.
    #[must_use]
    pub fn new_password(&self) -> SecretString {
        super::bootstrap::new_password(&*self.core.random)
    }

    /// Gives the user with this address a new password and ends their sessions; for the command line.
    ///
    /// # Errors
    /// [`ManageError::NotFound`], [`ManageError::Invalid`].
    pub async fn reset_password(&self, email: &str, password: SecretString) -> Result<User, ManageError> {
        crate::domain::password::check(password.expose_secret())
            .map_err(|error| super::error::invalid("password", super::bootstrap::problem(error)))?;
        let email: Email = email.parse().map_err(|_| ManageError::NotFound)?;
        let hash = self.passwords.hash(password).await?;
        let reset = move |change: &mut super::change::Change<'_>| {
            let (user, _) = users::by_email(change.connection, &email)?.ok_or(ManageError::NotFound)?;
            users::set_password(change.connection, user.id, &hash)?;
            store::delete_of(change.connection, user.id)?;
            change.record(Actor::default(), "user.reset_password", None, Some(user.id.to_string()), None)?;
            Ok(user)
        };
        self.core.changes.run(reset).await
    }
}
