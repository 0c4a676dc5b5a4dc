use serde_json::json;

use super::{Members, is_not_last_owner, reaches};
use crate::{
    domain::{
        ids::UserId,
        list::Target,
        membership::{Membership, Role},
    },
    service::{
        authority::{Authority, Caller},
        change::{Actor, Change},
        error::ManageError,
    },
    store::memberships,
};

/// What the caller is in the organization, if that is enough to end the membership of `user`: anybody may leave.
fn role_of_ender(authority: &Authority, organization: &str, user: UserId) -> Result<Role, ManageError> {
    let is_leaving = authority.user.id == user;
    let place = if is_leaving { authority.member_of(organization) } else { authority.admin_of(organization) };
    place.map(|(membership, _)| membership.role)
}

impl Members {
    /// Ends a membership, one's own or as an admin another's: the user's credentials here are refused, and access tokens
    /// made from them die. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] for whoever never was a member; [`ManageError::Forbidden`]; [`ManageError::Conflict`]
    /// for the last owner.
    pub async fn end(&self, caller: &Caller, organization: &str, user: UserId) -> Result<(), ManageError> {
        role_of_ender(&self.core.authenticate(caller).await?, organization, user)?;
        let (core, caller, name) = (self.core.clone(), caller.clone(), organization.to_owned());
        let end_it = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let actor = role_of_ender(&authority, &name, user)?;
            let id = authority.member_of(&name)?.1.id;
            let (membership, _) = memberships::of(change.connection, id, user)?.ok_or(ManageError::NotFound)?;
            reaches(actor, membership.role)?;
            end(change, authority.actor(), membership)
        };
        self.core.changes.run(end_it).await
    }
}

/// Ends a membership: memory forgets the member's credentials, and access tokens made from them die.
pub(in crate::service) fn end(
    change: &mut Change<'_>,
    actor: Actor,
    membership: Membership,
) -> Result<(), ManageError> {
    let (id, user) = (membership.organization_id, membership.user_id);
    if membership.ended_at.is_some() {
        change.is_so_already();
        return Ok(());
    }
    if membership.role == Role::Owner {
        is_not_last_owner(change, id, user)?;
    }
    let detail = json!({ "role": membership.role });
    memberships::edit(change.connection, &Membership { ended_at: Some(change.now), ..membership })?;
    change.append(Target::Member(id, user), true)?;
    change.record(actor, "member.end", Some(id), Some(user.to_string()), Some(&detail))?;
    Ok(())
}
