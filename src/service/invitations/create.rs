use secrecy::SecretString;
use serde_json::json;

use super::{Invitations, SeenInvitation, accepted};
use crate::{
    domain::{
        email::Email,
        ids::{InvitationId, OrganizationId},
        invitation::{Invitation, InvitationState, LIFETIME},
        membership::{Groups, Role},
        tagged_secret::{self, Purpose},
    },
    service::{
        authority::{Authority, Caller},
        change::Change,
        core::Core,
        error::{ManageError, conflict, invalid},
        idempotency::Attempt,
        members::reaches,
    },
    store::{invitations as store, memberships, users},
};

/// Whom to invite, and as what.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// The address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Their groups; `None` = none.
    pub groups: Option<Vec<String>>,
}

impl Invitations {
    /// Invites somebody. The secret is shown here and never again; whoever has it may accept.
    ///
    /// # Errors
    /// [`ManageError`]; [`ManageError::Conflict`] for whoever is a member.
    pub async fn create(
        &self,
        caller: &Caller,
        organization: &str,
        new: NewInvitation,
    ) -> Result<(SeenInvitation, SecretString), ManageError> {
        let authority = self.core.authenticate(caller).await?;
        authority.admin_of(organization)?;
        let NewInvitation { email, role, groups } = new;
        let email: Email = email.parse().map_err(|_| invalid("email", "is no e-mail address"))?;
        let groups = groups.map(Groups::new).transpose().map_err(|error| invalid("groups", error.to_string()))?;
        let (core, name) = (self.core.clone(), organization.to_owned());
        let create = move |change: &mut Change<'_>, authority: &Authority, attempt: Attempt| {
            let (actor, organization) = authority.admin_of(&name)?;
            reaches(actor.role, role)?;
            if let Some(id) = attempt.created(change)? {
                return renew_secret(change, &core, authority, organization.id, id);
            }
            if let Some((user, _)) = users::by_email(change.connection, &email)?
                && memberships::of(change.connection, organization.id, user.id)?
                    .is_some_and(|(membership, _)| membership.ended_at.is_none())
            {
                return Err(conflict("already_member", "whoever has this address is a member"));
            }
            let (secret, hash) = tagged_secret::issue(Purpose::Invitation, core.keys.tag(), &*core.random);
            let invitation = Invitation {
                id: InvitationId::generate(change.now, &*core.random),
                organization_id: organization.id,
                email: email.clone(),
                role,
                groups: groups.clone(),
                created_at: change.now,
                created_seq: change.seq,
                created_by: authority.user.id,
                expires_at: change.now.plus_seconds(LIFETIME),
                accepted_at: None,
                accepted_by: None,
                withdrawn_at: None,
            };
            store::insert(change.connection, invitation.clone(), hash)?;
            attempt.note(change, invitation.id)?;
            let detail = json!({ "email": invitation.email.as_str(), "role": role, "groups": invitation.groups });
            let (place, subject) = (Some(organization.id), Some(invitation.id.to_string()));
            change.record(authority.actor(), "invitation.create", place, subject, Some(&detail))?;
            Ok((invitation, secret))
        };
        let (invitation, secret) = self.core.create_once(caller, &authority, create).await?;
        Ok((SeenInvitation { invitation, state: InvitationState::Open }, secret))
    }
}

/// Gives an invitation that an earlier request made a fresh secret, in place of the one that nobody saw.
fn renew_secret(
    change: &mut Change<'_>,
    core: &Core,
    authority: &Authority,
    place: OrganizationId,
    id: InvitationId,
) -> Result<(Invitation, SecretString), ManageError> {
    let (invitation, inviter) = store::by_id(change.connection, place, id)?.ok_or(ManageError::NotFound)?;
    match invitation.state(inviter, change.now) {
        InvitationState::Accepted => return Err(accepted()),
        InvitationState::Withdrawn => {
            return Err(conflict("invitation_withdrawn", "it was withdrawn; invite with another Idempotency-Key"));
        }
        InvitationState::Open | InvitationState::Expired | InvitationState::Void => {}
    }
    let (secret, hash) = tagged_secret::issue(Purpose::Invitation, core.keys.tag(), &*core.random);
    store::set_secret(change.connection, id, hash)?;
    let detail = json!({ "email": invitation.email.as_str() });
    let subject = Some(id.to_string());
    change.record(authority.actor(), "invitation.renew_secret", Some(place), subject, Some(&detail))?;
    Ok((invitation, secret))
}
