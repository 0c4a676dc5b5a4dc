use secrecy::SecretString;
use serde_json::json;

use super::{Invitations, SeenInvitation};
use crate::{
    domain::{
        email::Email,
        ids::InvitationId,
        invitation::{Invitation, InvitationState, LIFETIME},
        membership::{Groups, Role},
        tagged_secret::{self, Purpose},
    },
    service::{
        authority::Caller,
        change::Change,
        error::{ManageError, conflict, invalid},
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
        self.core.authenticate(caller).await?.admin_of(organization)?;
        let NewInvitation { email, role, groups } = new;
        let email: Email = email.parse().map_err(|_| invalid("email", "is no e-mail address"))?;
        let groups = groups.map(Groups::new).transpose().map_err(|error| invalid("groups", error.to_string()))?;
        let (core, caller, name) = (self.core.clone(), caller.clone(), organization.to_owned());
        let create = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let (actor, organization) = authority.admin_of(&name)?;
            reaches(actor.role, role)?;
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
                email,
                role,
                groups,
                created_at: change.now,
                created_seq: change.seq,
                created_by: authority.user.id,
                expires_at: change.now.plus_seconds(LIFETIME),
                accepted_at: None,
                accepted_by: None,
                withdrawn_at: None,
            };
            store::insert(change.connection, invitation.clone(), hash)?;
            let detail = json!({ "email": invitation.email.as_str(), "role": role, "groups": invitation.groups });
            let (place, subject) = (Some(organization.id), Some(invitation.id.to_string()));
            change.record(authority.actor(), "invitation.create", place, subject, Some(&detail))?;
            Ok((invitation, secret))
        };
        let (invitation, secret) = self.core.changes.run(create).await?;
        Ok((SeenInvitation { invitation, state: InvitationState::Open }, secret))
    }
}
