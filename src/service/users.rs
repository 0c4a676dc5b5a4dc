//! Users: who may be anybody at all.

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    authority::Caller,
    change::{Actor, Change},
    core::Core,
    error::{ManageError, conflict},
    paging::{Paged, Part},
    passwords::{self, Passwords},
};
use crate::{
    domain::{
        email::Email,
        ids::UserId,
        list::Target,
        membership::{User, UserKind},
    },
    store::{StoreError, sessions, users},
};

/// Manages users.
pub struct Users {
    pub(crate) core: Arc<Core>,
    pub(crate) passwords: Arc<Passwords>,
}

impl Users {
    /// Disables the user with this address, ends their sessions and access tokens, and has their credentials refused;
    /// for the command line. Says whether they were not disabled yet; if they were, nothing changes.
    ///
    /// # Errors
    /// [`ManageError::NotFound`].
    pub async fn disable(&self, email: &str) -> Result<bool, ManageError> {
        self.switch(email, false).await
    }

    /// Takes [`Users::disable`] back: credentials are good again, but sessions and access tokens are not. Says whether
    /// the user was disabled.
    ///
    /// # Errors
    /// [`ManageError::NotFound`].
    pub async fn enable(&self, email: &str) -> Result<bool, ManageError> {
        self.switch(email, true).await
    }

    async fn switch(&self, email: &str, enabled: bool) -> Result<bool, ManageError> {
        let email: Email = email.parse().map_err(|_| ManageError::NotFound)?;
        let switch = move |change: &mut Change<'_>| {
            let (user, _) = users::by_email(change.connection, &email)?.ok_or(ManageError::NotFound)?;
            Ok(switch(change, &user, enabled, Actor::COMMAND)?)
        };
        self.core.changes.run(switch).await
    }

    /// The users, newest first, or the one with this address; for operators.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn list(&self, caller: &Caller, email: Option<Email>, part: Part) -> Result<Paged<User>, ManageError> {
        self.core.authenticate(caller).await?.operator()?;
        let place = (part.before, part.and_one());
        let rows = self.core.db.read(move |connection| users::page(connection, email, place)).await?;
        Ok(Paged::new(rows, part, |user| user.number))
    }

    /// Disables or enables a user, for operators; see [`Users::disable`] and [`Users::enable`].
    ///
    /// # Errors
    /// [`ManageError`]; [`ManageError::Conflict`] for the last operator.
    pub async fn set_enabled(&self, caller: &Caller, id: UserId, enabled: bool) -> Result<User, ManageError> {
        self.operate(caller, id, move |change, user, actor| {
            let is_operator = user.operator_since.is_some() && user.disabled_at.is_none();
            if !enabled && is_operator && users::other_operators(change.connection, id)? == 0 {
                return Err(conflict("last_operator", "there would be no operator left"));
            }
            switch(change, &user, enabled, actor)?;
            let disabled_at = if enabled { None } else { user.disabled_at.or(Some(change.now)) };
            Ok(User { disabled_at, ..user })
        })
        .await
    }

    /// Gives somebody a new password, which is shown here and never again, and ends their sessions; for operators.
    ///
    /// # Errors
    /// [`ManageError`]; [`ManageError::Conflict`] for a service account.
    pub async fn reset_password(&self, caller: &Caller, id: UserId) -> Result<SecretString, ManageError> {
        self.core.authenticate(caller).await?.operator()?;
        let password = passwords::generate(&*self.core.random);
        let hash = self.passwords.hash(password.clone()).await?;
        self.operate(caller, id, move |change, user, actor| {
            if user.kind != UserKind::Person {
                return Err(conflict("no_password", "only a person has a password"));
            }
            users::set_password(change.connection, id, &hash)?;
            sessions::delete_of(change.connection, id)?;
            change.record(actor, "user.reset_password", None, Some(id.to_string()), None)?;
            Ok(())
        })
        .await?;
        Ok(password)
    }

    /// Ends all sessions of somebody, and the access tokens that are out; for operators.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn sign_out(&self, caller: &Caller, id: UserId) -> Result<(), ManageError> {
        self.operate(caller, id, move |change, _, actor| {
            end_all(change, id)?;
            change.record(actor, "user.sign_out", None, Some(id.to_string()), None)?;
            Ok(())
        })
        .await
    }

    /// Ends all sessions of the caller's own, and the access tokens that are out. Credentials stay good.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for a caller without a session.
    pub async fn sign_out_self(&self, caller: &Caller) -> Result<(), ManageError> {
        self.core.authenticate(caller).await?.signed_in()?;
        let (core, caller) = (self.core.clone(), caller.clone());
        let end = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            authority.signed_in()?;
            end_all(change, authority.user.id)?;
            let own = authority.memberships.iter().map(|(own, _)| own);
            change.record_own(authority.actor(), "user.sign_out", own, &authority.user.id.to_string())?;
            Ok(())
        };
        self.core.changes.run(end).await
    }

    /// Does `f` to a user as an operator.
    async fn operate<T: Send + 'static>(
        &self,
        caller: &Caller,
        id: UserId,
        f: impl FnOnce(&mut Change<'_>, User, Actor) -> Result<T, ManageError> + Clone + Send + 'static,
    ) -> Result<T, ManageError> {
        self.core.authenticate(caller).await?.operator()?;
        let (core, caller) = (self.core.clone(), caller.clone());
        let operate = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            authority.operator()?;
            let found = users::by_id_with_password(change.connection, id)?;
            let (user, _) = found.ok_or(ManageError::NotFound)?;
            f(change, user, authority.actor())
        };
        self.core.changes.run(operate).await
    }
}

/// Says whether anything had to be changed.
fn switch(change: &mut Change<'_>, user: &User, enabled: bool, actor: Actor) -> Result<bool, StoreError> {
    if user.disabled_at.is_none() == enabled {
        change.is_so_already();
        return Ok(false);
    }
    users::set_disabled(change.connection, user.id, (!enabled).then_some(change.now))?;
    if !enabled {
        sessions::delete_of(change.connection, user.id)?;
    }
    change.append(Target::User(user.id), !enabled)?;
    let action = if enabled { "user.enable" } else { "user.disable" };
    change.record(actor, action, None, Some(user.id.to_string()), None)?;
    Ok(true)
}

/// Ends all sessions of a user, and the access tokens that are out.
fn end_all(change: &mut Change<'_>, id: UserId) -> Result<(), StoreError> {
    sessions::delete_of(change.connection, id)?;
    change.append(Target::User(id), true)
}
