//! Users: who may be anybody at all.

use std::sync::Arc;

use super::{
    change::{Actor, Change},
    core::Core,
    error::ManageError,
};
use crate::{
    domain::{email::Email, list::Target},
    store::{sessions, users},
};

/// Manages users.
pub struct Users {
    pub(crate) core: Arc<Core>,
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
            change.record(Actor::default(), action, None, Some(user.id.to_string()), None)?;
            Ok(true)
        };
        self.core.changes.run(switch).await
    }
}
