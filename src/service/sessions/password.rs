//! A new password: one's own, or another's from the command line.

use secrecy::{ExposeSecret as _, SecretString};

use super::{Sessions, store, text};
use crate::{
    domain::{email::Email, ids::UserId, membership::User, password},
    service::{
        authority::{Caller, Via},
        change::{Actor, Change},
        error::{self, ManageError},
        passwords,
    },
    store::users,
};

fn wrong() -> ManageError {
    error::invalid("current_password", "is wrong")
}

impl Sessions {
    /// Changes the caller's own password and ends their other sessions.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for a caller without a session; [`ManageError::Invalid`] for either password;
    /// [`ManageError::Slowed`] after too many wrong ones; [`ManageError::Busy`] if too many do so at once.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: SecretString,
        new: SecretString,
    ) -> Result<(), ManageError> {
        let authority = self.core.authenticate(caller).await?;
        authority.signed_in()?;
        password::check(new.expose_secret()).map_err(|error| error::invalid("new_password", error.to_string()))?;
        let id = authority.user.id;
        let checked = self.check_own(id, current).await?;
        let hash = self.passwords.hash(new).await?;
        let (core, caller) = (self.core.clone(), caller.clone());
        let set = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let Via::Session(session) = &authority.via else { return Err(ManageError::Unauthenticated) };
            // While it was checked an operator may have set another one.
            let now = users::by_id_with_password(change.connection, id)?.and_then(|(_, hash)| hash);
            if text(now.as_ref()) != text(checked.as_ref()) {
                return Err(wrong());
            }
            users::set_password(change.connection, id, &hash)?;
            store::delete_others_of(change.connection, id, session.id)?;
            let own = authority.memberships.iter().map(|(own, _)| own);
            change.record_own(authority.actor(), "user.change_password", own, &id.to_string())?;
            Ok(())
        };
        self.core.changes.run(set).await
    }

    /// The hash of the user's password, if `current` is it: a session that was left open is no password.
    async fn check_own(&self, id: UserId, current: SecretString) -> Result<Option<SecretString>, ManageError> {
        let way = self.guesses.own(id);
        self.guesses.look(way)?;
        let turn = self.passwords.turn().await?;
        let guess = self.guesses.begin(way)?;
        let check = async {
            let known = self.core.db.read(move |connection| users::by_id_with_password(connection, id)).await?;
            let hash = known.and_then(|(_, hash)| hash);
            let is_right = self.passwords.verify(turn, current, hash.clone()).await?;
            if is_right { Ok(hash) } else { Err(wrong()) }
        };
        let checked = check.await;
        guess.settle(&checked);
        checked
    }

    /// A password that nobody guesses.
    #[must_use]
    pub fn new_password(&self) -> SecretString {
        passwords::generate(&*self.core.random)
    }

    /// Gives the user with this address a new password and ends their sessions; for the command line.
    ///
    /// # Errors
    /// [`ManageError::NotFound`], [`ManageError::Invalid`].
    pub async fn reset_password(&self, email: &str, password: SecretString) -> Result<User, ManageError> {
        password::check(password.expose_secret()).map_err(|error| error::invalid("password", error.to_string()))?;
        let email: Email = email.parse().map_err(|_| ManageError::NotFound)?;
        let hash = self.passwords.hash(password).await?;
        let reset = move |change: &mut Change<'_>| {
            let (user, _) = users::by_email(change.connection, &email)?.ok_or(ManageError::NotFound)?;
            users::set_password(change.connection, user.id, &hash)?;
            store::delete_of(change.connection, user.id)?;
            change.record(Actor::COMMAND, "user.reset_password", None, Some(user.id.to_string()), None)?;
            Ok(user)
        };
        self.core.changes.run(reset).await
    }
}
