//! Invitations into an organization: make one, see them, take one back, accept one.

mod accept;
mod create;

use std::sync::Arc;

use serde_json::json;

pub use self::{
    accept::{Acceptance, Accepted},
    create::NewInvitation,
};
use super::{
    authority::Caller,
    change::Change,
    core::Core,
    error::{ManageError, conflict},
    members::reaches,
    paging::{Paged, Part},
    passwords::Passwords,
};
use crate::{
    domain::{
        ids::InvitationId,
        invitation::{Invitation, InvitationState},
        membership::Role,
    },
    store::invitations as store,
};

/// Manages invitations.
pub struct Invitations {
    pub(crate) core: Arc<Core>,
    pub(crate) passwords: Arc<Passwords>,
}

/// An invitation as an admin sees it.
#[derive(Clone, Debug)]
pub struct SeenInvitation {
    /// It.
    pub invitation: Invitation,
    /// How it stands now.
    pub state: InvitationState,
}

fn accepted() -> ManageError {
    conflict("invitation_accepted", "it was accepted; remove the member instead")
}

impl Invitations {
    /// The invitations into an organization, newest first; for admins.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn list(
        &self,
        caller: &Caller,
        organization: &str,
        part: Part,
    ) -> Result<Paged<SeenInvitation>, ManageError> {
        let id = self.core.authenticate(caller).await?.admin_of(organization)?.1.id;
        let place = (part.before, part.and_one());
        let rows = self.core.db.read(move |connection| store::page(connection, id, place)).await?;
        let now = self.core.clock.now();
        let seen = |(invitation, inviter): (Invitation, Option<Role>)| {
            let state = invitation.state(inviter, now);
            SeenInvitation { invitation, state }
        };
        let items = rows.into_iter().map(seen).collect();
        Ok(Paged::new(items, part, |seen: &SeenInvitation| seen.invitation.created_seq))
    }

    /// Takes an invitation back: nobody can accept it any more. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`ManageError::NotFound`]; [`ManageError::Forbidden`]; [`ManageError::Conflict`] if it was accepted.
    pub async fn withdraw(&self, caller: &Caller, organization: &str, id: InvitationId) -> Result<(), ManageError> {
        self.core.authenticate(caller).await?.admin_of(organization)?;
        let (core, caller, name) = (self.core.clone(), caller.clone(), organization.to_owned());
        let withdraw = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let (actor, organization) = authority.admin_of(&name)?;
            let found = store::by_id(change.connection, organization.id, id)?;
            let (invitation, inviter) = found.ok_or(ManageError::NotFound)?;
            reaches(actor.role, invitation.role)?;
            match invitation.state(inviter, change.now) {
                InvitationState::Accepted => return Err(accepted()),
                InvitationState::Withdrawn => return Ok(()),
                // Also a void one: with its inviter's rights it would come back.
                InvitationState::Open | InvitationState::Expired | InvitationState::Void => {}
            }
            store::withdraw(change.connection, id, change.now)?;
            let detail = json!({ "email": invitation.email.as_str() });
            let (place, subject) = (Some(organization.id), Some(id.to_string()));
            change.record(authority.actor(), "invitation.withdraw", place, subject, Some(&detail))?;
            Ok(())
        };
        self.core.changes.run(withdraw).await
    }
}
